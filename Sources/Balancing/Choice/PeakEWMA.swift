import Primitives

/// The peak-sensitive moving average of a backend's latency (as in Finagle and linkerd).
///
/// A slower answer than the average becomes the average at once; quicker ones pull it down over `decay`. It also decays
/// while nothing is sent, so that a backend that was slow once is tried again.
extension BackendLoad {
  /// The time constant of the average, in nanoseconds.
  public static var decay: Int64 { 10 * .second }
  /// Latencies above this, an hour, count as this; in nanoseconds.
  static var latencyBound: Int64 { 3_600 * .second }
  /// What an unmeasured backend costs while its first answer is awaited, in nanoseconds.
  static var firstAnswerPenalty: Double { 1e9 }

  private static var ln2: Double { 0.693147180559945 }

  mutating func observe(_ latency: Int64, at now: Instant) {
    let share = BackendLoad.remainder(after: now - ewmaAt)
    let decayed = ewma * share
    ewma = max(Double(latency), decayed + Double(latency) * (1 - share))
    ewmaAt = now
  }

  /// The average latency in nanoseconds, decayed up to `now`.
  public func latency(at now: Instant) -> Double { ewma * BackendLoad.remainder(after: now - ewmaAt) }

  /// What one more request would cost here: latency × (in flight + 1) / weight.
  func cost(at now: Instant) -> Double {
    var known = latency(at: now)
    if known < 1, inFlight > 0 { known = BackendLoad.firstAnswerPenalty }
    return known * Double(inFlight &+ 1) / Double(effectiveWeight(at: now))
  }

  /// e^(-elapsed / decay) within 1 %: a parabola between the powers of two, exact in its slope at 0.
  static func remainder(after elapsed: Int64) -> Double {
    guard elapsed > 0 else { return 1 }
    let halvings = Double(elapsed) / (Double(decay) * ln2)
    guard halvings < 48 else { return 0 }
    let whole = UInt64(halvings)
    let part = halvings - Double(whole)
    return (1 - part * (ln2 - part * (ln2 - 0.5))) * Double(bitPattern: (1023 - whole) << 52)
  }
}
