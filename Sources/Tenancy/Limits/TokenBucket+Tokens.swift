public import Primitives

extension TokenBucketRule {
  /// As many of `tokens` as a full bucket holds, and one at least: what costs more waits for a full bucket.
  @inline(__always)
  func payable(_ tokens: Int64) -> UInt64 { UInt64(max(1, min(tokens, rate.burst))) }

  /// Units of debt beyond an empty bucket that charges may leave: a bucketful, and 30 s worth of it at most.
  var mostDebt: UInt64 { min(depth, UInt64(TokenBucket.lag / 2) * scale) }
}

/// How many tokens are wanted, and how long one may wait for them.
public struct Demand: Sendable, BitwiseCopyable {
  /// Most nanoseconds of `patience`: debts of a bucket that are longer are taken for old ones.
  public static let mostPatience = TokenBucket.lag / 2

  /// Tokens; more than a bucketful count as a bucketful.
  public var tokens: Int64
  /// Nanoseconds.
  public var patience: Int64

  /// The wish for `tokens` within `patience` nanoseconds.
  public init(_ tokens: Int64, patience: Int64 = 0) {
    self.tokens = tokens
    self.patience = min(patience, Demand.mostPatience)
  }
}

/// What a bucket said to a demand: an admission that may be some time ahead.
public struct Grant: Sendable, BitwiseCopyable {
  /// Whether the tokens were taken, and what is left.
  public var admission: Admission
  /// Nanoseconds until they may be used.
  public var pause: Int64 = 0
}

extension TokenBucket {
  /// What `take` would say; takes nothing.
  public func look(_ demand: Demand, _ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Grant? {
    TokenBucket.answer(look(), demand, rule, revision, at: now)?.grant
  }

  /// Takes all that is demanded or nothing; `nil` when the bucket has another revision of its rule.
  public func take(_ demand: Demand, _ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Grant? {
    while true {
      let sight = look()
      guard let (grant, next) = TokenBucket.answer(sight, demand, rule, revision, at: now) else { return nil }
      if !grant.admission.isAdmitted || settle(sight, next, at: now) { return grant }
    }
  }

  /// What a bucket so seen says to a demand, and the arrival time once it is met.
  static func answer(
    _ sight: Sight, _ demand: Demand, _ rule: TokenBucketRule, _ revision: UInt8, at now: Instant
  ) -> (grant: Grant, next: UInt64)? {
    let tokens = rule.payable(demand.tokens)
    guard let (admission, next) = answer(sight, rule, revision, tokens: tokens, at: now) else { return nil }
    guard !admission.isAdmitted, admission.wait <= demand.patience else { return (Grant(admission: admission), next) }
    // Taken ahead of time: who comes next waits behind this one.
    let owed = debt(sight, rule, revision, at: now)! + rule.cost * tokens
    let ahead = Admission(isAdmitted: true, remaining: 0, wait: Int64(owed / rule.scale))
    return (Grant(admission: ahead, pause: admission.wait), full(rule, revision, at: now) &+ owed)
  }

  /// Puts back what `take` of `tokens` took at `now`, exactly; false when the bucket has another revision of its rule.
  public func giveBack(_ tokens: Int64, _ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Bool {
    while true {
      let sight = look()
      guard let debt = TokenBucket.debt(sight, rule, revision, at: now) else { return false }
      let left = debt - min(debt, rule.cost * rule.payable(tokens))
      if settle(sight, TokenBucket.full(rule, revision, at: now) &+ left, at: now) { return true }
    }
  }

  /// Takes `tokens` whether they are there or not: the bucket may be left in debt, by `mostDebt` at most. False when the
  /// bucket has another revision of its rule.
  public func charge(_ tokens: Int64, _ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Bool {
    while true {
      let sight = look()
      guard let next = TokenBucket.charged(sight, tokens, rule, revision, at: now) else { return false }
      if settle(sight, next, at: now) { return true }
    }
  }

  /// The arrival time once `tokens` are charged; `nil` when the bucket has another revision of its rule.
  static func charged(
    _ sight: Sight, _ tokens: Int64, _ rule: TokenBucketRule, _ revision: UInt8, at now: Instant
  ) -> UInt64? {
    guard let debt = debt(sight, rule, revision, at: now) else { return nil }
    let most = max(debt, rule.depth + rule.mostDebt)
    let (units, isTooMuch) = rule.cost.multipliedReportingOverflow(by: UInt64(max(0, tokens)))
    let (owed, isOver) = debt.addingReportingOverflow(units)
    let next = isTooMuch || isOver ? most : min(owed, most)
    // Whole multiples, for the revision has the lowest bits; all terms are.
    return full(rule, revision, at: now) &+ next
  }

  /// How much of a bucketful is owed, in shares of one; above one while in debt, none when it has another revision.
  public func ratio(_ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Double {
    guard !rule.isUnlimited, let debt = TokenBucket.debt(look(), rule, revision, at: now) else { return 0 }
    return Double(debt) / Double(rule.depth)
  }
}
