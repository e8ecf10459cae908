import Synchronization

/// All holds of the process, and what they hold together.
final class HoldRegistry: Sendable {
  private let holds = Mutex<[TenantHold]>([])
  /// What they hold together.
  let count = HoldCount()
  /// Requests refused since there was no room, and since they were held for too long.
  let overflowed = Atomic<UInt64>(0)
  let late = Atomic<UInt64>(0)

  /// The holds now.
  var all: [TenantHold] { holds.withLock { $0 } }

  /// Adds a hold; false when its tenant has one, or there are too many.
  func add(_ hold: TenantHold) -> Bool {
    holds.withLock { holds in
      guard holds.count < Limit.tenantHolds, !holds.contains(where: { $0.tenant == hold.tenant && $0.current != .over })
      else { return false }
      holds.append(hold)
      return true
    }
  }

  /// Takes out those that are over for every worker; returns whether none is left.
  func sweep() -> Bool {
    holds.withLock { holds in
      holds.removeAll { $0.current == .over && $0.isHeardByAll }
      return holds.isEmpty
    }
  }

  /// Counts one request in that takes `more` bytes; false when that is too much.
  func enter(_ more: Int) -> Bool {
    count.enter(more, mostRequests: Limit.heldRequests, mostBytes: Limit.heldBytes)
  }

  /// Counts one out again.
  func leave(_ less: Int) { count.leave(less) }
}
