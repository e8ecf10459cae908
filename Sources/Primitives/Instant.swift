/// A moment on the monotonic clock, in nanoseconds since an origin that only its clock knows.
public struct Instant: Comparable, Hashable, Sendable, BitwiseCopyable {
  /// Nanoseconds since the clock's origin.
  public var nanoseconds: Int64

  /// The moment `nanoseconds` after the clock's origin.
  @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Earlier than every moment a clock tells.
  public static var distantPast: Instant { Instant(nanoseconds: .min / 2) }

  /// Later than every moment a clock tells.
  public static var distantFuture: Instant { Instant(nanoseconds: .max / 2) }

  /// The moment `nanoseconds` later.
  @inlinable public func advanced(by nanoseconds: Int64) -> Instant {
    Instant(nanoseconds: self.nanoseconds &+ nanoseconds)
  }

  /// The nanoseconds from `rhs` to `lhs`.
  @inlinable public static func - (lhs: Instant, rhs: Instant) -> Int64 { lhs.nanoseconds &- rhs.nanoseconds }

  /// Whether `lhs` comes before `rhs`.
  @inlinable public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
}

extension Int64 {
  /// A microsecond, in nanoseconds.
  @inlinable public static var microsecond: Int64 { 1_000 }
  /// A millisecond, in nanoseconds.
  @inlinable public static var millisecond: Int64 { 1_000_000 }
  /// A second, in nanoseconds.
  @inlinable public static var second: Int64 { 1_000_000_000 }
}
