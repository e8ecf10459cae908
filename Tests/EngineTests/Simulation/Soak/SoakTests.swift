import Foundation
import Primitives
import Testing

@testable import Engine

/// Worlds for `deploy/test.sh soak`: seeds `FIRST`, `FIRST + STEP`, ... up to `LAST`, for so many `MINUTES` (0: without
/// end), or until the file `STOP` is there.
struct SoakTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static func number(_ name: String, or other: UInt64) -> UInt64 {
    environment[name].flatMap(UInt64.init) ?? other
  }

  @Test(.enabled(if: environment["SOAK"] != nil))
  func worldsKeepTheirLaws() {
    let minutes = Self.number("MINUTES", or: 0)
    let end = minutes == 0 ? Date.distantFuture : Date(timeIntervalSinceNow: TimeInterval(minutes) * 60)
    let stop = Self.environment["STOP"] ?? ""
    let step = Self.number("STEP", or: 1)
    var seed = Self.number("FIRST", or: 1)
    let last = Self.number("LAST", or: .max)
    var (passed, failed) = (0, 0)
    while seed <= last, failed < 20, Date() < end, !FileManager.default.fileExists(atPath: stop) {
      if SimulationTests.run(Scenario(seed: seed)).isEmpty {
        passed += 1
      } else {
        failed += 1
        Issue.record("seed \(seed)")
        print(Self.report(seed))
      }
      if (passed + failed) % 500 == 0 { Self.say("soak: \(passed) passed, \(failed) failed, seed \(seed)") }
      seed += step
    }
    Self.say("soak: \(passed) passed, \(failed) failed, done before seed \(seed)")
  }

  private static func say(_ text: String) {
    print(text)
    fflush(nil)
  }

  /// What failed, how to see it again, and the trace of the smallest world that fails the same way.
  static func report(_ seed: UInt64) -> String {
    var shrinker = Shrinker(Scenario(seed: seed)) { !SimulationTests.run($0).isEmpty }
    shrinker.run()
    let (violations, trace) = SimulationTests.trace(shrinker.scenario)
    let whole = SimulationTests.run(Scenario(seed: seed))
    return """
      FAILED seed \(seed)
      replay: SEED=\(seed) TRACE=1 swift test --filter SimulationTests/aWorldKeepsItsLaws
      found: \(whole.joined(separator: "\n       "))
      made smaller in \(shrinker.runs) worlds: \(violations.joined(separator: "\n       "))
      \(trace.joined(separator: "\n"))
      END of seed \(seed)
      """
  }
}
