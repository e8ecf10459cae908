import Primitives

/// What one tenant has used of a shard's retries: never more than its own requests and half of the floor would give it, so
/// that the others' retries are left to them.
struct RetryShare: Sendable, BitwiseCopyable {
  /// The half of a window that is counted now.
  private var half: Int64 = 0
  /// The one in which a retry was last wanted.
  private var wanted: Int64 = .min / 2
  private var requests: (Int32, Int32) = (0, 0)
  private var retries: (Int32, Int32) = (0, 0)

  /// The half window of a moment.
  private static func half(at now: Instant) -> Int64 { RetryRules.tick(at: now) / (RetryRules.ticks / 2) }

  private mutating func advance(to now: Instant) {
    let current = RetryShare.half(at: now)
    guard current > half else { return }
    let isNext = current == half + 1
    requests = (0, isNext ? requests.0 : 0)
    retries = (0, isNext ? retries.0 : 0)
    half = current
  }

  /// Counts a request.
  mutating func countRequest(at now: Instant) {
    advance(to: now)
    requests.0 &+= 1
  }

  /// Takes one retry, if there is one.
  mutating func take(_ rules: RetryRules, at now: Instant) -> Bool {
    advance(to: now)
    wanted = half
    let known = Int64(requests.0) + Int64(requests.1)
    let used = Int64(retries.0) + Int64(retries.1)
    guard used < known * Int64(rules.percent) / 100 + (rules.floor + 1) / 2 else { return false }
    retries.0 &+= 1
    return true
  }

  /// Gives back what was taken and not used.
  mutating func giveBack() { retries.0 = max(0, retries.0 &- 1) }

  /// Whether the tenant wanted no retry for a while: its requests need not be counted.
  func isUnused(at now: Instant) -> Bool { RetryShare.half(at: now) - wanted > 2 }
}
