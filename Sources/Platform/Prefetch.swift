import CLinux

/// Memory that will be needed soon.
public enum Prefetch {
  /// Has the cache line at an address fetched; a hint that costs nothing when the line is there and never fails.
  public static func line(_ address: UnsafeRawPointer) { linux_prefetch(address) }

  /// Has three lines fetched at once.
  public static func lines(_ first: UnsafeRawPointer, _ second: UnsafeRawPointer, _ third: UnsafeRawPointer) {
    linux_prefetch(first)
    linux_prefetch(second)
    linux_prefetch(third)
  }
}
