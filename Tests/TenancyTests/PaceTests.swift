import Primitives
import Testing

@testable import Tenancy

@Suite struct PaceTests {
  /// Streams that each move as much as they were granted, as soon as they may.
  @Test(arguments: [(Int64(1_000), 1), (50_000, 3), (10 << 20, 1), (10 << 20, 40), (1 << 30, 7)])
  func streamsTogetherKeepTheRate(_ rate: Int64, _ streams: Int) {
    let pace = Pace()
    let start = Instant(nanoseconds: 5 * .second)
    let grant = Pace.grant(rate)
    var moved = [Int64](repeating: 0, count: streams)
    var due = [Instant](repeating: start, count: streams)
    let end = start.advanced(by: 60 * .second)
    while true {
      let next = due.indices.min { due[$0] < due[$1] }!
      guard due[next] < end else { break }
      moved[next] += grant
      due[next] = max(due[next], pace.reserve(grant, rate: rate, at: due[next]))
    }
    let sum = Double(moved.reduce(0, +)) / 60
    #expect(abs(sum / Double(rate) - 1) < 0.05, "\(sum) of \(rate)")
    // None waits for the others for ever; what was saved at first is whose who came first.
    #expect(moved.max()! - moved.min()! <= 2 * grant + rate / 20)
  }

  @Test func aPauseEndsInNoFlood() {
    let pace = Pace()
    let start = Instant(nanoseconds: 500 * .second)
    _ = pace.reserve(100, rate: 1_000, at: start)
    let later = start.advanced(by: 100 * .second)
    #expect(pace.reserve(100, rate: 1_000, at: later) <= later)
    #expect(pace.reserve(100, rate: 1_000, at: later) == later.advanced(by: 50 * .millisecond))
  }

  @Test func whatDidNotMoveIsGivenBack() {
    let pace = Pace()
    let start = Instant(nanoseconds: 500 * .second)
    let first = pace.reserve(1_000, rate: 1_000, at: start)
    pace.giveBack(1_000, rate: 1_000)
    #expect(pace.reserve(1_000, rate: 1_000, at: start) == first)
  }
}
