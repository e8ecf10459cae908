import Primitives
import Synchronization

@testable import Tenancy

/// A bucket that closures and threads may share.
final class SharedBucket: Sendable {
  let bucket = TokenBucket()
}

extension TokenBucket {
  /// Takes one token by a rule that never changes.
  func take(_ rule: TokenBucketRule, at now: Instant) -> Admission { take(rule, revision: 0, at: now)! }

  /// Whole tokens by a rule that never changes.
  func level(_ rule: TokenBucketRule, at now: Instant) -> Int64 { level(rule, revision: 0, at: now) }

  /// Changes the rule and counts the revision on.
  func refit(from old: TokenBucketRule, to new: TokenBucketRule, revision: UInt8 = 0, at now: Instant) {
    let last = RevisedRule(rule: old, revision: revision)
    refit(from: last, to: RevisedRule(rule: new, revision: (revision + 1) % UInt8(TokenBucket.revisions)), at: now)
  }
}

/// Threads that share a ledger's account.
final class SharedAccount: Sendable {
  private let account = TenantAccount()

  var inFlight: Int32 { account.inFlight.load(ordering: .relaxed) }

  func enter(limit: Int32) -> Bool { account.enter(limit: limit) }

  func leave() { account.leave() }
}

extension RequestRate {
  /// The rate `count` a second.
  static func perSecond(_ count: Int64, burst: Int64) -> RequestRate {
    RequestRate(count: count, period: .second, burst: burst)
  }

  /// Tokens that `nanoseconds` bring, exactly.
  func tokens(in nanoseconds: Int64) -> Int64 {
    let product = count.multipliedFullWidth(by: nanoseconds)
    return period.dividingFullWidth(product).quotient
  }
}

/// Rates whose tokens come at whole nanoseconds, and ones whose tokens don't.
let sampleRates: [RequestRate] = [
  .perSecond(10, burst: 1), .perSecond(3, burst: 1), .perSecond(7, burst: 1), .perSecond(999, burst: 1),
  .perSecond(99_991, burst: 1), RequestRate(count: 600, period: 60 * .second, burst: 1),
  RequestRate(count: 1, period: 3_600 * .second, burst: 1),
]

/// An arbitrary moment, weeks after the clock's origin.
let someTime = Instant(nanoseconds: 3_456_789 * .second + 123_456_789)
