import Primitives

/// What a peer may do too much of.
public enum FloodKind: Int, Sendable, CaseIterable {
  /// RST_STREAM from the peer.
  case reset
  /// Streams that we reset for the peer's fault.
  case provokedReset
  /// CONTINUATION frames, or bytes of a field block.
  case continuation
  /// Fields that grow out of few bytes.
  case fieldBomb
  // Frames that cost work and move nothing.
  case settings, ping, priority, emptyData, windowUpdate, unknownFrame
  /// A window that stays shut; counted by whoever keeps time.
  case stall

  /// The kind as metrics say it.
  public var name: StaticString {
    switch self {
    case .reset: "reset"
    case .provokedReset: "provoked_reset"
    case .continuation: "continuation"
    case .fieldBomb: "field_bomb"
    case .settings: "settings"
    case .ping: "ping"
    case .priority: "priority"
    case .emptyData: "empty_data"
    case .windowUpdate: "window_update"
    case .unknownFrame: "unknown_frame"
    case .stall: "stall"
    }
  }
}

/// Counts events against `count` in `period` as a leaky bucket that starts empty.
struct EventBudget: BitwiseCopyable {
  private var level: Int64 = 0
  private var last = Instant.distantPast
  private let cost: Int64
  private let period: Int64

  init(_ count: Int64, in period: Int64) {
    cost = period / max(1, count)
    self.period = period
  }

  /// Counts one event; whether it is one too many.
  mutating func spend(at now: Instant) -> Bool {
    if last != .distantPast { level = max(0, level &- max(0, now - last)) }
    last = now
    level &+= cost
    return level > period
  }

  /// Takes `events` events back: others explain them.
  @inline(__always)
  mutating func refund(_ events: Int64) { level = max(0, level &- cost &* events) }
}

/// The budgets of one connection.
struct FloodGuards: BitwiseCopyable {
  /// Resets of both kinds share one budget.
  var resets: EventBudget
  var settings = EventBudget(HTTP2Bounds.controlFrames, in: HTTP2Bounds.floodPeriod)
  var pings = EventBudget(HTTP2Bounds.controlFrames, in: HTTP2Bounds.floodPeriod)
  var priorities = EventBudget(HTTP2Bounds.controlFrames, in: HTTP2Bounds.floodPeriod)
  var unknown = EventBudget(HTTP2Bounds.controlFrames, in: HTTP2Bounds.floodPeriod)
  var empty = EventBudget(HTTP2Bounds.emptyFrames, in: HTTP2Bounds.floodPeriod)
  var windowUpdates = EventBudget(HTTP2Bounds.windowUpdates, in: HTTP2Bounds.floodPeriod)

  init(_ bounds: HTTP2Bounds) { resets = EventBudget(bounds.resets, in: bounds.resetPeriod) }

  /// Counts one event of this kind; whether it is one too many.
  mutating func spend(_ kind: FloodKind, at now: Instant) -> Bool {
    switch kind {
    case .reset, .provokedReset: resets.spend(at: now)
    case .settings: settings.spend(at: now)
    case .ping: pings.spend(at: now)
    case .priority: priorities.spend(at: now)
    case .unknownFrame: unknown.spend(at: now)
    case .emptyData: empty.spend(at: now)
    case .windowUpdate: windowUpdates.spend(at: now)
    case .continuation, .fieldBomb, .stall: true
    }
  }
}
