public import Primitives

/// How many retries a shard may still make: a part of its requests in the last ten seconds, and a floor.
///
/// Requests are counted by whoever has a cheap way to; this keeps what their count was at the beginning of each tick.
public struct RetryBudget: Sendable {
  /// One tick of the window.
  private struct Mark {
    var tick = Int64.min
    /// Requests before it.
    var before: Int64 = 0
    /// Retries in it.
    var retries: Int64 = 0
  }

  private var marks = [Mark](repeating: Mark(), count: Int(RetryRules.ticks))

  /// A budget of which nothing is used.
  public init() {}

  /// Notes that there were `requests` before the tick of `now`: to be called with its first request, or later.
  public mutating func mark(_ requests: Int64, at now: Instant) {
    let tick = RetryRules.tick(at: now)
    let place = Int(tick.quotientAndRemainder(dividingBy: RetryRules.ticks).remainder.magnitude)
    // A clock that workers read at different moments may be a tick behind: what is known of a later one stays.
    guard marks[place].tick < tick else { return }
    marks[place] = Mark(tick: tick, before: requests)
  }

  /// Takes one retry, if there is one; `requests` is the count of all of them by now.
  public mutating func take(_ requests: Int64, _ rules: RetryRules, at now: Instant) -> Bool {
    mark(requests, at: now)
    let tick = RetryRules.tick(at: now)
    var (before, retries) = (requests, Int64(0))
    var newest = 0
    for place in marks.indices where marks[place].tick > tick - RetryRules.ticks {
      before = min(before, marks[place].before)
      retries += marks[place].retries
      if marks[place].tick > marks[newest].tick { newest = place }
    }
    guard retries < (requests - before) * Int64(rules.percent) / 100 + rules.floor else { return false }
    marks[newest].retries += 1
    return true
  }
}
