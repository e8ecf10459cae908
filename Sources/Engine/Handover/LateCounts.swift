import Tenancy

/// What a process has told of its counts, so that it can tell what has changed since. Used by one thread.
public final class LateCounts {
  /// What tenants' buckets owed; those that are not here owed nothing.
  var spent: [TenantIndex: SpentBucket] = [:]
  /// Requests in flight.
  var inFlight: [TenantIndex: Int32] = [:]
  /// What was used of quotas.
  var used: [Quota: Int64] = [:]

  /// A quota of a tenant.
  struct Quota: Hashable {
    var tenant: TenantIndex
    var identity: UInt64
  }

  /// Nothing told.
  public init() {}
}
