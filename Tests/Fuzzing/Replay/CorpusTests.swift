import Foundation
import Primitives
import Testing

/// What every test run asks of the fuzzers' targets: all seeds, and each a few hundred times broken at random.
struct CorpusTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Corpus")
  private static let mutations = 300

  private static func seeds(of target: String) throws -> [(name: String, bytes: [UInt8])] {
    let place = folder.appendingPathComponent(target)
    return try FileManager.default.contentsOfDirectory(atPath: place.path).sorted().map { name in
      (name, [UInt8](try Data(contentsOf: place.appendingPathComponent(name))))
    }
  }

  @Test(.timeLimit(.minutes(2)), arguments: FuzzTarget.all.map(\.name)) func target(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let seeds = try CorpusTests.seeds(of: name)
    #expect(!seeds.isEmpty)
    for seed in seeds { try CorpusTests.check(target, seed.bytes, seed.name) }
    var random = SeededRandom(seed: 1)
    for number in 0..<CorpusTests.mutations {
      let seed = seeds[random.below(seeds.count)]
      let other = seeds[random.below(seeds.count)]
      try CorpusTests.check(
        target, Mutation.broken(seed.bytes, other.bytes, &random), "\(seed.name), mutation \(number)")
    }
  }

  private static func check(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String) throws {
    do {
      try target.run(bytes)
    } catch {
      Issue.record("\(target.name), \(name): \(error)\n\(shown(bytes))")
      throw error
    }
  }

  @Test func everyCorpusHasATarget() throws {
    let corpora = try FileManager.default.contentsOfDirectory(atPath: CorpusTests.folder.path)
    #expect(corpora.sorted() == FuzzTarget.all.map(\.name).sorted())
  }
}

/// Damage to inputs.
private enum Mutation {
  static func broken(_ seed: [UInt8], _ other: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = seed
    for _ in 0...random.below(4) {
      let start = random.below(bytes.count + 1)
      let end = min(bytes.count, start + random.below(20))
      switch random.below(5) {
      case 0: bytes.removeSubrange(start..<end)
      case 1: bytes.insert(contentsOf: bytes[start..<end], at: random.below(bytes.count + 1))
      case 2 where start < bytes.count: bytes[start] = UInt8(truncatingIfNeeded: random.next())
      case 3 where start < bytes.count: bytes[start] ^= 1 << UInt8(random.below(8))
      default:
        let from = random.below(other.count + 1)
        bytes.insert(contentsOf: other[from..<min(other.count, from + random.below(30))], at: start)
      }
    }
    return bytes
  }
}
