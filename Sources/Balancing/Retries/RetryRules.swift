public import Primitives

/// How many attempts the requests of a shard may make beyond their first.
public struct RetryRules: Sendable, Hashable, BitwiseCopyable {
  /// Percent of the requests of the last `window` that may be retries, 0 ... 100.
  public var percent: Int32
  /// Retries of a `window` that are allowed whatever there was of requests, 0 ... 10,000,000.
  public var floor: Int64
  /// Attempts of one request, 1 ... 5.
  public var attempts: Int32

  /// `percent` of the requests and `floor` a window, and so many attempts each.
  public init(percent: Int32 = 20, floor: Int64 = 30, attempts: Int32 = 2) {
    self.percent = percent
    self.floor = floor
    self.attempts = attempts
  }

  /// Nanoseconds over which requests and retries are counted: ten ticks.
  public static var window: Int64 { ticks << tickBits }
  /// Ticks of a window, and the bits of a tick's nanoseconds: about a second.
  static let ticks: Int64 = 10
  static let tickBits: Int64 = 30

  /// The tick of a moment.
  @inlinable
  public static func tick(at now: Instant) -> Int64 { now.nanoseconds >> 30 }
}
