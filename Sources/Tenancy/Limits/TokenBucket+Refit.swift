import Primitives

/// A rule and the number of its revision: that of the tenant's first rule is 0, each change raises it by one.
struct RevisedRule: BitwiseCopyable {
  var rule: TokenBucketRule
  var revision: UInt8
}

extension TokenBucket {
  /// Brings a bucket of the `old` rule to the `new` one so that it is as full as it was, in shares of its depth, and never
  /// fuller; one that is of another rule is left alone, so any number of threads may do this.
  func refit(from old: RevisedRule, to new: RevisedRule, at now: Instant) {
    while true {
      let sight = look()
      guard let next = TokenBucket.refitted(sight, from: old, to: new, at: now) else { return }
      if settle(sight, next, at: now) { return }
    }
  }

  /// The arrival time by the new rule, `nil` when the bucket is not of the old one.
  static func refitted(_ sight: Sight, from old: RevisedRule, to new: RevisedRule, at now: Instant) -> UInt64? {
    guard let debt = debt(sight, old.rule, old.revision, at: now) else { return nil }
    let next = full(new.rule, new.revision, at: now)
    guard !old.rule.isUnlimited, !new.rule.isUnlimited else { return next }
    // What is owed beyond the depth was taken by a clock ahead of this one: that is a time, not a share.
    let owed = min(debt, old.rule.depth)
    return next &+ share(owed, of: old.rule.depth, new.rule.depth)
      &+ share(debt - owed, of: old.rule.scale, new.rule.scale)
  }

  /// What `part` of `whole` is of `another` whole, rounded up; all of them multiples of `revisions`.
  private static func share(_ part: UInt64, of whole: UInt64, _ another: UInt64) -> UInt64 {
    let (quotient, remainder) = whole.dividingFullWidth(part.multipliedFullWidth(by: another / revisions))
    return (remainder == 0 ? quotient : quotient + 1) * revisions
  }
}
