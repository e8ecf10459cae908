import Glibc
import Primitives

/// A blocking client; every receive has 20 seconds, so that a fault shows as an answer that is missing.
final class TestClient {
  private let socket: Int32
  private var pending: [UInt8] = []

  init(_ endpoint: Endpoint) throws {
    switch endpoint {
    case .tcp(let address, let port) where address.isV4:
      socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var target = sockaddr_in()
      target.sin_family = sa_family_t(AF_INET)
      target.sin_port = port.bigEndian
      target.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
      try connect(&target)
    case .tcp(_, let port), .anyAddress(let port):
      socket = Glibc.socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
      var target = sockaddr_in6()
      target.sin6_family = sa_family_t(AF_INET6)
      target.sin6_port = port.bigEndian
      target.sin6_addr = in6addr_loopback
      try connect(&target)
    case .unix(let path):
      socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var target = sockaddr_un()
      target.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: path.utf8) }
      try connect(&target)
    }
  }

  deinit { _ = close(socket) }

  struct Failure: Error { var number: Int32 }

  private func connect<Address>(_ target: inout Address) throws {
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    _ = setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let status = withUnsafeMutablePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    if status != 0 { throw Failure(number: errno) }
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  func endSending() { _ = shutdown(socket, Int32(SHUT_WR)) }

  /// Everything until the server closes; `nil` if it does not, or resets.
  func receiveAll() -> String? {
    while true {
      let got = fill()
      if got < 0 { return nil }
      if got == 0 { return take(pending.count) }
    }
  }

  /// Exactly as many bytes as `text` has.
  func receive(as text: String) -> String? {
    while pending.count < text.utf8.count { if fill() <= 0 { return nil } }
    return take(text.utf8.count)
  }

  /// Everything up to and with `end`.
  func receive(through end: String) -> String? {
    let end = Array(end.utf8)
    while true {
      for at in 0..<max(0, pending.count - end.count + 1) where Array(pending[at..<at + end.count]) == end {
        return take(at + end.count)
      }
      if fill() <= 0 { return nil }
    }
  }

  private func fill() -> Int {
    var piece = [UInt8](repeating: 0, count: 4096)
    let got = recv(socket, &piece, piece.count, 0)
    if got > 0 { pending += piece[..<got] }
    return got
  }

  private func take(_ count: Int) -> String {
    defer { pending.removeFirst(count) }
    return String(decoding: pending.prefix(count), as: UTF8.self)
  }
}

extension Endpoint {
  /// A free port of the loopback address.
  static let loopback = Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: 0)
}

/// A directory that is gone when the value is.
final class TestDirectory {
  let path: String

  init() {
    var template = Array("/tmp/gatehouse-XXXXXX\0".utf8CString.map { $0 })
    path = String(cString: mkdtemp(&template))
  }

  deinit {
    for name in names { _ = unlink("\(path)/\(name)") }
    _ = rmdir(path)
  }

  var names: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
