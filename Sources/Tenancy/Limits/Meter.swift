import Primitives

/// A token bucket that one thread uses at a time: the same arithmetic as `TokenBucket`, to the nanosecond.
struct Meter: BitwiseCopyable {
  private var sight = TokenBucket.Sight(arrival: 0, used: 0)

  /// A full bucket.
  init() {}

  /// A bucket as another process had it.
  init(_ sight: TokenBucket.Sight) { self.sight = sight }

  /// The bucket as it is.
  var state: TokenBucket.Sight { sight }

  /// What `take` would say; a bucket of another revision is full.
  func look(_ demand: Demand, _ rule: TokenBucketRule, revision: UInt8 = 0, at now: Instant) -> Grant {
    TokenBucket.answer(current(rule, revision, now), demand, rule, revision, at: now)!.grant
  }

  /// Takes all that is demanded or nothing.
  mutating func take(_ demand: Demand, _ rule: TokenBucketRule, revision: UInt8 = 0, at now: Instant) -> Grant {
    let (grant, next) = TokenBucket.answer(current(rule, revision, now), demand, rule, revision, at: now)!
    if grant.admission.isAdmitted { set(next, now) }
    return grant
  }

  /// Puts back what `take` of `tokens` took at `now`.
  mutating func giveBack(_ tokens: Int64, _ rule: TokenBucketRule, revision: UInt8 = 0, at now: Instant) {
    let debt = TokenBucket.debt(current(rule, revision, now), rule, revision, at: now)!
    set(
      TokenBucket.full(rule, revision, at: now) &+ (debt - min(debt, rule.cost * rule.payable(tokens))), now)
  }

  /// Takes `tokens` whether they are there or not.
  mutating func charge(_ tokens: Int64, _ rule: TokenBucketRule, revision: UInt8 = 0, at now: Instant) {
    set(TokenBucket.charged(current(rule, revision, now), tokens, rule, revision, at: now)!, now)
  }

  /// Brings a bucket of the `old` rule to the `new` one, as full as it was.
  mutating func refit(from old: TokenBucketRule, to new: TokenBucketRule, at now: Instant) {
    let next = TokenBucket.refitted(
      sight, from: RevisedRule(rule: old, revision: 0), to: RevisedRule(rule: new, revision: 0), at: now)
    if let next { set(next, now) }
  }

  /// How much of a bucketful is owed, in shares of one; above one while in debt.
  func ratio(_ rule: TokenBucketRule, revision: UInt8 = 0, at now: Instant) -> Double {
    guard !rule.isUnlimited, let debt = TokenBucket.debt(sight, rule, revision, at: now) else { return 0 }
    return Double(debt) / Double(rule.depth)
  }

  private func current(_ rule: TokenBucketRule, _ revision: UInt8, _ now: Instant) -> TokenBucket.Sight {
    if TokenBucket.debt(sight, rule, revision, at: now) != nil { return sight }
    return TokenBucket.Sight(arrival: TokenBucket.full(rule, revision, at: now), used: sight.used)
  }

  private mutating func set(_ next: UInt64, _ now: Instant) {
    sight.arrival = next
    let ticks = TokenBucket.ticks(now)
    if ticks &- sight.used > 0 { sight.used = ticks }
  }
}
