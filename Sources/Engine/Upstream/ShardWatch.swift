import Balancing
import Primitives
import Synchronization

/// What becomes of what is seen of a shard's requests, as the data path reads it.
struct WatchRules: BitwiseCopyable {
  var retry: RetryRules?
  var outlier: OutlierRules?
  var breaker: BreakerRules?
  /// Its standbys among those of the image, and how long it must be up again before it serves itself.
  var firstStandby: Int32
  var standbyCount: Int32
  var standbyDelay: Int64

  init(_ shard: Shard, firstStandby: Int) {
    retry = shard.retry
    outlier = shard.outlier
    breaker = shard.breaker
    self.firstStandby = Int32(firstStandby)
    standbyCount = Int32(shard.standbys.count)
    standbyDelay = shard.standbyDelay
  }
}

/// What all workers have seen of the requests to one shard.
///
/// A request of a tenant that fares well is counted with one atomic operation, if at all; only tenants in trouble, and
/// retries, meet in the table, which has a lock.
struct ShardWatch: ~Copyable {
  /// What is held against tenants, and what is left for retries.
  struct Troubles: Sendable {
    var tenants = TenantTroubles()
    var budget = RetryBudget()
  }

  /// Requests, and the tick of the last of them.
  let requests = Atomic<Int64>(0)
  let tick = Atomic<Int64>(.min)
  private let troubles = Mutex(Troubles())
  /// The tenants in the table, by place: who is not among them need not take the lock.
  private let tenants: UnsafeMutablePointer<Atomic<Int32>>
  /// Retries that the budget refused.
  let refusedRetries = Atomic<UInt64>(0)
  /// Breakers that opened, and requests they refused.
  let opened = Atomic<UInt64>(0)
  let heldOff = Atomic<UInt64>(0)
  /// Requests that a standby served.
  let standIns = Atomic<UInt64>(0)

  init() {
    tenants = .allocate(capacity: TenantTroubles.capacity)
    for place in 0..<TenantTroubles.capacity { (tenants + place).initialize(to: Atomic(-1)) }
  }

  deinit { tenants.deallocate() }

  /// Counts a request, where retries have a budget.
  @inline(__always)
  borrowing func countRequest(at now: Instant) {
    let before = requests.add(1, ordering: .relaxed).oldValue
    let current = RetryRules.tick(at: now)
    guard tick.load(ordering: .relaxed) != current else { return }
    tick.store(current, ordering: .relaxed)
    troubles.withLock { $0.budget.mark(before, at: now) }
  }

  /// Whether anything is held against a tenant.
  @inline(__always)
  borrowing func isTroubled(_ tenant: Int32) -> Bool {
    let first = TenantTroubles.row(of: tenant)
    for place in first..<first + TenantTroubles.ways where tenants[place].load(ordering: .relaxed) == tenant {
      return true
    }
    return false
  }

  /// Asks for, or changes, what is held against a tenant.
  borrowing func withTroubles<R: BitwiseCopyable & Sendable>(
    of tenant: Int32, _ body: (inout sending Troubles) -> sending R
  ) -> R {
    troubles.withLock { troubles in
      let result = body(&troubles)
      let first = TenantTroubles.row(of: tenant)
      for place in first..<first + TenantTroubles.ways {
        tenants[place].store(troubles.tenants.tenant(at: place), ordering: .relaxed)
      }
      return result
    }
  }
}

extension Roster {
  /// What is looked at of shard number `shard`. For the control thread.
  func watch(ofShard shard: Int32) -> UnsafeMutablePointer<ShardWatch> {
    if let known = watches[Int(shard)] { return known }
    let fresh = UnsafeMutablePointer<ShardWatch>.allocate(capacity: 1)
    fresh.initialize(to: ShardWatch())
    watches[Int(shard)] = fresh
    return fresh
  }
}
