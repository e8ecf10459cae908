public import Primitives

/// What one worker knows of a backend when it chooses.
///
/// Plain data, one array of them per worker and shard; nothing is shared between workers.
public struct BackendLoad: Sendable, BitwiseCopyable {
  /// The backend's share beside the others, 1 ... 256; 0 takes no requests.
  public var weight: Int32
  /// This worker's requests in flight there.
  public var inFlight: Int32 = 0
  /// Whether it may be chosen.
  public var isUp = true
  /// When it last came back; slow start counts from here. `distantPast`: it never left.
  public var recoveredAt = Instant.distantPast
  /// Its credit in smooth round robin, in thousandths of a weight.
  public var current: Int64 = 0
  /// The peak-sensitive average of its latency in nanoseconds, as it was at `ewmaAt`; 0 before the first answer.
  public var ewma = 0.0
  /// When `ewma` was last brought up to date.
  public var ewmaAt = Instant.distantPast

  /// A backend that is up, idle and of unknown latency.
  public init(weight: Int) { self.weight = Int32(clamping: weight) }

  /// Counts a request in.
  public mutating func start(at now: Instant) { inFlight &+= 1 }

  /// Counts a request out; `latency` nanoseconds is what it took, negative when that says nothing of the backend (a
  /// failed connect, a client that left).
  ///
  /// A request that began before the backend left the configuration and came back may end here: the count stays at 0.
  public mutating func finish(latency: Int64, at now: Instant) {
    inFlight = max(inFlight &- 1, 0)
    if latency >= 0 { observe(min(latency, BackendLoad.latencyBound), at: now) }
  }

  /// Takes the backend out of choice; requests in flight stay counted.
  public mutating func leave() { isUp = false }

  /// Puts the backend back into choice, with slow start from `now`; what was known of its latency is forgotten.
  public mutating func recover(at now: Instant) {
    isUp = true
    recoveredAt = now
    ewma = 0
    ewmaAt = now
  }

  /// Gives the backend a random credit, so that workers that begin together don't all take turns in step.
  public mutating func stagger(random: inout SeededRandom) {
    if weight > 0 { current = Int64(random.below(Int(weight) * Int(BackendLoad.full))) }
  }
}

extension BackendLoad {
  /// How long a backend that came back takes to reach its full weight, in nanoseconds.
  public static var slowStart: Int64 { 10 * .second }
  /// Thousandths of its weight with which slow start begins.
  static var slowStartFloor: Int64 { 100 }
  /// Thousandths in a whole weight.
  static var full: Int64 { 1000 }

  /// The weight in thousandths: from a tenth to the whole over `slowStart` after the backend came back.
  public func effectiveWeight(at now: Instant) -> Int64 {
    let whole = Int64(weight) &* BackendLoad.full
    let age = now - recoveredAt
    guard age < BackendLoad.slowStart else { return whole }
    let floor = BackendLoad.slowStartFloor
    let share = floor &+ (BackendLoad.full &- floor) &* max(age, 0) / BackendLoad.slowStart
    return Int64(weight) &* share
  }
}
