public import Primitives

/// How well a shard can serve, as far as another may have to stand in for it.
public enum ShardReadiness: Sendable, BitwiseCopyable {
  /// None of its backends is up.
  case none
  /// Those that are up came back only a moment ago.
  case fresh
  /// A backend is up, and has been for as long as is asked for.
  case settled

  /// The readiness of a shard with these backends; one has settled `delay` nanoseconds after it came back.
  public init(_ loads: UnsafePointer<BackendLoad>, _ count: Int, delay: Int64, at now: Instant) {
    self = .none
    for place in 0..<count where loads[place].isUp {
      if now - loads[place].recoveredAt >= delay {
        self = .settled
        return
      }
      self = .fresh
    }
  }
}
