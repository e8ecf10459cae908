import CLinux

extension Machine {
  /// Bytes of memory that this process may use: what its control group allows, or all there is.
  public static var memoryBound: Int64 {
    let all = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    let bounds = groups.compactMap { firstNumber(of: $0, field: 0) }.filter { $0 > 0 }
    return bounds.reduce(all, min)
  }

  /// Bytes of memory that this process has in use.
  public static var residentMemory: Int64 {
    (firstNumber(of: "/proc/self/statm", field: 1) ?? 0) * Int64(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// The number in a place of a file's first line.
  private static func firstNumber(of path: String, field: Int) -> Int64? {
    let descriptor = linux_open(path, O_RDONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { bytes in
      let count = read(descriptor, bytes.baseAddress!, bytes.count)
      guard count > 0 else { return nil }
      let fields = bytes[..<count].split { $0 == 0x20 || $0 == 0x0A }
      return field < fields.count ? Int64(String(decoding: fields[field], as: UTF8.self)) : nil
    }
  }
}
