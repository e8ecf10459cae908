/// How long the requests of a plan's tenants wait for their backends, where that is not as for all.
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

  private var connect: Int64 = 0
  private var response: Int64 = 0
  private var idle: Int64 = 0

  /// As for all.
  public init() {}

  /// The nanoseconds of a step; `nil` where they are as for all.
  public subscript(_ step: Step) -> Int64? {
    get {
      let time =
        switch step {
        case .connect: connect
        case .response: response
        case .idle: idle
        }
      return time > 0 ? time : nil
    }
    set {
      switch step {
      case .connect: connect = newValue ?? 0
      case .response: response = newValue ?? 0
      case .idle: idle = newValue ?? 0
      }
    }
  }

  /// Whether all is as for all.
  var isEmpty: Bool { self == PlanTimeouts() }

  /// These, with the rest of `timeouts`.
  func applied(to timeouts: Timeouts) -> Timeouts {
    var timeouts = timeouts
    if connect > 0 { timeouts.connect = connect }
    if response > 0 { timeouts.response = response }
    if idle > 0 { timeouts.idle = idle }
    return timeouts
  }
}
