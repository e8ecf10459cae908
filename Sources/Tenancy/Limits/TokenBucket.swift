public import Primitives
import Synchronization

/// A rate as a configuration says it: `count` tokens a `period`, at most `burst` at once.
public struct RequestRate: Sendable, Hashable, BitwiseCopyable {
  /// Tokens that come in a period; 0 is unlimited.
  public var count: Int64
  /// Nanoseconds.
  public var period: Int64
  /// Tokens that a full bucket holds, at least 1.
  public var burst: Int64

  /// The rate of `count` tokens every `period` nanoseconds with at most `burst` at once.
  public init(count: Int64, period: Int64, burst: Int64) {
    self.count = count
    self.period = period
    self.burst = burst
  }
}

/// A rate made ready for the bucket, exact for any rate.
///
/// Time is counted in units of which the clock makes `scale` a nanosecond and a token costs `cost`: with the greatest
/// common divisor taken out both are whole numbers, so no token is ever won or lost to rounding. A rate that would need
/// more than 2^20 units a nanosecond is rounded so that it admits less, by less than a millionth.
public struct TokenBucketRule: Sendable, BitwiseCopyable {
  /// The rate.
  public private(set) var rate: RequestRate
  /// Units a nanosecond.
  private(set) var scale: UInt64
  /// Units a token.
  private(set) var cost: UInt64
  /// Units of a full bucket.
  private(set) var depth: UInt64

  /// No limit.
  public init() {
    rate = RequestRate(count: 0, period: 1, burst: 0)
    scale = 1
    cost = 0
    depth = 0
  }

  /// The rule of `rate`; counts and periods below one count as one, and a depth that would pass 2^61 units is cut there.
  public init(_ rate: RequestRate) {
    self.init()
    guard rate.count > 0 else { return }
    let count = UInt64(rate.count)
    let period = UInt64(max(1, rate.period))
    let divisor = TokenBucketRule.greatestCommonDivisor(count, period)
    var scale = count / divisor
    var cost = period / divisor
    if scale > 1 << 20 {
      // Fewer units a nanosecond, each token rounded up.
      let share = (Double(cost) / Double(scale)) * Double(1 << 20)
      cost = max(1, UInt64(share.rounded(.up)))
      scale = 1 << 20
    }
    self.scale = scale
    self.cost = cost
    let burst = min(UInt64(max(1, rate.burst)), (1 << 61) / cost)
    depth = burst * cost
    self.rate = RequestRate(count: rate.count, period: Int64(period), burst: Int64(burst))
  }

  /// Whether there is no limit.
  @inline(__always)
  public var isUnlimited: Bool { cost == 0 }

  private static func greatestCommonDivisor(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
}

/// What a bucket said.
public struct Admission: Sendable, BitwiseCopyable {
  /// Whether a token was taken.
  public var isAdmitted: Bool
  /// Tokens left.
  public var remaining: Int64
  /// Nanoseconds until the bucket is full again (admitted), or until there is a token (refused).
  public var wait: Int64

  /// An answer of these parts.
  public init(isAdmitted: Bool, remaining: Int64, wait: Int64) {
    self.isAdmitted = isAdmitted
    self.remaining = remaining
    self.wait = wait
  }
}

/// A token bucket as the generic cell rate algorithm (ITU-T I.371): one number, the theoretical arrival time.
///
/// Any thread may take from it. Time wraps; a number further ahead than a full debt is from a time long gone.
public struct TokenBucket: ~Copyable {
  private let arrival: Atomic<UInt64>

  /// A full bucket.
  public init() { arrival = Atomic(0) }

  /// Nanoseconds that one thread's clock may lag behind another's.
  private static let lag: UInt64 = 60 * 1_000_000_000

  /// Units of debt at `now`. A number ahead of a full debt comes from a thread whose clock is ahead of this one; one
  /// further ahead than any such lag is from a time long gone, before the count of units wrapped.
  @inline(__always)
  private static func debt(_ arrival: UInt64, _ now: UInt64, _ rule: TokenBucketRule) -> UInt64 {
    let debt = arrival &- now
    return debt <= rule.depth + lag * rule.scale ? debt : 0
  }

  /// Takes one token at `now`, or says when there will be one.
  @inline(__always)
  public func take(_ rule: TokenBucketRule, at now: Instant) -> Admission {
    let now = UInt64(bitPattern: now.nanoseconds) &* rule.scale
    var known = arrival.load(ordering: .relaxed)
    while true {
      let debt = TokenBucket.debt(known, now, rule)
      let next = debt + rule.cost
      guard next <= rule.depth else {
        let units = next - rule.depth
        return Admission(isAdmitted: false, remaining: 0, wait: Int64((units + rule.scale - 1) / rule.scale))
      }
      let (isExchanged, current) = arrival.weakCompareExchange(
        expected: known, desired: now &+ next, ordering: .relaxed)
      if isExchanged {
        return Admission(
          isAdmitted: true, remaining: Int64((rule.depth - next) / rule.cost), wait: Int64(next / rule.scale))
      }
      known = current
    }
  }

  /// Whole tokens in the bucket at `now`.
  public func level(_ rule: TokenBucketRule, at now: Instant) -> Int64 {
    guard !rule.isUnlimited else { return .max }
    let now = UInt64(bitPattern: now.nanoseconds) &* rule.scale
    let debt = TokenBucket.debt(arrival.load(ordering: .relaxed), now, rule)
    return Int64((rule.depth - min(debt, rule.depth)) / rule.cost)
  }

  /// Brings the bucket from one rule to another so that it is as full as it was, in shares of its depth.
  public func refit(from old: TokenBucketRule, to new: TokenBucketRule, at now: Instant) {
    let time = UInt64(bitPattern: now.nanoseconds)
    var known = arrival.load(ordering: .relaxed)
    while true {
      let debt = old.isUnlimited ? 0 : min(TokenBucket.debt(known, time &* old.scale, old), old.depth)
      var next: UInt64 = 0
      if !new.isUnlimited {
        let share = old.depth == 0 ? (high: 0, low: 0) : debt.multipliedFullWidth(by: new.depth)
        let scaled = old.depth == 0 ? 0 : old.depth.dividingFullWidth((share.high, share.low)).quotient
        next = time &* new.scale &+ scaled
      }
      let (isExchanged, current) = arrival.weakCompareExchange(expected: known, desired: next, ordering: .relaxed)
      if isExchanged { return }
      known = current
    }
  }
}
