import Primitives

/// One level of a request's limits: what is asked of it, and what it said.
public struct LimitLevel: BitwiseCopyable {
  /// Where its bucket is.
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// With the process.
    case shared
    /// With the tenant's account: its plain rate.
    case account
    /// With the tenant's meters, one.
    case fixed
    /// With the tenant's meters, one for each key.
    case keyed
    /// A quota of requests.
    case requestQuota
    /// A quota of bytes, which are counted once they have passed.
    case byteQuota
  }

  /// Where its bucket is.
  public var kind: Kind
  /// What the caller calls the limit.
  public var number: Int32
  /// Whether it only counts what it would refuse.
  public var isShadow = false
  /// Whether a refusal means that the process has no room.
  public var isCapacity = false
  /// How its bucket fills; of no meaning for quotas.
  public var rule = TokenBucketRule()
  /// The revision of the rule, of levels with the process or the account.
  public var revision: UInt8 = 0
  /// Nanoseconds that may be waited for tokens.
  public var delay: Int64 = 0
  /// A hash of the limit's name, by which the tenant's meters know it.
  public var identity: UInt64 = 0
  /// A hash of the client or value, and of the limit's name.
  public var key: UInt64 = 0
  /// The bucket of a level with the process.
  public var bucket: UnsafeMutablePointer<SharedBucket>?
  /// The most of a quota.
  public var amount: Int64 = 0
  /// Percent of it at which it is told of.
  public var soft: Int64 = 100
  /// What it is an amount of.
  public var period = CalendarPeriod.hour
  /// The place of its zone among those that the caller has.
  public var zone: Int32 = 0

  /// What it said.
  public var admission = Admission(isAdmitted: true, remaining: 0, wait: 0)
  /// Nanoseconds until the tokens it gave may be used.
  public var pause: Int64 = 0
  /// Whether another key's bucket had to make room.
  public var hasEvicted = false
  /// Whether the soft line of a quota was crossed.
  public var isCrossing = false
  /// The length of a quota's period, in seconds.
  public var length: Int64 = 0

  /// A level that asks nothing yet.
  public init(_ kind: Kind, number: Int32) {
    self.kind = kind
    self.number = number
  }

  /// Has it tell what is there when nothing is taken after all.
  mutating func tellUntaken(_ tokens: Int64) {
    guard admission.isAdmitted, kind != .requestQuota, kind != .byteQuota, !rule.isUnlimited else { return }
    admission.remaining = min(rule.rate.burst, admission.remaining + Int64(rule.payable(tokens)))
  }

  /// Whether the request can't go on because of it.
  public var isRefusing: Bool { !isShadow && !admission.isAdmitted }
}

/// What remains to be known of a level once its request goes on: where to charge and to give back.
public struct LimitMark: BitwiseCopyable {
  /// Where its bucket is.
  public var kind: LimitLevel.Kind
  /// Whether it was taken from.
  public var isTaken: Bool
  /// What the caller calls the limit.
  public var number: Int32
  /// The limit, as in `LimitLevel`.
  public var identity: UInt64
  /// The key, as in `LimitLevel`.
  public var key: UInt64
  /// The bucket of a level with the process.
  public var bucket: UnsafeMutablePointer<SharedBucket>?

  /// The mark of a level that was asked.
  public init(_ level: LimitLevel) {
    kind = level.kind
    isTaken = level.admission.isAdmitted
    number = level.number
    identity = level.identity
    key = level.key
    bucket = level.bucket
  }
}
