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
/// more than 2^20 units a nanosecond is rounded so that it admits less, by less than a millionth. All are kept times
/// `TokenBucket.revisions`, which leaves the bucket room for the number of its rule.
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
    scale = TokenBucket.revisions
    cost = 0
    depth = 0
  }

  /// The rule of `rate`; counts and periods below one count as one, a period above 2^57 is cut there, and so is a depth
  /// above 2^58 units.
  public init(_ rate: RequestRate) {
    self.init()
    guard rate.count > 0 else { return }
    let count = UInt64(rate.count)
    let period = min(UInt64(max(1, rate.period)), 1 << 57)
    let divisor = TokenBucketRule.greatestCommonDivisor(count, period)
    var scale = count / divisor
    var cost = period / divisor
    if scale > 1 << 20 {
      // Fewer units a nanosecond, each token rounded up.
      let share = (Double(cost) / Double(scale)) * Double(1 << 20)
      cost = max(1, UInt64(share.rounded(.up)))
      scale = 1 << 20
    }
    let burst = min(UInt64(max(1, rate.burst)), (1 << 58) / cost)
    self.scale = scale * TokenBucket.revisions
    self.cost = cost * TokenBucket.revisions
    depth = burst * self.cost
    horizon = Int32(clamping: (Int64(depth / self.scale) + TokenBucket.lag) >> TokenBucket.tick + 2)
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
/// Any thread may take from it. The arrival time wraps, within minutes for the finest units, so a coarse time of the last
/// token tells a debt from a number that has come round.
///
/// What a unit is depends on the rule, so the arrival time says which rule it was made by: its lowest bits are the rule's
/// revision, a number that a change of the rule raises. Whoever comes with another revision learns that and does nothing.
public struct TokenBucket: ~Copyable, Sendable {
  /// Units at which the bucket is full, and the revision.
  private let arrival: Atomic<UInt64>
  /// When a token was last taken, in ticks; only ever raised.
  private let used: Atomic<Int32>

  /// A full bucket of revision 0.
  public init() {
    arrival = Atomic(0)
    used = Atomic(0)
  }

  /// Revisions that are told apart: a thread may lag behind by one less.
  public static let revisions: UInt64 = 16
  /// The revision that comes `steps` after another; they go round.
  @inline(__always)
  static func revision(_ revision: UInt8, plus steps: UInt8) -> UInt8 {
    UInt8(truncatingIfNeeded: (UInt64(revision) &+ UInt64(steps)) % revisions)
  }

  /// Nanoseconds that one thread's clock may lag behind another's.
  static let lag: Int64 = 60 * 1_000_000_000
  /// A tick is 2 to this power nanoseconds, about a second.
  static let tick: Int64 = 30

  /// What a thread has seen of a bucket.
  struct Sight: BitwiseCopyable {
    var arrival: UInt64
    var used: Int32
  }

  /// Looks at the bucket: the first of the two steps in which threads meet.
  @inline(__always)
  func look() -> Sight {
    let arrival = arrival.load(ordering: .acquiring)
    // Read behind the arrival time and raised before it: who sees a new arrival time sees its tick too.
    return Sight(arrival: arrival, used: used.load(ordering: .relaxed))
  }

  /// Makes `next` the arrival time unless the bucket has changed since `sight`: the second step. May fail for no reason.
  @inline(__always)
  func settle(_ sight: Sight, _ next: UInt64, at now: Instant) -> Bool {
    let ticks = TokenBucket.ticks(now)
    if ticks &- sight.used > 0 { used.store(ticks, ordering: .relaxed) }
    return arrival.weakCompareExchange(
      expected: sight.arrival, desired: next, successOrdering: .releasing, failureOrdering: .relaxed
    ).exchanged
  }

  @inline(__always)
  static func ticks(_ now: Instant) -> Int32 { Int32(truncatingIfNeeded: now.nanoseconds >> tick) }

  /// Units of debt at `now`, `nil` when the bucket is of another revision. A number ahead of a full debt comes from a
  /// thread whose clock is ahead of this one; one further ahead than any such lag is from a time long gone.
  @inline(__always)
  static func debt(_ sight: Sight, _ rule: TokenBucketRule, _ revision: UInt8, at now: Instant) -> UInt64? {
    let debt = sight.arrival &- full(rule, revision, at: now)
    guard debt % revisions == 0 else { return nil }
    let isCurrent = ticks(now) &- sight.used <= rule.horizon && debt <= rule.depth + UInt64(lag) * rule.scale
    return isCurrent ? debt : 0
  }

  /// The arrival time of a bucket that is full at `now`.
  @inline(__always)
  static func full(_ rule: TokenBucketRule, _ revision: UInt8, at now: Instant) -> UInt64 {
    UInt64(bitPattern: now.nanoseconds) &* rule.scale &+ UInt64(revision)
  }

  /// What a bucket so seen says to one who wants a token at `now`, and the arrival time once it is taken; `nil` when it has
  /// another revision of its rule.
  @inline(__always)
  static func answer(
    _ sight: Sight, _ rule: TokenBucketRule, _ revision: UInt8, at now: Instant
  ) -> (admission: Admission, next: UInt64)? {
    answer(sight, rule, revision, tokens: 1, at: now)
  }

  /// The same for `tokens` at once, no more than a full bucket holds.
  @inline(__always)
  static func answer(
    _ sight: Sight, _ rule: TokenBucketRule, _ revision: UInt8, tokens: UInt64, at now: Instant
  ) -> (admission: Admission, next: UInt64)? {
    guard let debt = debt(sight, rule, revision, at: now) else { return nil }
    let owed = debt + rule.cost * tokens
    guard owed <= rule.depth else {
      let units = owed - rule.depth
      let remaining = debt < rule.depth ? Int64((rule.depth - debt) / rule.cost) : 0
      let wait = Int64((units + rule.scale - 1) / rule.scale)
      return (Admission(isAdmitted: false, remaining: remaining, wait: wait), 0)
    }
    let admission = Admission(
      isAdmitted: true, remaining: Int64((rule.depth - owed) / rule.cost), wait: Int64(owed / rule.scale))
    return (admission, full(rule, revision, at: now) &+ owed)
  }

  /// Takes one token at `now` by `rule`, or says when there will be one; `nil` when the bucket has another revision of its
  /// rule.
  @inline(__always)
  public func take(_ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Admission? {
    while true {
      let sight = look()
      guard let (admission, next) = TokenBucket.answer(sight, rule, revision, at: now) else { return nil }
      if !admission.isAdmitted || settle(sight, next, at: now) { return admission }
    }
  }

  /// Whole tokens in the bucket at `now`; none when it has another revision of its rule.
  public func level(_ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Int64 {
    guard !rule.isUnlimited else { return .max }
    guard let debt = TokenBucket.debt(look(), rule, revision, at: now) else { return 0 }
    return Int64((rule.depth - min(debt, rule.depth)) / rule.cost)
  }
}
