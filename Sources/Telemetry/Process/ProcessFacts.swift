import Glibc

/// What the kernel knows of the process: the usual `process_*` metrics. A fact it would not tell is `nil`.
public struct ProcessFacts: Sendable, Equatable {
  /// User and system CPU time in seconds.
  public var cpuSeconds: Double?
  /// Open file descriptors.
  public var openDescriptors: UInt64?
  /// File descriptors that may be open; `nil` is also unlimited.
  public var maximumDescriptors: UInt64?
  /// Virtual memory in bytes.
  public var virtualBytes: UInt64?
  /// Virtual memory that may be used, in bytes; `nil` is also unlimited.
  public var maximumVirtualBytes: UInt64?
  /// Resident memory in bytes.
  public var residentBytes: UInt64?
  /// When the process started, in seconds since 1970.
  public var startTime: Double?

  /// Nothing known.
  public init() {}

  /// The facts of this process now, from `/proc`.
  public static func current() -> ProcessFacts {
    var facts = ProcessFacts()
    let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
    if let status = text(of: "/proc/self/stat") {
      let booted = text(of: "/proc/stat").flatMap { bootTime(in: $0) }
      facts.readStatus(status, ticksPerSecond: ticks, pageSize: UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 1)), booted)
    }
    if let limits = text(of: "/proc/self/limits") {
      facts.maximumDescriptors = softLimit("Max open files", in: limits)
      facts.maximumVirtualBytes = softLimit("Max address space", in: limits)
    }
    facts.openDescriptors = descriptorCount()
    return facts
  }

  /// Takes the facts out of `/proc/self/stat`: the fields after the command's name, which may hold anything.
  mutating func readStatus(_ status: String, ticksPerSecond ticks: Double, pageSize: UInt64, _ booted: Double?) {
    guard let name = status.lastIndex(of: ")") else { return }
    let fields = status[status.index(after: name)...].split(whereSeparator: \.isWhitespace)
    guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]) else { return }
    cpuSeconds = (user + system) / ticks
    if let booted, let started = Double(fields[19]) { startTime = booted + started / ticks }
    virtualBytes = UInt64(fields[20])
    residentBytes = UInt64(fields[21]).map { $0 * pageSize }
  }

  /// The soft limit called `name` in `/proc/self/limits`.
  static func softLimit(_ name: String, in limits: String) -> UInt64? {
    guard let line = limits.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
    return line.dropFirst(name.count).split(separator: " ").first.flatMap { UInt64($0) }
  }

  /// When the machine was started, in seconds since 1970, in `/proc/stat`.
  static func bootTime(in text: String) -> Double? {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }) else { return nil }
    return Double(line.dropFirst(6))
  }

  private static func descriptorCount() -> UInt64? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count: UInt64 = 0
    while let entry = readdir(directory) {
      if entry.pointee.d_name.0 != 0x2E { count += 1 }
    }
    // One of them is the directory itself.
    return count - 1
  }

  private static func text(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < 4 << 20 {
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
