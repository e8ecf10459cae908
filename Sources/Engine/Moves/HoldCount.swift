import Synchronization

/// Requests that are held and the bytes they take, counted in and out by all workers.
struct HoldCount: ~Copyable, Sendable {
  /// Requests held now.
  let parked = Atomic<Int>(0)
  /// Requests held so far.
  let total = Atomic<UInt64>(0)
  private let bytes = Atomic<Int>(0)

  /// Counts one request in that takes `more` bytes; false when that is above one of the bounds.
  borrowing func enter(_ more: Int, mostRequests: Int, mostBytes: Int) -> Bool {
    guard parked.add(1, ordering: .relaxed).newValue <= mostRequests else {
      parked.subtract(1, ordering: .relaxed)
      return false
    }
    guard bytes.add(more, ordering: .relaxed).newValue <= mostBytes else {
      parked.subtract(1, ordering: .relaxed)
      bytes.subtract(more, ordering: .relaxed)
      return false
    }
    total.add(1, ordering: .relaxed)
    return true
  }

  /// Counts one out again.
  borrowing func leave(_ less: Int) {
    bytes.subtract(less, ordering: .relaxed)
    parked.subtract(1, ordering: .releasing)
  }
}
