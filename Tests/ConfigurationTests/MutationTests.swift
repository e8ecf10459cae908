import ConfigLanguage
import Configuration
import Foundation
import Primitives
import Testing

/// Whatever becomes of a good configuration, loading it gives an answer.
@Suite struct MutationTests {
  @Test(.timeLimit(.minutes(2)), arguments: 1...4) func mutations(_ seed: UInt64) throws {
    var root = GoldenTests.folder
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let good = try Array(Data(contentsOf: root.appendingPathComponent("proxy.conf.example")))
    var random = SeededRandom(seed: seed)
    var refused = 0
    for _ in 0..<300 {
      let bytes = MutationTests.mutate(good, &random)
      let access = SourceAccess(read: { $0 == "proxy.conf" ? .bytes(bytes) : .failed("no such file") })
      let outcome = ConfigurationLoader(processors: 2, access: access).load(
        path: "proxy.conf", environment: [:], resolveName: { _ in [] }, previous: nil)
      guard case .refused(let report) = outcome else { continue }
      refused += 1
      #expect(report.errorCount > 0 && !report.diagnostics.isEmpty && report.diagnostics.count <= 20)
      #expect(report.diagnostics.allSatisfy { !$0.text.isEmpty })
    }
    #expect(refused > 100)
  }

  /// `bytes` with a few runs dropped, doubled, swapped in from elsewhere, or overwritten by any byte.
  private static func mutate(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var result = bytes
    for _ in 0...random.below(6) {
      let start = random.below(result.count)
      let end = min(result.count, start + 1 + random.below(30))
      switch random.below(4) {
      case 0: result.removeSubrange(start..<end)
      case 1: result.insert(contentsOf: result[start..<end], at: random.below(result.count))
      case 2: result[start] = UInt8(truncatingIfNeeded: random.next())
      default: result[start] = Array("{}\"\\$#\n /*0".utf8)[random.below(11)]
      }
    }
    return result
  }
}
