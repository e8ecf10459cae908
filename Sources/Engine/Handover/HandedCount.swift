public import Tenancy

/// One thing that a process has counted, for the next one to go on with.
public enum HandedCount: Sendable, Hashable {
  /// The bucket of a tenant's plain rate.
  case bucket(tenant: String, SpentBucket)
  /// A bucket that tenants share.
  case shared(key: String, SpentBucket)
  /// A bucket of a limit of a tenant.
  case line(tenant: String, MeterBook.HandedLine)
  /// The bucket of a key of a tenant's limit.
  case key(tenant: String, MeterBook.HandedKey)
  /// What is used of a quota.
  case quota(QuotaUse, identity: UInt64)
  /// Requests of a tenant that are still in flight where they came to.
  case inFlight(tenant: String, count: Int32)
  /// Tokens of a tenant's plain rate that such requests took after the handover.
  case late(tenant: String, tokens: Int64)
  /// What such requests used of a quota after the handover.
  case lateUse(tenant: String, identity: UInt64, amount: Int64)

  /// Whether it may be told while clients are served.
  public var isLate: Bool {
    switch self {
    case .inFlight, .late, .lateUse: true
    case .bucket, .shared, .line, .key, .quota: false
    }
  }
}
