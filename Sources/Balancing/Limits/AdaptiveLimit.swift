public import Primitives

/// How many requests a backend is given at once, found out from how long they take: by the gradient between the time
/// requests take now and the time they take when nothing queues.
///
/// After "concurrency-limits" (Netflix, 2018) and Envoy's adaptive concurrency: each window moves the limit towards
/// `limit × least / median + √limit`. The least time is learnt whenever the backend is at most half used, and is measured
/// at first and now and then by halving the limit until requests get no quicker, since a backend may be slower for good.
public struct AdaptiveLimit: Sendable {
  /// Nanoseconds of a window at least.
  public static let window: Int64 = 100 * .millisecond
  /// Requests of a window at least, unless it has lasted for ten times as long.
  static let enough = 8
  /// Nanoseconds from one measurement of the least time to the next; up to half as much is added by chance.
  static let probing: Int64 = 10 * .second
  /// Times this much longer than the least are no sign of a queue.
  static let tolerance = 1.5
  /// The part of the way that one window moves the limit while requests queue.
  static let step = 0.4

  /// The bounds of the limit, 1 ... 1,000,000.
  private var least: Int32
  private var most: Int32
  /// The limit now.
  public private(set) var limit: Int32
  /// Nanoseconds that requests take when nothing queues; 0 while that is not known.
  public private(set) var leastTime: Int64 = 0
  private var exact: Double
  private var probesAt = Instant.distantPast
  private var probe = Probe.none
  private var probed: Int64 = 0
  private var resumesAt = 0.0

  private enum Probe {
    case none, begun, measures
  }

  /// A limit between `least` and `most`, beginning at `start`.
  public init(least: Int32, most: Int32, start: Int32) {
    self.least = max(1, least)
    self.most = max(self.least, most)
    limit = min(max(start, self.least), self.most)
    exact = Double(limit)
  }

  /// Goes by other bounds.
  public mutating func bound(least: Int32, most: Int32) {
    self.least = max(1, least)
    self.most = max(self.least, most)
    settle(exact)
  }

  /// Whether a window of `count` requests may end after `span` nanoseconds.
  public static func isEnough(_ count: UInt32, in span: Int64) -> Bool {
    span >= window && (count >= enough || span >= 10 * window)
  }

  /// Learns from a window that ended at `now`. `chance` spreads measurements: 0 ..< 1.
  public mutating func learn(_ window: LatencyWindow, at now: Instant, chance: Double) {
    guard let median = window.median else { return }
    if probe != .none { return goOnProbing(median, at: now, chance) }
    let isIdle = window.mostInFlight * 2 <= limit
    if leastTime == 0 || median < leastTime {
      leastTime = median
    } else if isIdle {
      // Half used, nothing can queue: this is how long it takes now.
      leastTime += (median - leastTime) / 4
    }
    if now >= probesAt, !isIdle { return beginProbe(median) }
    let gradient = min(1, max(0.5, AdaptiveLimit.tolerance * Double(leastTime) / Double(median)))
    // What is not used can't be judged.
    if gradient == 1, window.mostInFlight * 10 < limit * 9 { return }
    let aim = exact * gradient + exact.squareRoot()
    settle(exact + (aim - exact) * (gradient == 1 ? 1 : AdaptiveLimit.step))
  }

  private mutating func settle(_ next: Double) {
    exact = min(Double(most), max(Double(least), next))
    limit = Int32(exact)
  }

  private func next(after now: Instant, _ chance: Double) -> Instant {
    now.advanced(by: AdaptiveLimit.probing + Int64(Double(AdaptiveLimit.probing) / 2 * chance))
  }

  private mutating func beginProbe(_ median: Int64) {
    resumesAt = exact
    probed = median
    halve()
  }

  private mutating func halve() {
    settle(exact / 2)
    probe = .begun
  }

  /// The requests of the window that follows a halving were sent before it: the one after it tells. Halved again for as
  /// long as that makes requests quicker.
  private mutating func goOnProbing(_ median: Int64, at now: Instant, _ chance: Double) {
    if probe == .begun {
      probe = .measures
      return
    }
    let isQuicker = Double(median) < Double(probed) * 0.9
    if isQuicker, limit > least {
      probed = median
      return halve()
    }
    leastTime = min(median, probed)
    probe = .none
    probesAt = next(after: now, chance)
    settle(resumesAt)
  }
}
