public import Primitives
import Synchronization

/// The sum of the weights of the tenants that were heard from lately: what a tenant's share is measured by.
///
/// Ticks of about a second: who was heard from in the one before this counts until this one has more. Any thread may use it.
public struct ActiveWeights: ~Copyable, Sendable {
  /// A tick is 2 to this power nanoseconds.
  static let tick: Int64 = 30
  /// The tick above the sum of its weights.
  private let current = Atomic<UInt64>(0)
  /// The sum of the tick before it.
  private let previous = Atomic<UInt32>(0)

  /// Nobody was heard from.
  public init() {}

  /// The tick that `now` is in.
  @inline(__always)
  public static func tick(at now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.nanoseconds >> tick) }

  /// Counts a tenant in that was not heard from in `tick` before.
  public func hear(_ weight: Int32, in tick: UInt32) {
    while true {
      let known = current.load(ordering: .relaxed)
      let ahead = Int32(bitPattern: tick &- UInt32(truncatingIfNeeded: known >> 32))
      var next = known &+ UInt64(UInt32(weight))
      if ahead > 0 {
        previous.store(ahead == 1 ? UInt32(truncatingIfNeeded: known) : 0, ordering: .relaxed)
        next = UInt64(tick) << 32 | UInt64(UInt32(weight))
      }
      if current.weakCompareExchange(expected: known, desired: next, ordering: .relaxed).exchanged { return }
    }
  }

  /// The sum, at least 1.
  public var sum: Int64 {
    let latest = UInt32(truncatingIfNeeded: current.load(ordering: .relaxed))
    return Int64(max(1, latest, previous.load(ordering: .relaxed)))
  }
}
