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

  /// Placements depend on these values: they must never change. Computed by another implementation.
  @Test(
    arguments: [
      ("", 0xC381_7C01_6BA4_FF30), ("a", 0x5F29_C2AA_DD9B_8527), ("shard-a", 0x27EE_1A5C_1037_E2ED),
      ("shard-b", 0xE93D_69C4_228F_6C2F), ("acme", 0x4279_CFB0_4F79_F3BF), ("globex", 0x8F0D_4C46_B2BC_F8B8),
      ("eu-west-1", 0x6EF8_AA38_7A30_E9BC),
    ] as [(String, UInt64)])
  func theHashIsFixed(name: String, expected: UInt64) { #expect(Rendezvous.hash(name) == expected) }

  @Test(arguments: [
    ("acme", "green"), ("globex", "grey"), ("initech", "green"), ("umbrella", "grey"), ("hooli", "blue"),
    ("wayne", "grey"), ("stark", "green"), ("t-000001", "red"), ("t-000002", "green"), ("0", "red"),
  ])
  func thePlacementIsFixed(key: String, shard: String) {
    #expect(choose(key, ["red", "green", "blue", "grey"]) == shard)
  }

  @Test(arguments: [1, 2, 3, 8, 50])
  func everyShardHasItsShare(count: Int) {
    let shards = (0..<count).map { "s\($0)" }
    var counts: [String: Int] = [:]
    for number in 0..<count * 1_000 { counts[choose("key-\(number)", shards), default: 0] += 1 }
    #expect(counts.count == count)
    for share in counts.values { #expect((800...1_200).contains(share)) }
  }
}
