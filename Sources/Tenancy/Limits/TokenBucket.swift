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
  /// Ticks of `TokenBucket` after which a bucket that nobody took from is full for certain.
  private(set) var horizon: Int32 = 0

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
    horizon = Int32(clamping: (Int64(depth / scale) + TokenBucket.lag) >> TokenBucket.tick + 2)
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
/// Any thread may take from it. The arrival time wraps, within hours for the finest units, so a coarse time of the last
/// token tells a debt from a number that has come round.
public struct TokenBucket: ~Copyable, Sendable {
  /// Units at which the bucket is full.
  private let arrival: Atomic<UInt64>
  /// When a token was last taken, in ticks; only ever raised.
  private let used: Atomic<Int32>

  /// A full bucket.
  public init() {
    arrival = Atomic(0)
    used = Atomic(0)
  }

  /// Nanoseconds that one thread's clock may lag behind another's.
  static let lag: Int64 = 60 * 1_000_000_000
  /// A tick is 2 to this power nanoseconds, about a second.
  static let tick: Int64 = 30

  @inline(__always)
  private static func ticks(_ now: Instant) -> Int32 { Int32(truncatingIfNeeded: now.nanoseconds >> tick) }

  /// Units of debt at `now`. A number ahead of a full debt comes from a thread whose clock is ahead of this one; one
  /// further ahead than any such lag is from a time long gone.
  @inline(__always)
  private static func debt(_ arrival: UInt64, _ now: UInt64, _ rule: TokenBucketRule) -> UInt64 {
    let debt = arrival &- now
    return debt <= rule.depth + UInt64(lag) * rule.scale ? debt : 0
  }

  /// Takes one token at `now`, or says when there will be one.
  @inline(__always)
  public func take(_ rule: TokenBucketRule, at now: Instant) -> Admission {
    let ticks = TokenBucket.ticks(now)
    let now = UInt64(bitPattern: now.nanoseconds) &* rule.scale
    var known = arrival.load(ordering: .acquiring)
    while true {
      // Read behind the arrival time and raised before it: who sees a new arrival time sees its tick too.
      let age = ticks &- used.load(ordering: .relaxed)
      let debt = age > rule.horizon ? 0 : TokenBucket.debt(known, now, rule)
      let next = debt + rule.cost
      guard next <= rule.depth else {
        let units = next - rule.depth
        return Admission(isAdmitted: false, remaining: 0, wait: Int64((units + rule.scale - 1) / rule.scale))
      }
      if age > 0 { used.store(ticks, ordering: .relaxed) }
      let (isExchanged, current) = arrival.weakCompareExchange(
        expected: known, desired: now &+ next, successOrdering: .releasing, failureOrdering: .acquiring)
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
    let debt = owed(arrival.load(ordering: .acquiring), rule, now)
    return Int64((rule.depth - debt) / rule.cost)
  }

  /// The debt, at most that of an empty bucket, that `known` says.
  private func owed(_ known: UInt64, _ rule: TokenBucketRule, _ now: Instant) -> UInt64 {
    guard !rule.isUnlimited, TokenBucket.ticks(now) &- used.load(ordering: .relaxed) <= rule.horizon else { return 0 }
    return min(TokenBucket.debt(known, UInt64(bitPattern: now.nanoseconds) &* rule.scale, rule), rule.depth)
  }

  /// Brings the bucket from one rule to another so that it is as full as it was, in shares of its depth; never fuller.
  public func refit(from old: TokenBucketRule, to new: TokenBucketRule, at now: Instant) {
    let ticks = TokenBucket.ticks(now)
    var known = arrival.load(ordering: .acquiring)
    while true {
      let debt = owed(known, old, now)
      var next: UInt64 = 0
      if !new.isUnlimited {
        next = UInt64(bitPattern: now.nanoseconds) &* new.scale &+ TokenBucket.share(debt, of: old.depth, new.depth)
      }
      if ticks &- used.load(ordering: .relaxed) > 0 { used.store(ticks, ordering: .relaxed) }
      let (isExchanged, current) = arrival.weakCompareExchange(
        expected: known, desired: next, successOrdering: .releasing, failureOrdering: .acquiring)
      if isExchanged { return }
      known = current
    }
  }

  /// What `debt` of `depth` is of `another` depth, rounded up.
  private static func share(_ debt: UInt64, of depth: UInt64, _ another: UInt64) -> UInt64 {
    guard depth > 0 else { return 0 }
    let (quotient, remainder) = depth.dividingFullWidth(debt.multipliedFullWidth(by: another))
    return remainder == 0 ? quotient : quotient + 1
  }
}
