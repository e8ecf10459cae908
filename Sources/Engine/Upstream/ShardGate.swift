import Primitives
import Synchronization
import Tenancy

/// The slots of one shard and who waits for them, for all workers.
///
/// A request that need not wait takes its slot with a few atomic operations and no lock. Only when the slots are used up do
/// requests meet in the queue, which has one; whoever gives a slot back while others wait hands it on.
struct ShardGate: ~Copyable {
  let slots = SlotLedger()
  /// Requests that wait.
  let waiting = Atomic<Int32>(0)
  /// Whether one that could have a slot waits for one: nobody may pass it then.
  let isQueueing = Atomic<Bool>(false)
  /// Nanoseconds that a request waits at most.
  let wait = Atomic<Int64>(.second)
  /// Requests refused from the queue, by reason.
  let shedFull = Atomic<UInt64>(0)
  let shedLate = Atomic<UInt64>(0)
  let shedStanding = Atomic<UInt64>(0)
  let queue = Mutex(FairQueue(QueueRules()))

  /// Goes by the rules of a new configuration; for the control thread.
  borrowing func adopt(_ rules: ShardConcurrency?) {
    slots.bound(
      rules?.limit ?? .max, longShare: rules?.longShare ?? 100, reserve: rules?.reserve ?? 0,
      perTenant: rules?.perTenant ?? .max)
    guard let rules else { return }
    wait.store(rules.queue.wait, ordering: .relaxed)
    queue.withLock { $0.rules = rules.queue }
  }

  /// Counts a request that was refused.
  borrowing func count(_ reason: ShedReason) {
    switch reason {
    case .full: shedFull.add(1, ordering: .relaxed)
    case .late: shedLate.add(1, ordering: .relaxed)
    case .standing: shedStanding.add(1, ordering: .relaxed)
    }
  }

  /// The part of `limit` slots that a backend of this weight has beside others, at least one.
  static func part(_ limit: Int32, of weight: Int, among sum: Int) -> Int32 {
    Int32(max(1, (Int64(limit) * Int64(weight) + Int64(sum) - 1) / Int64(max(1, sum))))
  }
}
