import CLinux
public import Primitives

/// The machine's clocks.
public enum Clock {
  /// The monotonic clock.
  public static func now() -> Instant { Instant(nanoseconds: linux_now(CLOCK_MONOTONIC)) }

  /// Nanoseconds since 1970; may jump.
  public static func wall() -> Int64 { linux_now(CLOCK_REALTIME) }
}
