import Primitives
import Synchronization

/// What a slot of a shard is taken for.
public enum SlotKind: UInt8, Sendable, BitwiseCopyable {
  /// Nothing special.
  case plain
  /// A tenant above its share, with a request that is likely to be longer than usual: of these slots there are few.
  case long
  /// None is to be had, though one may be free: those few are taken.
  case heldBack
}

/// The slots of one shard: how many requests its backends are given at once. Any thread may use it.
public struct SlotLedger: ~Copyable, Sendable {
  /// Slots; `Int32.max` when they are not bounded.
  public let limit = Atomic<Int32>(.max)
  /// Slots taken.
  public let held = Atomic<Int32>(0)
  /// Slots taken by long requests of tenants above their share, and percent of all that those may be.
  private let longHeld = Atomic<Int32>(0)
  private let longShare = Atomic<Int32>(100)
  /// Percent of the slots that only critical requests may have.
  private let reserve = Atomic<Int32>(0)
  /// Slots that one tenant may hold, whoever else wants them.
  private let perTenant = Atomic<Int32>(.max)
  /// How long requests hold their slot.
  public let usual = UsualTime()
  /// Whose requests come.
  public let active = ActiveWeights()

  /// Slots without bound, none taken.
  public init() {}

  /// Has so many slots from now on, of which tenants above their share may hold `longShare` percent with long requests,
  /// at least one. Only critical requests may take the last `reserve` percent, 0 ... 99, that are free.
  public func bound(_ limit: Int32, longShare: Int32, reserve: Int32 = 0, perTenant: Int32 = .max) {
    self.limit.store(limit, ordering: .relaxed)
    self.longShare.store(longShare, ordering: .relaxed)
    self.reserve.store(reserve, ordering: .relaxed)
    self.perTenant.store(perTenant, ordering: .relaxed)
  }

  /// Takes one of the slots for a request of a class; false when there is none for it.
  @inline(__always)
  public func take(_ criticality: Criticality) -> Bool {
    let slots = Int64(limit.load(ordering: .relaxed))
    let others = criticality == .critical ? 100 : 100 - Int64(reserve.load(ordering: .relaxed))
    let limit = Int32(truncatingIfNeeded: (slots * others + 99) / 100)
    var known = held.load(ordering: .sequentiallyConsistent)
    while known < limit {
      let (isExchanged, current) = held.weakCompareExchange(
        expected: known, desired: known + 1, ordering: .sequentiallyConsistent)
      if isExchanged { return true }
      known = current
    }
    return false
  }

  /// Gives a slot back.
  @inline(__always)
  public func giveBack() {
    let left = held.subtract(1, ordering: .sequentiallyConsistent).newValue
    assert(left >= 0, "a slot was given back twice")
  }

  /// What a tenant's next slot would be.
  ///
  /// A tenant's share is that of its weight among the tenants heard from lately; with one slot it is never above it.
  @inline(__always)
  public func kind(_ standing: borrowing TenantStanding, weight: Int32) -> SlotKind {
    guard usual.isLong(standing.cost) else { return .plain }
    let held = standing.held.load(ordering: .relaxed)
    let limit = Int64(limit.load(ordering: .relaxed))
    if held == 0 || Int64(held + 1) * active.sum <= limit * Int64(weight) { return .plain }
    let most = (limit * Int64(longShare.load(ordering: .relaxed)) + 99) / 100
    return held < most && longHeld.load(ordering: .relaxed) < most ? .long : .heldBack
  }

  /// Whether a tenant holds as many slots as it may, whoever else wants them.
  @inline(__always)
  public func isFull(_ standing: borrowing TenantStanding) -> Bool {
    standing.held.load(ordering: .relaxed) >= perTenant.load(ordering: .relaxed)
  }

  /// Counts a slot that was taken as a tenant's; returns whether it is one of the few for long requests.
  public func hold(_ standing: borrowing TenantStanding, weight: Int32) -> Bool {
    let isLong = kind(standing, weight: weight) != .plain
    standing.held.add(1, ordering: .relaxed)
    if isLong { longHeld.add(1, ordering: .relaxed) }
    return isLong
  }

  /// Gives a slot back that was counted as a tenant's.
  public func release(_ standing: borrowing TenantStanding, isLong: Bool) {
    standing.held.subtract(1, ordering: .relaxed)
    if isLong { longHeld.subtract(1, ordering: .relaxed) }
    giveBack()
  }
}
