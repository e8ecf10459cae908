import CLinux

/// Facts of the machine and limits of the process.
public enum Machine {
  /// CPUs that this process may use.
  public static var cpuCount: Int { Int(linux_affinity_count()) }

  /// Descriptors that this process may open; raises the soft limit to the hard one.
  public static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(files, &limit) == 0 else { return 1024 }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(files, &limit)
    _ = getrlimit(files, &limit)
    return Int(min(limit.rlim_cur, 1 << 30))
  }

  /// How much the calling thread gives way to others: 0 by default, 19 at most.
  public static var niceness: Int32 { linux_niceness() }

  /// Gives memory that was freed back to the system. Takes milliseconds where much is held.
  public static func giveBackMemory() { linux_trim() }

  /// Has the thread sleep.
  public static func rest(nanoseconds: Int64) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    _ = nanosleep(&time, nil)
  }

  /// Has the kernel prefer all other threads to the calling one from now on.
  public static func standBack() { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }

  /// `count` (at most 256) bytes of the kernel's randomness.
  public static func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    precondition(count <= 256 && getrandom(&bytes, count, 0) == count, "the kernel gives no randomness")
    return bytes
  }

  /// 64 bits of the kernel's randomness.
  public static func randomNumber() -> UInt64 {
    randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
