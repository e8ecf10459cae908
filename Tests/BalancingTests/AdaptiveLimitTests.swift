import Primitives
import Testing

@testable import Balancing

/// A backend in virtual time that works on so many requests at once and queues the others, always asked as much as the
/// limit allows.
private struct Pressed {
  var limit: AdaptiveLimit
  var now = Instant(nanoseconds: 0)
  /// Requests it works on at once, and how long each takes.
  var workers: Int
  var time: Int64
  /// How much of the limit is asked for.
  var demand = 1_000

  mutating func run(seconds: Double) {
    let end = now.advanced(by: Int64(seconds * 1e9))
    var window = LatencyWindow()
    var (began, answered) = (now, 0.0)
    while now < end {
      now = now.advanced(by: AdaptiveLimit.window)
      let inFlight = min(Int(limit.limit), demand)
      // Little's law: what is more than its workers waits.
      let taken = inFlight <= workers ? time : time * Int64(inFlight) / Int64(workers)
      answered += Double(AdaptiveLimit.window) / Double(taken) * Double(inFlight)
      while Double(window.count) < answered.rounded(.down) { window.add(taken) }
      window.mostInFlight = max(window.mostInFlight, Int32(inFlight))
      guard AdaptiveLimit.isEnough(UInt32(window.count), in: now - began) else { continue }
      limit.learn(window, at: now, chance: 0.5)
      window = LatencyWindow()
      (began, answered) = (now, 0)
    }
  }
}

@Suite struct AdaptiveLimitTests {
  private func pressed(workers: Int, time: Int64 = 20 * .millisecond) -> Pressed {
    Pressed(limit: AdaptiveLimit(least: 4, most: 1_000, start: 20), workers: workers, time: time)
  }

  @Test(
    "Buckets grow by about a quarter and hold what they should",
    arguments: [70_000, 1_000_000, 50_000_000, 2_000_000_000] as [Int64])
  func buckets(_ time: Int64) {
    let middle = LatencyWindow.time(of: LatencyWindow.bucket(of: time))
    #expect(abs(Double(middle) / Double(time) - 1) < 0.14, "\(time) is taken for \(middle)")
    #expect(LatencyWindow.bucket(of: 0) == 0 && LatencyWindow.bucket(of: .max) == LatencyWindow.buckets - 1)
  }

  @Test("It finds about what the backend works on at once", arguments: [8, 32, 200])
  func finds(_ workers: Int) {
    var backend = pressed(workers: workers)
    backend.run(seconds: 8)
    #expect(
      Int(backend.limit.limit) >= workers && Int(backend.limit.limit) <= workers * 2 + 16, "\(backend.limit.limit)")
  }

  @Test("A backend that becomes slow by losing workers is given less within two seconds, and more when it recovers")
  func slowed() {
    var backend = pressed(workers: 64)
    backend.run(seconds: 8)
    let before = backend.limit.limit
    backend.workers = 8
    backend.run(seconds: 2)
    #expect(backend.limit.limit <= before / 3, "\(before) to \(backend.limit.limit)")
    backend.workers = 64
    backend.run(seconds: 6)
    #expect(backend.limit.limit >= before * 2 / 3, "back to \(backend.limit.limit) of \(before)")
  }

  @Test("One that is slower for good is not held down for ever")
  func slowerForGood() {
    var backend = pressed(workers: 64)
    backend.run(seconds: 8)
    backend.time = 100 * .millisecond
    backend.run(seconds: 60)
    #expect(backend.limit.limit >= 64, "\(backend.limit.limit)")
  }

  @Test("Without demand the limit stays, and within its bounds it is always")
  func demand() {
    var backend = pressed(workers: 1_000)
    backend.demand = 5
    backend.run(seconds: 30)
    #expect(backend.limit.limit == 20)
    backend.demand = 100_000
    backend.workers = 100_000
    backend.run(seconds: 60)
    #expect(backend.limit.limit <= 1_000)
    backend.workers = 1
    backend.run(seconds: 20)
    #expect(backend.limit.limit >= 4)
    backend.limit.bound(least: 2, most: 3)
    #expect((2...3).contains(backend.limit.limit))
  }

  @Test("A window of few requests lasts longer, and an empty one teaches nothing")
  func few() {
    #expect(
      !AdaptiveLimit.isEnough(1_000, in: AdaptiveLimit.window - 1)
        && AdaptiveLimit.isEnough(8, in: AdaptiveLimit.window))
    #expect(!AdaptiveLimit.isEnough(7, in: 2 * AdaptiveLimit.window) && AdaptiveLimit.isEnough(1, in: .second))
    var limit = AdaptiveLimit(least: 4, most: 1_000, start: 20)
    limit.learn(LatencyWindow(), at: Instant(nanoseconds: .second), chance: 0)
    #expect(limit.limit == 20 && limit.leastTime == 0)
  }
}
