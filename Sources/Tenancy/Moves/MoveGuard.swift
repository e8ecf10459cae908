/// What was counted of requests: how many, how many failed, and in how long 99 of 100 were answered.
public struct MoveSample: Sendable, Equatable {
  /// Requests answered.
  public var requests: UInt64
  /// Those of them answered with 5xx.
  public var errors: UInt64
  /// Nanoseconds; 0 when that is not known.
  public var p99: Int64

  /// A sample of these counts.
  public init(requests: UInt64 = 0, errors: UInt64 = 0, p99: Int64 = 0) {
    self.requests = requests
    self.errors = errors
    self.p99 = p99
  }
}

/// From where on a new shard fares worse than it may.
public struct MoveGuard: Sendable, Equatable {
  /// Requests before errors are judged.
  public static let leastRequests: UInt64 = 20
  /// Requests before time is.
  public static let leastForTime: UInt64 = 100

  /// Errors over those before, in millionths of all requests; `nil` is not looked at.
  public var errors: UInt64?
  /// Time over that before, in thousandths of it; `nil` is not looked at.
  public var p99: Int64?

  /// A guard of these margins.
  public init(errors: UInt64? = nil, p99: Int64? = nil) {
    self.errors = errors
    self.p99 = p99
  }

  /// Why the new shard fares worse than it may; `nil` when it does not, or too little is known.
  public func verdict(on now: MoveSample, base: MoveSample) -> String? {
    if let errors, now.requests >= MoveGuard.leastRequests {
      let before = base.requests > 0 ? base.errors * 1_000_000 / base.requests : 0
      let ratio = now.errors * 1_000_000 / now.requests
      if ratio > before + errors {
        return "guard: \(MoveGuard.percent(ratio)) of requests failed at the new shard, "
          + "\(MoveGuard.percent(before)) before"
      }
    }
    guard let p99, base.p99 > 0, base.requests >= MoveGuard.leastForTime, now.requests >= MoveGuard.leastForTime,
      now.p99 > base.p99 / 1000 * p99
    else { return nil }
    return "guard: p99 is \(MoveGuard.milliseconds(now.p99)) at the new shard, "
      + "\(MoveGuard.milliseconds(base.p99)) before"
  }

  private static func percent(_ millionths: UInt64) -> String {
    "\(millionths / 10_000).\(millionths / 1_000 % 10)%"
  }

  private static func milliseconds(_ nanoseconds: Int64) -> String {
    "\(nanoseconds / 1_000_000).\(nanoseconds / 100_000 % 10) ms"
  }
}
