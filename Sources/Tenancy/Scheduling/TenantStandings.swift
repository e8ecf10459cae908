public import Primitives
import Synchronization

/// What one tenant holds of its shard, and what its requests cost there. Any thread may use it.
public struct TenantStanding: ~Copyable, Sendable {
  /// Slots it holds.
  public let held = Atomic<Int32>(0)
  /// Microseconds that its requests hold their slot, on average; 0 while that is not known.
  private let expected = Atomic<UInt32>(0)
  /// The tick of `ActiveWeights` in which it was last heard from.
  private let heard = Atomic<UInt32>(0)
  /// The quarter of a second in which it last had a say in what is usual.
  private let sampled = Atomic<UInt32>(0)

  /// A tenant that holds nothing and was never heard from.
  public init() {}

  /// Nanoseconds that its next request is likely to hold its slot; 0 when that is not known.
  @inline(__always)
  public var cost: Int64 { Int64(expected.load(ordering: .relaxed)) * .microsecond }

  /// Has it counted among those heard from lately.
  @inline(__always)
  public func speak(_ weight: Int32, to weights: borrowing ActiveWeights, at now: Instant) {
    let tick = ActiveWeights.tick(at: now)
    guard heard.load(ordering: .relaxed) != tick else { return }
    heard.store(tick, ordering: .relaxed)
    weights.hear(weight, in: tick)
  }

  /// Learns how long a request held its slot: a moving average, the newest with a weight of an eighth. Returns it when it
  /// is this tenant's turn to have a say in what is usual, in nanoseconds; `nil` otherwise.
  public func learn(_ nanoseconds: Int64, at now: Instant) -> Int64? {
    let sample = min(max(1, nanoseconds / .microsecond), Int64(UInt32.max))
    let known = Int64(expected.load(ordering: .relaxed))
    // Rounded away from what is known, so that it arrives.
    let step = (sample - known) / 8 + (sample - known).signum()
    let next = known == 0 ? sample : known + (abs(sample - known) < 8 ? sample - known : step)
    expected.store(UInt32(max(1, next)), ordering: .relaxed)
    let quarter = UInt32(truncatingIfNeeded: now.nanoseconds >> 28)
    guard sampled.load(ordering: .relaxed) != quarter else { return nil }
    sampled.store(quarter, ordering: .relaxed)
    return next * .microsecond
  }
}

/// The standings of all tenants, by index; one never moves. Made only where some shard bounds its concurrency.
public final class TenantStandings: @unchecked Sendable {
  // Unchecked: chunks are added by the control thread before a worker is told of a shard that needs them.
  private static let chunk = 4096
  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<TenantStanding>>
  private var chunkCount = 0

  /// No standings.
  public init() { chunks = .allocate(capacity: TenantLedger.maximumTenants / TenantStandings.chunk) }

  deinit {
    for index in 0..<chunkCount {
      chunks[index].deinitialize(count: TenantStandings.chunk)
      chunks[index].deallocate()
    }
    chunks.deallocate()
  }

  /// Makes standings for indices below `capacity`; for the control thread only.
  public func ensure(capacity: Int) {
    while chunkCount * TenantStandings.chunk < min(capacity, TenantLedger.maximumTenants) {
      let fresh = UnsafeMutablePointer<TenantStanding>.allocate(capacity: TenantStandings.chunk)
      for index in 0..<TenantStandings.chunk { (fresh + index).initialize(to: TenantStanding()) }
      chunks[chunkCount] = fresh
      chunkCount += 1
    }
  }

  /// The standing of a tenant whose index is below the capacity.
  @inline(__always)
  public subscript(_ tenant: TenantIndex) -> UnsafeMutablePointer<TenantStanding> {
    chunks[Int(tenant) / TenantStandings.chunk] + Int(tenant) % TenantStandings.chunk
  }
}
