import Glibc
import Testing

@testable import Control

@Suite struct NotifierTests {
  /// A datagram socket such as the service manager has.
  private final class Listener {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

    init(_ name: [UInt8]) {
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
      var patience = timeval(tv_sec: 20, tv_usec: 0)
      _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(2 + name.count)) }
      }
      precondition(status == 0)
    }

    deinit { _ = close(descriptor) }

    func next() -> String {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &bytes, bytes.count, 0)
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
  }

  @Test func eachStepIsOneDatagram() {
    let directory = TestDirectory()
    let path = directory.path + "/notify"
    let listener = Listener(Array(path.utf8))
    let notifier = Notifier(environment: ["NOTIFY_SOCKET": path])
    #expect(notifier.isActive)
    notifier.ready(status: "serving 3 tenants")
    #expect(listener.next() == "READY=1\nSTATUS=serving 3 tenants\n")
    notifier.status("two\nlines")
    #expect(listener.next() == "STATUS=two lines\n")
    // Nobody asked for it.
    notifier.beat()
    notifier.mainProcess(42)
    #expect(listener.next() == "MAINPID=42\n")
    Notifier(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"]).beat()
    #expect(listener.next() == "WATCHDOG=1\n")
    notifier.stopping()
    #expect(listener.next() == "STOPPING=1\nSTATUS=draining\n")
  }

  @Test func aReloadCarriesTheMonotonicClock() throws {
    let directory = TestDirectory()
    let path = directory.path + "/notify"
    let listener = Listener(Array(path.utf8))
    var before = timespec()
    clock_gettime(CLOCK_MONOTONIC, &before)
    Notifier(environment: ["NOTIFY_SOCKET": path]).reloading()
    let lines = listener.next().split(separator: "\n")
    #expect(lines.first == "RELOADING=1")
    let time = try #require(
      lines.first { $0.hasPrefix("MONOTONIC_USEC=") }?.split(separator: "=").last.flatMap { Int($0) })
    #expect(time >= before.tv_sec * 1_000_000 && time < (before.tv_sec + 20) * 1_000_000)
  }

  @Test func abstractNamesWork() {
    let name = "gatehouse-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let listener = Listener([0] + Array(name.utf8))
    Notifier(environment: ["NOTIFY_SOCKET": "@" + name]).status("here")
    #expect(listener.next() == "STATUS=here\n")
  }

  @Test(arguments: ["", "relative", "/", "@", "vsock:2:1", "/" + String(repeating: "x", count: 107)])
  func whatIsNoSocketIsIgnored(name: String) {
    let notifier = Notifier(environment: ["NOTIFY_SOCKET": name])
    #expect(!notifier.isActive)
    notifier.ready(status: "")
  }

  @Test func nobodyThereIsNoError() {
    let notifier = Notifier(environment: ["NOTIFY_SOCKET": "/nonexistent/gatehouse/notify"])
    #expect(notifier.isActive)
    notifier.ready(status: "")
    #expect(!Notifier(environment: [:]).isActive)
  }
}
