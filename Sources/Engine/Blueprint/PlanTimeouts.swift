/// How long requests wait for their backends, where that is not as for all.
public struct PlanTimeouts: Sendable, Hashable, BitwiseCopyable {
  /// What takes its time.
  public enum Step: String, CaseIterable, Sendable {
    /// Until a backend accepts a connection; those of HTTP/2 serve many plans and wait as for all.
    case connect
    /// From the request's last byte to the response head.
    case response
    /// Without a byte either way, on tunnels and streams.
    case idle
  }

  // In tenths of a millisecond, so that each exchange can have them: 0 is as for all.
  private var connect: UInt32 = 0
  private var response: UInt32 = 0
  private var idle: UInt32 = 0

  /// As for all.
  public init() {}

  private static let unit: Int64 = 100_000

  /// The nanoseconds of a step, kept to a tenth of a millisecond, at most five days; `nil` where they are as for all.
  public subscript(_ step: Step) -> Int64? {
    get {
      let time =
        switch step {
        case .connect: connect
        case .response: response
        case .idle: idle
        }
      return time > 0 ? Int64(time) * PlanTimeouts.unit : nil
    }
    set {
      let time = newValue.map { UInt32(clamping: max(1, $0 / PlanTimeouts.unit)) } ?? 0
      switch step {
      case .connect: connect = time
      case .response: response = time
      case .idle: idle = time
      }
    }
  }

  /// Whether all is as for all.
  public var isEmpty: Bool { self == PlanTimeouts() }

  /// These, and those of `others` for steps of which they say nothing.
  func filled(from others: PlanTimeouts) -> PlanTimeouts {
    var timeouts = self
    for step in Step.allCases where timeouts[step] == nil { timeouts[step] = others[step] }
    return timeouts
  }
}

/// What a plan says of timeouts: for all its requests, and for some of its paths.
public struct TimeoutRules: Sendable, Hashable {
  /// The requests whose path begins with `path`, by whole segments.
  public struct Route: Sendable, Hashable {
    /// The path.
    public var path: String
    /// What holds for them; the rest is the plan's.
    public var timeouts: PlanTimeouts

    /// These timeouts for that path.
    public init(path: String, timeouts: PlanTimeouts = PlanTimeouts()) {
      self.path = path
      self.timeouts = timeouts
    }
  }

  /// The most routes of one plan.
  public static let mostRoutes = 64

  /// For all requests of the plan.
  public var timeouts = PlanTimeouts()
  /// For some paths, at most `mostRoutes`, no two of them the same; the longest that fits counts.
  public var routes: [Route] = []

  /// As for all.
  public init() {}

  /// Whether all is as for all.
  public var isEmpty: Bool { timeouts.isEmpty && routes.isEmpty }
}
