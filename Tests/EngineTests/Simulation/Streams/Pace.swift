import Primitives

@testable import Engine

/// How fast a body was taken lately: one that is taken by drips is not waited for.
struct Pace {
  private var taken: [(time: Instant, count: Int)] = []
  private var began = Instant.distantFuture

  mutating func note(_ count: Int, at now: Instant) {
    began = min(began, now)
    taken.append((now, count))
    let start = now.advanced(by: -Timeouts().bodyIdle)
    taken.removeAll { $0.time < start }
  }

  /// Whether less came in the time that a waiting body has than it must make progress by; some may be under way still.
  func isDripping(at now: Instant) -> Bool {
    let start = now.advanced(by: -Timeouts().bodyIdle)
    return began <= start
      && taken.lazy.filter { $0.time >= start }.reduce(0) { $0 + $1.count } < Limit.streamProgress + 512
  }
}
