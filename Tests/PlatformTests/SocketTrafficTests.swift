import Foundation
import Platform
import Primitives
import Testing

@Suite struct SocketTrafficTests {
  /// A connected pair through a listener on a port the kernel chose, and that port.
  private func pair(_ endpoint: Endpoint, to host: IPAddress? = nil) throws -> (client: Int32, server: Int32) {
    let listener = try Socket.listen(on: endpoint)
    defer { Socket.close(listener, resetting: false) }
    var address = Socket.localAddress(of: listener)
    if case .unix = endpoint { address = try #require(SocketAddress(endpoint)) }
    if let host { address = try #require(SocketAddress(.tcp(host, port: address.port))) }
    let client = Socket.connect(to: &address)
    #expect(client >= 0)
    let poller = try Events()
    #expect(poller.addListener(listener, token: 1))
    #expect(poller.wait(milliseconds: 5_000) == 1)
    var peer = SocketAddress.empty.storage
    let server = Socket.accept(listener, &peer)
    #expect(server >= 0)
    return (client, server)
  }

  private func receive(_ socket: Int32, _ count: Int) throws -> [UInt8] {
    let poller = try Events()
    #expect(poller.add(socket, token: 1))
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count < count {
      let received = Socket.receive(socket, &buffer, buffer.count)
      if received > 0 { bytes += buffer.prefix(received) }
      if received == 0 { break }
      if received < 0 {
        try #require(Socket.wouldBlock)
        try #require(poller.wait(milliseconds: 5_000) == 1)
      }
    }
    return bytes
  }

  private func exchange(_ sockets: (client: Int32, server: Int32)) throws {
    defer { Socket.close(sockets.server, resetting: false) }
    #expect(Socket.error(of: sockets.client) == 0)
    #expect(Socket.send(sockets.client, Array("hello".utf8), 5) == 5)
    #expect(try receive(sockets.server, 5) == Array("hello".utf8))
    #expect(Socket.send(sockets.server, Array("good ".utf8), 5, Array("bye".utf8), 3) == 8)
    #expect(try receive(sockets.client, 8) == Array("good bye".utf8))
    var byte: UInt8 = 0
    #expect(Socket.receive(sockets.server, &byte, 1) == -1 && Socket.wouldBlock)
    Socket.endSending(sockets.client)
    #expect(try receive(sockets.server, 1) == [])
    Socket.close(sockets.client, resetting: false)
  }

  @Test func bytesGoBothWaysOverIPv4() throws {
    try exchange(pair(.tcp(IPAddress(v4: 0x7F00_0001), port: 0)))
  }

  @Test func bytesGoBothWaysOverAUnixSocket() throws {
    let path = NSTemporaryDirectory() + "gh-\(UInt64.random(in: 0 ... .max)).sock"
    defer { Socket.removePath(path) }
    try exchange(pair(.unix(path)))
  }

  @Test(.enabled(if: hasIPv6)) func bytesGoBothWaysOverIPv6() throws {
    try exchange(pair(.tcp(IPAddress(high: 0, low: 1), port: 0)))
  }

  @Test(.enabled(if: hasIPv6)) func anyAddressTakesBothFamilies() throws {
    for host in [IPAddress(v4: 0x7F00_0001), IPAddress(high: 0, low: 1)] {
      try exchange(pair(.anyAddress(port: 0), to: host))
    }
  }

  @Test func aPeerIsToldByItsAddress() throws {
    let listener = try Socket.listen(on: .tcp(IPAddress(v4: 0x7F00_0001), port: 0))
    var address = Socket.localAddress(of: listener)
    #expect(address.address == IPAddress(v4: 0x7F00_0001) && address.port != 0)
    let client = Socket.connect(to: &address)
    let poller = try Events()
    #expect(poller.addListener(listener, token: 1) && poller.wait(milliseconds: 5_000) == 1)
    var storage = SocketAddress.empty.storage
    let server = Socket.accept(listener, &storage)
    let peer = SocketAddress(storage: storage, length: 16)
    #expect(peer.address == IPAddress(v4: 0x7F00_0001) && peer.port == Socket.localAddress(of: client).port)
    for socket in [listener, client, server] { Socket.close(socket, resetting: false) }
  }

  @Test func aResetIsSeenByThePeer() throws {
    let sockets = try pair(.tcp(IPAddress(v4: 0x7F00_0001), port: 0))
    let poller = try Events()
    #expect(poller.addListener(sockets.server, token: 1))
    Socket.close(sockets.client, resetting: true)
    #expect(poller.wait(milliseconds: 5_000) == 1)
    var byte: UInt8 = 0
    #expect(Socket.receive(sockets.server, &byte, 1) == -1 && !Socket.wouldBlock)
    Socket.close(sockets.server, resetting: false)
  }

  @Test func nobodyAcceptsWhereNobodyListens() throws {
    let listener = try Socket.listen(on: .tcp(IPAddress(v4: 0x7F00_0001), port: 0))
    var address = Socket.localAddress(of: listener)
    Socket.close(listener, resetting: false)
    let client = Socket.connect(to: &address)
    guard client >= 0 else { return }
    let poller = try Events()
    #expect(poller.add(client, token: 1) && poller.wait(milliseconds: 5_000) == 1)
    #expect(Socket.error(of: client) != 0)
    Socket.close(client, resetting: false)
  }

  @Test func aSecondDescriptorIsTheSameSocket() throws {
    let listener = try Socket.listen(on: .tcp(IPAddress(v4: 0x7F00_0001), port: 0))
    let second = Socket.duplicate(listener)
    #expect(second >= 0 && second != listener)
    #expect(Socket.localAddress(of: second).port == Socket.localAddress(of: listener).port)
    Socket.close(listener, resetting: false)
    Socket.close(second, resetting: false)
  }

  @Test func aFileThatIsNoSocketStays() throws {
    let path = NSTemporaryDirectory() + "gh-\(UInt64.random(in: 0 ... .max)).txt"
    #expect(FileManager.default.createFile(atPath: path, contents: Data("keep".utf8)))
    defer { Socket.removePath(path) }
    #expect(throws: SystemError.self) {
      Socket.close(try Socket.listen(on: .unix(path)), resetting: false)
    }
    #expect(FileManager.default.contents(atPath: path) == Data("keep".utf8))
  }

  /// Whether this machine has a loopback of IPv6.
  private static let hasIPv6: Bool = {
    guard let listener = try? Socket.listen(on: .tcp(IPAddress(high: 0, low: 1), port: 0)) else { return false }
    Socket.close(listener, resetting: false)
    return true
  }()
}
