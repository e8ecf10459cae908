public import Primitives

/// A request that waits, as its owner hands it over.
public struct Waiter: Sendable, BitwiseCopyable {
  /// What the owner calls it.
  public var owner: UInt64
  /// Which of its owners it belongs to.
  public var worker: Int32
  /// Whose request it is.
  public var tenant: TenantIndex
  /// The only backend that will do, by number; -1 when any will.
  public var backend: Int32
  /// When it came.
  public var arrived: Instant
  /// When it is of no use any more.
  public var deadline: Instant
  /// Its place in the queue, set there.
  public internal(set) var ticket = QueueTicket.none

  /// This request.
  public init(
    owner: UInt64, worker: Int32, tenant: TenantIndex, backend: Int32, arrived: Instant, deadline: Instant
  ) {
    self.owner = owner
    self.worker = worker
    self.tenant = tenant
    self.backend = backend
    self.arrived = arrived
    self.deadline = deadline
  }
}

/// A place in the queue, good until its request leaves: the number of the slot below its generation.
public struct QueueTicket: Sendable, Hashable, BitwiseCopyable {
  /// The bits.
  public var bits: UInt64
  /// No place.
  public static let none = QueueTicket(bits: 0)

  init(bits: UInt64) { self.bits = bits }

  init(slot: Int32, generation: UInt32) { bits = UInt64(generation) << 32 | UInt64(UInt32(slot)) }

  var slot: Int32 { Int32(truncatingIfNeeded: bits) }
  var generation: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
}

/// Why a request is taken out of the queue without a slot.
public enum ShedReason: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The queue was full, and its tenant had the most in it.
  case full
  /// It waited for as long as it may.
  case late
  /// Its tenant's queue stood for too long (CoDel).
  case standing
}

/// Who comes out of the queue.
public enum NextInQueue: Sendable {
  /// This one is to have a slot; the terms are its tenant's.
  case served(Waiter, SchedulingTerms)
  /// This one is to be refused.
  case shed(Waiter, ShedReason)
  /// Nobody that waits may have a slot now.
  case nobody
}
