public import Primitives
import Synchronization

/// A bucket that many tenants take from, and its newest rule: one for the process, or one for a plan.
///
/// Made once by the control thread; it outlives reloads and stays as full as it was when its rate changes.
public struct SharedBucket: ~Copyable, Sendable {
  /// The rule in use and the one before it.
  private struct Rules {
    var old: RevisedRule?
    var new: RevisedRule
  }

  private let bucket = TokenBucket()
  private let rules: Mutex<Rules>

  /// A full bucket of `rate`.
  public init(_ rate: RequestRate) {
    rules = Mutex(Rules(old: nil, new: RevisedRule(rule: TokenBucketRule(rate), revision: 0)))
  }

  /// The revision that a rule of this `rate` will have, once it is the newest.
  public func revision(for rate: RequestRate) -> UInt8 {
    rules.withLock { rules in
      TokenBucket.revision(rules.new.revision, plus: rules.new.rule.rate == rate ? 0 : 1)
    }
  }

  /// Makes `rate` the newest rule; for the control thread, before any worker is given it.
  public func refit(to rate: RequestRate, at now: Instant) {
    let change = rules.withLock { rules -> (RevisedRule, RevisedRule)? in
      guard rules.new.rule.rate != rate else { return nil }
      let next = RevisedRule(rule: TokenBucketRule(rate), revision: TokenBucket.revision(rules.new.revision, plus: 1))
      rules = Rules(old: rules.new, new: next)
      return (rules.old!, next)
    }
    if let (old, new) = change { bucket.refit(from: old, to: new, at: now) }
  }

  /// The rule that the bucket has, once whoever is before has brought it there.
  private func newest(at now: Instant) -> RevisedRule {
    let (old, new) = rules.withLock { ($0.old, $0.new) }
    if let old { bucket.refit(from: old, to: new, at: now) }
    return new
  }

  /// Asks the bucket by the rule the caller knows, and by the newest if it has left that.
  private func ask<Answer>(
    _ rule: TokenBucketRule, _ revision: UInt8, at now: Instant,
    _ body: (TokenBucketRule, UInt8) -> Answer?
  ) -> Answer {
    if let answer = body(rule, revision) { return answer }
    while true {
      let newest = newest(at: now)
      if let answer = body(newest.rule, newest.revision) { return answer }
    }
  }

  func look(_ demand: Demand, _ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Grant {
    ask(rule, revision, at: now) { bucket.look(demand, $0, revision: $1, at: now) }
  }

  func take(_ demand: Demand, _ rule: TokenBucketRule, revision: UInt8, at now: Instant) -> Grant {
    ask(rule, revision, at: now) { bucket.take(demand, $0, revision: $1, at: now) }
  }

  func giveBack(_ tokens: Int64, at now: Instant) {
    change(at: now) { bucket.giveBack(tokens, $0, revision: $1, at: now) }
  }

  func charge(_ tokens: Int64, at now: Instant) {
    change(at: now) { bucket.charge(tokens, $0, revision: $1, at: now) }
  }

  private func change(at now: Instant, _ body: (TokenBucketRule, UInt8) -> Bool) {
    let known = rules.withLock { $0.new }
    ask(known.rule, known.revision, at: now) { body($0, $1) ? () : nil }
  }

  /// What is owed at `now`; `nil` when that is nothing.
  public func spent(at now: Instant) -> SpentBucket? { bucket.spent(newest(at: now), at: now) }

  /// Goes on with what another process's bucket owed; before any worker takes from it.
  public func restore(_ spent: SpentBucket, at now: Instant) { bucket.restore(spent, as: newest(at: now), at: now) }

  /// How much of a bucketful is owed, in shares of one.
  public func ratio(at now: Instant) -> Double {
    let known = rules.withLock { $0.new }
    return bucket.ratio(known.rule, revision: known.revision, at: now)
  }
}
