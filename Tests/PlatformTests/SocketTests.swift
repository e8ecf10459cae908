import Foundation
import Platform
import Primitives
import Testing

@Suite struct SocketTests {
  private let loopback = Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: 0)

  @Test func addressesKeepWhatTheySay() throws {
    let four = try #require(SocketAddress(.tcp(IPAddress(v4: 0x0A01_0203), port: 8080)))
    #expect(four.address == IPAddress(v4: 0x0A01_0203))
    #expect(four.port == 8080)
    let six = try #require(SocketAddress(.tcp(IPAddress(high: 0x2001_0DB8_0000_0000, low: 1), port: 443)))
    #expect(six.address == IPAddress(high: 0x2001_0DB8_0000_0000, low: 1))
    #expect(six.port == 443)
    #expect(SocketAddress(.unix(String(repeating: "x", count: 108))) == nil)
    #expect(SocketAddress(.unix("/tmp/a"))?.port == 0)
  }

  @Test func aPortInUseIsRefusedAndSharedAmongOwnOnly() throws {
    let first = try Socket.listen(on: loopback, sharedWithOthers: false)
    defer { Socket.close(first, resetting: false) }
    let bound = Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: Socket.localAddress(of: first).port)
    let second = try Socket.listen(on: bound, sharedWithOthers: true)
    Socket.close(second, resetting: false)
    #expect(throws: SystemError.self) { try Socket.listen(on: bound, sharedWithOthers: false) }
    #expect(throws: SystemError.self) { try Socket.listen(on: bound) }
  }

  @Test func aDeadUnixPathIsReplacedAndALiveOneIsNot() throws {
    let path = NSTemporaryDirectory() + "gh-\(UInt32.random(in: 0 ... .max)).sock"
    defer { Socket.removePath(path) }
    Socket.close(try Socket.listen(on: .unix(path)), resetting: false)
    let live = try Socket.listen(on: .unix(path))
    #expect(throws: SystemError.self) { try Socket.listen(on: .unix(path)) }
    Socket.close(live, resetting: false)
  }

  @Test func anyUserMayConnectToAUnixListener() throws {
    let path = NSTemporaryDirectory() + "gh-\(UInt32.random(in: 0 ... .max)).sock"
    let listener = try Socket.listen(on: .unix(path))
    defer {
      Socket.close(listener, resetting: false)
      Socket.removePath(path)
    }
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o666)
  }

  @Test func localhostHasAnAddress() {
    #expect(!NameService.addresses(of: "localhost").isEmpty)
    #expect(NameService.addresses(of: "no-such-host.invalid").isEmpty)
  }
}
