import Primitives
import Testing

@testable import Balancing

@Suite struct PeakEWMATests {
  private let start = Instant(nanoseconds: 1_000 * .second)

  private func loaded(_ latencies: [Int64], every step: Int64 = .millisecond) -> BackendLoad {
    var load = BackendLoad(weight: 1)
    for (index, latency) in latencies.enumerated() {
      let now = start.advanced(by: Int64(index) * step)
      load.start(at: now)
      load.finish(latency: latency, at: now)
    }
    return load
  }

  @Test func decayIsTheExponentialWithinOnePercent() {
    // e^(-t / 10 s), from a table.
    let expected: [(Double, Double)] = [
      (0.1, 0.990050), (1, 0.904837), (3, 0.740818), (5, 0.606531), (6.931472, 0.5), (10, 0.367879), (20, 0.135335),
      (50, 0.006738),
    ]
    for (seconds, factor) in expected {
      let found = BackendLoad.remainder(after: Int64(seconds * 1e9))
      #expect(abs(found - factor) < 0.01 * factor, "\(seconds) s: \(found)")
    }
    #expect(BackendLoad.remainder(after: 0) == 1)
    #expect(BackendLoad.remainder(after: -5) == 1)
    #expect(BackendLoad.remainder(after: start - .distantPast) == 0)
  }

  @Test func decayNeverGrows() {
    var last = 1.0
    for step in 0..<2_000 {
      let next = BackendLoad.remainder(after: Int64(step) * 50 * .millisecond)
      #expect(next <= last)
      last = next
    }
    #expect(last < 0.000_05)
  }

  @Test func aSlowAnswerCountsAtOnce() {
    #expect(loaded([.millisecond, .second]).ewma == 1e9)
  }

  @Test func quickAnswersPullItDownSlowly() {
    let load = loaded([.second] + [Int64](repeating: .millisecond, count: 10_000))
    // Ten seconds later: e^-1 of the second and 1 - e^-1 of a millisecond.
    #expect(abs(load.ewma - 368.5e6) < 1e6)
  }

  @Test func aSteadyLatencyStays() {
    let load = loaded([Int64](repeating: 20 * .millisecond, count: 5_000), every: 3 * .millisecond)
    #expect(abs(load.ewma - 20e6) < 1)
  }

  @Test func silenceForgets() {
    let load = loaded([.second])
    #expect(load.latency(at: start.advanced(by: 60 * .second)) < 3e6)
    #expect(load.latency(at: start.advanced(by: 3_600 * .second)) == 0)
  }

  @Test func absurdLatenciesStayBounded() {
    let load = loaded([.max])
    #expect(load.ewma == Double(BackendLoad.latencyBound))
    #expect(load.latency(at: start) == Double(BackendLoad.latencyBound))
  }

  @Test func anUnmeasuredBackendIsFreeOnceThenDear() {
    var load = BackendLoad(weight: 1)
    #expect(load.cost(at: start) == 0)
    load.start(at: start)
    #expect(load.cost(at: start) > loaded([.millisecond]).cost(at: start))
  }

  @Test func costFollowsLatencyRequestsAndWeight() {
    var load = loaded([.millisecond])
    let idle = load.cost(at: start)
    load.start(at: start)
    #expect(load.cost(at: start) == 2 * idle)
    load.weight = 4
    #expect(load.cost(at: start) == idle / 2)
  }
}
