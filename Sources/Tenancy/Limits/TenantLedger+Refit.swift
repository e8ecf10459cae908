public import Primitives
import Synchronization

extension TenantLedger {
  /// A change of the directory: `old` is there while its buckets are brought to the rules of `new`.
  struct Change {
    var old: TenantDirectory?
    var new: TenantDirectory
  }

  /// Brings the buckets of tenants whose rate is another in `new` from the old rule to the new; for the control thread,
  /// before any worker is given `new`.
  ///
  /// Each bucket has one rule at any moment. Workers that still use `old` find out bucket by bucket, and go by the new rule
  /// through `takeByNewest`.
  public func refit(from old: TenantDirectory, to new: TenantDirectory, at now: Instant) {
    change.withLock { $0 = Change(old: old, new: new) }
    new.forEachRevised(since: old) { refit($0, from: old, to: new, at: now) }
    change.withLock { $0?.old = nil }
  }

  private func refit(_ tenant: TenantIndex, from old: TenantDirectory, to new: TenantDirectory, at now: Instant) {
    guard old.revision(of: tenant) != new.revision(of: tenant) else { return }
    account(tenant).pointee.bucket.refit(from: old.rule(of: tenant), to: new.rule(of: tenant), at: now)
  }

  /// What holds for the bucket of a tenant's plain rate after the last change.
  enum Newest {
    /// This rule, and the bucket has it.
    case rule(RevisedRule)
    /// It has no limit any more.
    case unlimited
    /// The tenant is no more.
    case gone
  }

  /// The rule that the bucket of a tenant has after the last change, of which there must have been one. Only while a change
  /// goes round: takes a lock.
  func newestRule(of tenant: TenantIndex, at now: Instant) -> Newest {
    // A bucket leaves a rule only by a change.
    guard let change = self.change.withLock({ $0 }) else { return .gone }
    // Not waited for: the control thread may be busy with many others before it comes to this bucket.
    if let old = change.old, old.isLive(tenant) { refit(tenant, from: old, to: change.new, at: now) }
    guard change.new.isLive(tenant) else { return .gone }
    let newest = change.new.rule(of: tenant)
    return newest.rule.isUnlimited ? .unlimited : .rule(newest)
  }

  /// Takes one token of a tenant whose bucket has left the rule that the caller knows, by the newest rule; `nil` when that
  /// is no limit.
  @inline(never)
  public func takeByNewest(_ tenant: TenantIndex, at now: Instant) -> (admission: Admission, rate: RequestRate)? {
    while true {
      switch newestRule(of: tenant, at: now) {
      case .unlimited: return nil
      case .gone:
        // Deleted by a later change: there is nothing left to take from.
        return (Admission(isAdmitted: false, remaining: 0, wait: 0), RequestRate(count: 0, period: 1, burst: 0))
      case .rule(let newest):
        let admission = account(tenant).pointee.bucket.take(newest.rule, revision: newest.revision, at: now)
        if let admission { return (admission, newest.rule.rate) }
      }
    }
  }
}
