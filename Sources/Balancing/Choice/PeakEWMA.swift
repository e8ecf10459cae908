import Primitives

/// The peak-sensitive moving average of a backend's latency (as in Finagle and linkerd).
///
/// A slower answer than the average becomes the average at once; quicker ones pull it down over `decay`. It also decays
/// while nothing is sent, so that a backend that was slow once is tried again.
extension BackendLoad {
  /// The time constant of the average, in nanoseconds.
  public static var decay: Int64 { 10 * .second }
  /// Latencies above this (73 minutes) count as this, in nanoseconds.
  static var latencyBound: Int64 { 1 << 42 }
  /// What an unmeasured backend costs while its first answer is awaited, in nanoseconds.
  static var firstAnswerPenalty: Int64 { .second }

  /// Nanoseconds in which the average halves: `decay` × ln 2.
  private static var halfLife: Int64 { 6_931_471_806 }

  mutating func observe(_ latency: Int64, at now: Instant) {
    let share = BackendLoad.remainder(after: now - ewmaAt)
    let decayed = (ewma &* share) >> 16
    ewma = latency >= decayed ? latency : decayed &+ ((latency &* (65_536 &- share)) >> 16)
    ewmaAt = now
  }

  /// The average latency in nanoseconds, decayed up to `now`.
  public func latency(at now: Instant) -> Int64 {
    (ewma &* BackendLoad.remainder(after: now - ewmaAt)) >> 16
  }

  /// What one more request would cost here: latency × (in flight + 1) / weight.
  func cost(at now: Instant) -> Double {
    var known = latency(at: now)
    if known == 0, inFlight > 0 { known = BackendLoad.firstAnswerPenalty }
    return Double(known) * Double(inFlight &+ 1) / Double(effectiveWeight(at: now))
  }

  /// e^(-elapsed / decay) in 65,536ths; within 1 % (a parabola between the powers of two).
  static func remainder(after elapsed: Int64) -> Int64 {
    guard elapsed > 0 else { return 65_536 }
    guard elapsed < 48 &* halfLife else { return 0 }
    let part = ((elapsed % halfLife) << 16) / halfLife
    let fraction = 65_536 &- ((45_426 &* part) >> 16) &+ ((12_658 &* part &* part) >> 32)
    return fraction >> (elapsed / halfLife)
  }
}
