public import Primitives
import Synchronization

/// How much is owed by a bucket at a moment, for another process on the same machine to go on with.
public struct SpentBucket: Sendable, Hashable, BitwiseCopyable {
  /// The bucket's rate.
  public var rate: RequestRate
  /// Units of the rate's rule.
  public var debt: UInt64
  /// When that was, in nanoseconds of the monotonic clock, which all processes of a machine share.
  public var time: Int64

  /// This much owed.
  public init(rate: RequestRate, debt: UInt64, time: Int64) {
    self.rate = rate
    self.debt = debt
    self.time = time
  }

  /// The rule and the bucket as it was by revision 0 of it; `nil` when nothing is owed. Any numbers are taken: more than a
  /// bucket may owe counts as that.
  var bucket: (rule: TokenBucketRule, sight: TokenBucket.Sight)? {
    let rule = TokenBucketRule(rate)
    guard !rule.isUnlimited, debt > 0 else { return nil }
    let owed = min(debt, rule.depth + rule.mostDebt) / TokenBucket.revisions * TokenBucket.revisions
    let moment = Instant(nanoseconds: time)
    let arrival = TokenBucket.full(rule, 0, at: moment) &+ owed
    return (rule, TokenBucket.Sight(arrival: arrival, used: TokenBucket.ticks(moment)))
  }
}

extension TokenBucket {
  /// What is owed at `now`; `nil` when that is nothing.
  func spent(_ known: RevisedRule, at now: Instant) -> SpentBucket? {
    guard !known.rule.isUnlimited, let debt = TokenBucket.debt(look(), known.rule, known.revision, at: now), debt > 0
    else { return nil }
    return SpentBucket(rate: known.rule.rate, debt: debt, time: now.nanoseconds)
  }

  /// Tokens that were taken since it owed `before`, `nil` for nothing, rounded up; and what it owes now.
  ///
  /// What came into a bucket that was full meanwhile is not seen: too few by what comes in between two looks, at most.
  func spent(
    since before: SpentBucket?, _ known: RevisedRule, at now: Instant
  ) -> (tokens: Int64, spent: SpentBucket?) {
    guard let spent = spent(known, at: now) else { return (0, nil) }
    let elapsed = UInt64(max(0, now.nanoseconds - (before?.time ?? 0)))
    let (paid, isTooMuch) = elapsed.multipliedReportingOverflow(by: known.rule.scale)
    let known = (debt: before?.debt ?? 0, cost: known.rule.cost)
    let owed = isTooMuch || paid >= known.debt ? 0 : known.debt - paid
    guard spent.debt > owed else { return (0, spent) }
    return (Int64((spent.debt - owed + known.cost - 1) / known.cost), spent)
  }

  /// Goes on with what another process's bucket owed, by the rule that holds now: as full as that was.
  func restore(_ spent: SpentBucket, as new: RevisedRule, at now: Instant) {
    guard !new.rule.isUnlimited, let (rule, sight) = spent.bucket,
      let next = TokenBucket.refitted(sight, from: RevisedRule(rule: rule, revision: 0), to: new, at: now)
    else { return }
    while !settle(look(), next, at: now) {}
  }
}

extension TenantLedger {
  /// What the bucket of a tenant's plain rate owes at `now`; `nil` when that is nothing.
  public func spent(of tenant: TenantIndex, in directory: TenantDirectory, at now: Instant) -> SpentBucket? {
    account(tenant).pointee.bucket.spent(directory.rule(of: tenant), at: now)
  }

  /// Tokens that were taken of a tenant's bucket since it owed `before`, and what it owes now.
  public func spent(
    of tenant: TenantIndex, since before: SpentBucket?, in directory: TenantDirectory, at now: Instant
  ) -> (tokens: Int64, spent: SpentBucket?) {
    account(tenant).pointee.bucket.spent(since: before, directory.rule(of: tenant), at: now)
  }

  /// Goes on with what a tenant's bucket owed in another process; before any worker takes from it.
  public func restore(_ spent: SpentBucket, of tenant: TenantIndex, in directory: TenantDirectory, at now: Instant) {
    account(tenant).pointee.bucket.restore(spent, as: directory.rule(of: tenant), at: now)
  }
}
