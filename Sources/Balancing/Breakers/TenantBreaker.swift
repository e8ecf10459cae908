import Primitives

/// What a breaker says of a request.
public enum BreakerWord: Sendable, BitwiseCopyable {
  /// It may go.
  case pass
  /// It may go alone: how it fares decides for those that follow.
  case trial
  /// It is refused.
  case refuse
}

/// The breaker between one tenant and one shard: open while its requests fail there.
///
/// It knows the last requests only; what came before the first failure counts as good.
struct TenantBreaker: Sendable, BitwiseCopyable {
  /// The last requests, the newest in the lowest bit; a set bit failed.
  private var row: UInt64 = 0
  /// When it is, or was, next due to let one through; `distantPast` while it is closed.
  private var opensUntil = Instant.distantPast

  /// Whether it is open.
  var isOpen: Bool { opensUntil != .distantPast }
  /// Whether nothing stands against the tenant.
  var isClean: Bool { row == 0 && !isOpen }

  /// Asks for a request.
  mutating func ask(_ rules: BreakerRules, at now: Instant) -> BreakerWord {
    guard isOpen else { return .pass }
    guard now >= opensUntil else { return .refuse }
    // One whose client leaves says nothing: the next is let through as long after it.
    opensUntil = now.advanced(by: rules.duration)
    return .trial
  }

  /// Nanoseconds until one is let through.
  func wait(at now: Instant) -> Int64 { isOpen ? max(0, opensUntil - now) : 0 }

  /// A request fared so; returns whether that opened the breaker.
  mutating func note(failed: Bool, isTrial: Bool, _ rules: BreakerRules, at now: Instant) -> Bool {
    if isOpen {
      // Those that were on their way when it opened say nothing new.
      guard isTrial else { return false }
      row = 0
      opensUntil = failed ? now.advanced(by: rules.duration) : .distantPast
      return false
    }
    let mask = UInt64.max >> UInt64(64 - rules.requests)
    row = (row << 1 | (failed ? 1 : 0)) & mask
    guard failed, Int32(row.nonzeroBitCount) * 100 >= rules.percent * rules.requests else { return false }
    row = 0
    opensUntil = now.advanced(by: rules.duration)
    return true
  }
}
