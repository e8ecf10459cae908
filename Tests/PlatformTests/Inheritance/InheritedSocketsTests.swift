import Platform
import Primitives
import Testing

@Suite struct InheritedSocketsTests {
  private static let loopback = Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: 0)

  private func listener(_ use: InheritedSockets.Use?, _ endpoint: Endpoint, _ socket: Int32)
    -> InheritedSockets.Listener
  {
    InheritedSockets.Listener(use: use, endpoint: endpoint, bound: endpoint, sockets: [socket], isForeign: false)
  }

  @Test func eachIsTakenOnceByWhoHadIt() {
    let (place, other) = (InheritedSocketsTests.loopback, Endpoint.unix("/run/other"))
    let sockets = InheritedSockets([
      listener(.metrics, place, 1), listener(.clients, place, 2), listener(.clients, place, 3),
      listener(.admin, other, 4),
    ])
    #expect(sockets.take(place, for: .clients)?.sockets == [2])
    #expect(sockets.take(place, for: .clients)?.sockets == [3])
    #expect(sockets.take(place, for: .clients) == nil)
    #expect(sockets.take(place, for: .metrics)?.sockets == [1])
    #expect(sockets.take(other, for: .clients) == nil)
    #expect(sockets.takeRest().map(\.sockets) == [[4]])
    #expect(sockets.takeRest().isEmpty)
  }

  @Test func whatNobodyHadIsForWhoeverHasTheAddress() {
    let any = IPAddress(high: 0, low: 0)
    let sockets = InheritedSockets([listener(nil, .tcp(any, port: 80), 1), listener(nil, .unix("/run/a"), 2)])
    #expect(sockets.take(.anyAddress(port: 81), for: .clients) == nil)
    #expect(sockets.take(.anyAddress(port: 80), for: .clients)?.sockets == [1])
    #expect(sockets.take(.unix("/run/a"), for: .admin)?.sockets == [2])
  }

  @Test(arguments: [
    [:], ["LISTEN_FDS": "1"], ["LISTEN_FDS": "1", "LISTEN_PID": "8"], ["LISTEN_FDS": "0", "LISTEN_PID": "7"],
    ["LISTEN_FDS": "-1", "LISTEN_PID": "7"], ["LISTEN_FDS": "99999999", "LISTEN_PID": "7"],
    ["LISTEN_FDS": "x", "LISTEN_PID": "7"],
  ])
  func whatIsMeantForNobodyIsNotTaken(environment: [String: String]) {
    #expect(InheritedSockets.activated(environment, process: 7).isEmpty)
  }

  @Test func addressesOfSocketsAreRead() throws {
    let socket = try Socket.listen(on: InheritedSocketsTests.loopback)
    defer { Socket.close(socket, resetting: false) }
    let address = Socket.localAddress(of: socket)
    #expect(address.endpoint == .tcp(IPAddress(v4: 0x7F00_0001), port: address.port) && address.path == nil)
    #expect(SocketAddress(.unix("/run/a.sock"))?.endpoint == .unix("/run/a.sock"))
  }
}
