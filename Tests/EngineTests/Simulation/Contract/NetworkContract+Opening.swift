import Primitives
import Testing

@testable import Engine

/// Accepting and connecting.
extension ContractBench {
  mutating func acceptTellsThePeer<N: Network & ~Copyable>(_ network: inout N) throws {
    _ = peers.connectClient()
    try expect(.connectionsWait, of: 0, &network)
    var address = IPAddress(high: 1, low: 1)
    var port: UInt16 = 0
    guard case .opened = network.accept(0, token: Self.token, peer: &address, port: &port) else {
      throw Failure(text: "nothing to accept")
    }
    hold(address.isV4)
    hold(port != 0)
    guard case .none = network.accept(0, token: 9 << 32, peer: &address, port: &port) else {
      throw Failure(text: "one client was accepted twice")
    }
    try expect(.writable, &network)
  }

  mutating func listenersAreToldUntilAccepted<N: Network & ~Copyable>(_ network: inout N) throws {
    _ = peers.connectClient()
    _ = peers.connectClient()
    try expect(.connectionsWait, of: 0, &network)
    try expect(.connectionsWait, of: 0, &network)
    _ = try accept(&network, token: 1 << 32)
    try expect(.connectionsWait, of: 0, &network)
    _ = try accept(&network, token: 2 << 32)
    hold(silence(of: 0, &network).isEmpty)
  }

  mutating func acceptingCanRest<N: Network & ~Copyable>(_ network: inout N) throws {
    network.setAccepting(false)
    _ = peers.connectClient()
    hold(silence(of: 0, &network).isEmpty)
    network.setAccepting(true)
    try expect(.connectionsWait, of: 0, &network)
  }

  mutating func connectSucceeds<N: Network & ~Copyable>(_ network: inout N) throws {
    guard case .opened(let socket) = network.connect(to: peers.backend, token: Self.token) else {
      throw Failure(text: "not opened")
    }
    let kinds = try expect(.writable, &network)
    hold(!kinds.contains(.broken))
    hold(network.isConnected(socket))
    let peer = try #require(peers.acceptBackend())
    hold(count(network.send(socket, [1, 2, 3], 3)) == 3)
    hold(read(peer, 3, &network).bytes == [1, 2, 3])
    hold(peers.send(peer, [4, 5]) == 2)
    try expect(.readable, &network)
    hold(receive(socket, &network).bytes == [4, 5])
    network.close(socket, resetting: false)
  }

  mutating func connectIsRefused<N: Network & ~Copyable>(_ network: inout N) throws {
    switch network.connect(to: peers.refusing, token: Self.token) {
    case .failed: return
    case .opened(let socket):
      for _ in 0..<1_000 where (told[Self.token] ?? []).isDisjoint(with: [.writable, .broken]) { look(&network) }
      hold(told[Self.token]?.isDisjoint(with: [.writable, .broken]) == false)
      hold(!network.isConnected(socket))
      network.close(socket, resetting: false)
    case .none, .exhausted: throw Failure(text: "neither opened nor failed")
    }
  }
}
