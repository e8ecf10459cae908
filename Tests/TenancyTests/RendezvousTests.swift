import Tenancy
import Testing

@Suite struct RendezvousTests {
  private func choose(_ key: String, _ shards: [String]) -> String {
    let hashes = shards.map { Rendezvous.hash($0) }
    let place = hashes.withUnsafeBufferPointer {
      Rendezvous.choose(key: Rendezvous.hash(key), shards: $0.baseAddress!, count: $0.count)
    }
    return shards[place]
  }

  @Test func aNewShardTakesItsShareAndMovesNobodyElse() {
    let before = (0..<9).map { "shard-\($0)" }
    let after = before + ["shard-9"]
    var moved = 0
    for number in 0..<20_000 {
      let (old, new) = (choose("tenant-\(number)", before), choose("tenant-\(number)", after))
      if old != new {
        #expect(new == "shard-9")
        moved += 1
      }
    }
    #expect((1_800...2_200).contains(moved))
  }

  @Test func theOrderOfShardsDoesNotMatter() {
    let shards = ["a", "b", "c", "d", "e"]
    for number in 0..<500 { #expect(choose("t\(number)", shards) == choose("t\(number)", shards.reversed())) }
  }
}
