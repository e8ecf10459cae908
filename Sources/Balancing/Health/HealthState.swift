public import Primitives

/// What an observation did to a backend's health.
public enum HealthChange: UInt8, Sendable {
  /// Nothing.
  case none
  /// It came back.
  case wentUp
  /// It is out.
  case wentDown
}

/// Whether a backend may serve, from active checks and from how connecting to it went.
///
/// It starts up. Failed checks and failed connects together, `fall` of them without a success of their kind between, take
/// it out. With active checks only `rise` successful ones in a row bring it back; without, one attempt is let through
/// every `cooldown` and brings it back when it connects.
public struct HealthState: Sendable, BitwiseCopyable {
  /// Whether it may be chosen.
  public private(set) var isUp = true
  /// When `isUp` last changed, or the last attempt on trial began or failed; `distantPast`: never.
  public private(set) var changedAt = Instant.distantPast
  private var failedChecks: Int32 = 0
  private var failedConnects: Int32 = 0
  private var goodChecks: Int32 = 0
  private var rise: Int32 = 1
  private var fall: Int32 = 1
  private var hasActiveChecks = false

  /// How long a backend without active checks is left alone before one attempt, in nanoseconds.
  public static var cooldown: Int64 { 10 * .second }

  /// A backend that is up; `rise` and `fall` (at least 1) as in the `health` directive.
  public init(rise: Int, fall: Int, hasActiveChecks: Bool) {
    adopt(rise: rise, fall: fall, hasActiveChecks: hasActiveChecks)
  }

  /// Goes by other rules from now on; what is known of the backend, and since when, stays.
  public mutating func adopt(rise: Int, fall: Int, hasActiveChecks: Bool) {
    self.rise = Int32(clamping: max(rise, 1))
    self.fall = Int32(clamping: max(fall, 1))
    self.hasActiveChecks = hasActiveChecks
  }

  /// An active check was answered well.
  public mutating func checkSucceeded(at now: Instant) -> HealthChange {
    failedChecks = 0
    failedConnects = 0
    guard !isUp else { return .none }
    goodChecks &+= 1
    return goodChecks >= rise ? goUp(now) : .none
  }

  /// An active check failed or timed out.
  public mutating func checkFailed(at now: Instant) -> HealthChange {
    goodChecks = 0
    guard isUp else { return .none }
    failedChecks &+= 1
    return fallIfDue(now)
  }

  /// A request's connection was refused, reset or timed out before it was made.
  public mutating func connectFailed(at now: Instant) -> HealthChange {
    goodChecks = 0
    guard isUp else {
      changedAt = now
      return .none
    }
    failedConnects &+= 1
    return fallIfDue(now)
  }

  /// A request's connection was made.
  public mutating func connectSucceeded(at now: Instant) -> HealthChange {
    failedConnects = 0
    return isUp || hasActiveChecks ? .none : goUp(now)
  }

  /// Whether an attempt may be made: it is up, or it has no active checks and has been left alone for `cooldown`.
  public func mayTry(at now: Instant) -> Bool {
    isUp || (!hasActiveChecks && now - changedAt >= HealthState.cooldown)
  }

  /// As `mayTry(at:)`, and takes the one attempt that a backend which is down is due: the next is due `cooldown` later.
  public mutating func takeTrial(at now: Instant) -> Bool {
    guard mayTry(at: now) else { return false }
    if !isUp { changedAt = now }
    return true
  }

  private mutating func fallIfDue(_ now: Instant) -> HealthChange {
    guard failedChecks &+ failedConnects >= fall else { return .none }
    isUp = false
    changedAt = now
    goodChecks = 0
    return .wentDown
  }

  private mutating func goUp(_ now: Instant) -> HealthChange {
    isUp = true
    changedAt = now
    failedChecks = 0
    failedConnects = 0
    goodChecks = 0
    return .wentUp
  }
}
