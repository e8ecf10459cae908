import Synchronization

/// What a tenant may do, plan and overrides taken together.
public struct TenantLimits: Sendable, BitwiseCopyable {
  /// The rate of its requests.
  public var requests: TokenBucketRule
  /// Requests in flight at once; 0 is unlimited.
  public var concurrency: Int32
  /// What it is owed of a saturated shard.
  public var scheduling: SchedulingTerms
  /// The place of what else is asked of it among the policies of its configuration; -1 when that is all.
  public var policy: Int32

  /// Limits of these parts.
  public init(
    requests: TokenBucketRule = TokenBucketRule(), concurrency: Int32 = 0,
    scheduling: SchedulingTerms = SchedulingTerms(), policy: Int32 = -1
  ) {
    self.requests = requests
    self.concurrency = concurrency
    self.scheduling = scheduling
    self.policy = policy
  }
}

/// What a tenant has used: kept over reloads, shared by all workers without a lock.
public struct TenantAccount: ~Copyable, Sendable {
  /// Its bucket of requests.
  public let bucket = TokenBucket()
  /// Its requests in flight.
  public let inFlight = Atomic<Int32>(0)

  /// Counts one request in, unless `limit` (0: none) are in flight already.
  @inline(__always)
  public func enter(limit: Int32) -> Bool {
    guard limit > 0 else {
      inFlight.add(1, ordering: .relaxed)
      return true
    }
    var known = inFlight.load(ordering: .relaxed)
    while known < limit {
      let (isExchanged, current) = inFlight.weakCompareExchange(expected: known, desired: known + 1, ordering: .relaxed)
      if isExchanged { return true }
      known = current
    }
    return false
  }

  /// Counts one request out.
  @inline(__always)
  public func leave() {
    let count = inFlight.subtract(1, ordering: .relaxed).newValue
    assert(count >= 0, "a request left that never entered")
  }
}

/// The accounts of all tenants, by index; an account never moves.
public final class TenantLedger: @unchecked Sendable {
  // Unchecked: chunks are added by the control thread before an index in them is told to any worker.
  /// Most tenants of a process.
  public static let maximumTenants = 16_777_216
  private static let chunk = 4096
  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<TenantAccount>>
  private var chunkCount = 0
  /// The newest change of the directory.
  let change = Mutex<Change?>(nil)

  /// An empty ledger.
  public init() { chunks = .allocate(capacity: TenantLedger.maximumTenants / TenantLedger.chunk) }

  deinit {
    for index in 0..<chunkCount {
      chunks[index].deinitialize(count: TenantLedger.chunk)
      chunks[index].deallocate()
    }
    chunks.deallocate()
  }

  /// Makes accounts for indices below `capacity`; for the control thread only.
  public func ensure(capacity: Int) {
    while chunkCount * TenantLedger.chunk < min(capacity, TenantLedger.maximumTenants) {
      let accounts = UnsafeMutablePointer<TenantAccount>.allocate(capacity: TenantLedger.chunk)
      for index in 0..<TenantLedger.chunk { (accounts + index).initialize(to: TenantAccount()) }
      chunks[chunkCount] = accounts
      chunkCount += 1
    }
  }

  /// The account of a tenant whose index is below the capacity.
  @inline(__always)
  public func account(_ tenant: TenantIndex) -> UnsafeMutablePointer<TenantAccount> {
    chunks[Int(tenant) / TenantLedger.chunk] + Int(tenant) % TenantLedger.chunk
  }
}
