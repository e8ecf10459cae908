import Primitives
import Synchronization
import Tenancy

/// What became of a request that waited for a slot.
struct Grant: Sendable, BitwiseCopyable {
  /// The exchange's handle.
  var exchange: UInt64
  /// Its place in the queue: tells whether it still waits for this.
  var ticket: QueueTicket
  /// The shard's number.
  var shard: Int32
  var tenant: TenantIndex
  /// Whether it has a slot; it is refused otherwise.
  var isServed = false
  /// The backend whose slot that is, by number; negative when none is up.
  var backend: Int32
  /// Whether the slot is one of the few for long requests.
  var isLong = false
}

/// A grant on its way to the worker whose request waited.
struct Delivery: Sendable, BitwiseCopyable {
  var worker: Int32
  var grant: Grant

  init(_ waiter: Waiter, shard: Int32, backend: Int32) {
    worker = waiter.worker
    grant = Grant(
      exchange: waiter.owner, ticket: waiter.ticket, shard: shard, tenant: waiter.tenant, backend: backend)
  }
}
