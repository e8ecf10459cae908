import Balancing
import Primitives
import Synchronization

/// What a backend's adaptive limit has seen since it last looked, counted by all workers.
struct AdaptiveSlots: ~Copyable {
  private let counts: UnsafeMutablePointer<Atomic<UInt32>>
  private let count = Atomic<UInt32>(0)
  private let mostInFlight = Atomic<Int32>(0)
  private let began = Atomic<Int64>(0)
  private let limit: Mutex<AdaptiveLimit>
  /// Whether the configuration wants it.
  let isOn = Atomic<Bool>(true)

  init(_ limit: AdaptiveLimit) {
    counts = .allocate(capacity: LatencyWindow.buckets)
    for bucket in 0..<LatencyWindow.buckets { (counts + bucket).initialize(to: Atomic(0)) }
    self.limit = Mutex(limit)
  }

  deinit { counts.deallocate() }

  /// Goes by other bounds; returns the limit. For the control thread.
  borrowing func bound(least: Int32, most: Int32) -> Int32 {
    isOn.store(true, ordering: .relaxed)
    return limit.withLock {
      $0.bound(least: least, most: most)
      return $0.limit
    }
  }

  /// Counts a request that took `time` while `held` were on their way; returns the new limit when a window has ended.
  borrowing func note(_ time: Int64, held: Int32, at now: Instant, chance: Double) -> Int32? {
    counts[LatencyWindow.bucket(of: time)].add(1, ordering: .relaxed)
    let count = count.add(1, ordering: .relaxed).newValue
    if held > mostInFlight.load(ordering: .relaxed) { mostInFlight.store(held, ordering: .relaxed) }
    let start = began.load(ordering: .relaxed)
    guard AdaptiveLimit.isEnough(count, in: now.nanoseconds - start) else { return nil }
    // Whoever sets the new beginning looks at what there is; the others go on counting.
    guard began.compareExchange(expected: start, desired: now.nanoseconds, ordering: .relaxed).exchanged else {
      return nil
    }
    return limit.withLock {
      $0.learn(takeWindow(), at: now, chance: chance)
      return $0.limit
    }
  }

  private borrowing func takeWindow() -> LatencyWindow {
    var window = LatencyWindow()
    for bucket in 0..<LatencyWindow.buckets where counts[bucket].load(ordering: .relaxed) > 0 {
      window.counts[bucket] = counts[bucket].exchange(0, ordering: .relaxed)
    }
    count.store(0, ordering: .relaxed)
    window.mostInFlight = mostInFlight.exchange(0, ordering: .relaxed)
    return window
  }
}
