import Glibc
import Platform

/// Tells the service manager how the process is doing, by the protocol of `sd_notify(3)`.
///
/// Does nothing when the process was not started by one; what can't be delivered is dropped.
public struct Notifier: Sendable {
  /// Bytes of a status text; the rest is cut off.
  static let statusBound = 512

  private let address: [UInt8]
  private let isWatched: Bool

  /// A notifier for the socket that `$NOTIFY_SOCKET` names: a path, or `@name` in the abstract namespace.
  public init(environment: [String: String]) {
    let name = Array((environment["NOTIFY_SOCKET"] ?? "").utf8)
    let isUsable = name.count > 1 && name.count <= 107 && (name[0] == UInt8(ascii: "/") || name[0] == UInt8(ascii: "@"))
    address = isUsable ? name : []
    // `$WATCHDOG_PID` is not looked at: it names the process that the manager has started, not those that take its place.
    isWatched = environment["WATCHDOG_USEC"].flatMap { UInt64($0) } ?? 0 > 0
  }

  /// Whether somebody listens.
  public var isActive: Bool { !address.isEmpty }

  /// Start-up, or a reload, is complete.
  public func ready(status: String) { send("READY=1\n" + line(status)) }

  /// A reload has begun.
  public func reloading() {
    send("RELOADING=1\nMONOTONIC_USEC=\(Clock.now().nanoseconds / 1_000)\n" + line("reloading"))
  }

  /// The process is about to stop.
  public func stopping(status: String = "draining") { send("STOPPING=1\n" + line(status)) }

  /// Another process is the main one of the service by now.
  public func mainProcess(_ id: Int32) { send("MAINPID=\(id)\n") }

  /// The process is alive; only told if the service manager asks for it (`$WATCHDOG_USEC`).
  public func beat() { if isWatched { send("WATCHDOG=1\n") } }

  /// What the process is doing, for people.
  public func status(_ text: String) { send(line(text)) }

  private func line(_ status: String) -> String {
    let cut = String(decoding: status.utf8.prefix(Notifier.statusBound), as: UTF8.self)
    return "STATUS=" + cut.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
  }

  private func send(_ message: String) {
    guard isActive else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { _ = close(descriptor) }
    var patience = timeval(tv_sec: 2, tv_usec: 0)
    _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
    withUnsafeMutableBytes(of: &target) { bytes in
      bytes.baseAddress!.advanced(by: start).copyMemory(from: address, byteCount: address.count)
      if address[0] == UInt8(ascii: "@") { bytes[start] = 0 }
    }
    // An abstract name ends with the length; a path may, too.
    let length = socklen_t(start + address.count)
    let bytes = Array(message.utf8)
    withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
  }
}
