import Primitives
import Testing

@testable import Engine

/// Ends, resets and closing.
extension ContractBench {
  mutating func thePeerMayEndItsHalf<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(peers.send(peer, [1, 2]) == 2)
    peers.end(peer)
    let kinds = try expect([.readable, .peerEnded], &network)
    hold(!kinds.contains(.broken))
    hold(receive(socket, &network).bytes == [1, 2])
    hold(isEnd(receive(socket, &network).outcome))
    hold(isEnd(receive(socket, &network).outcome))
    hold(count(network.send(socket, [3], 1)) == 1)
    hold(read(peer, 1, &network).bytes == [3])
  }

  mutating func weMayEndOurHalf<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(count(network.send(socket, [1], 1)) == 1)
    network.endSending(socket)
    let reading = read(peer, 2, &network)
    hold(reading.bytes == [1])
    hold(reading.last == .end)
    hold(isFailed(network.send(socket, [1], 1)))
    hold(peers.send(peer, [2]) == 1)
    try expect(.readable, &network)
    hold(receive(socket, &network).bytes == [2])
  }

  mutating func bothEndsAreBroken<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    network.endSending(socket)
    hold(peers.send(peer, [2]) == 1)
    peers.end(peer)
    try expect([.readable, .peerEnded, .broken], &network)
    hold(receive(socket, &network).bytes == [2])
    hold(isEnd(receive(socket, &network).outcome))
  }

  mutating func aResetBreaks<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    peers.reset(peer)
    try expect([.readable, .broken], &network)
    hold(isFailed(receive(socket, &network).outcome))
    // The error is told once; after it the connection looks ended.
    hold(isEnd(receive(socket, &network).outcome))
    hold(isFailed(network.send(socket, [1], 1)))
  }

  mutating func bytesBeforeAResetAreRead<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(peers.send(peer, [1, 2]) == 2)
    try expect(.readable, &network)
    peers.reset(peer)
    try expect(.broken, &network)
    // A send takes the error away, so that the receive after it tells of an end that was none.
    hold(isFailed(network.send(socket, [1], 1)))
    hold(receive(socket, &network).bytes == [1, 2])
    hold(isEnd(receive(socket, &network).outcome))
  }

  mutating func aSendIsToldOfAReset<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    peers.reset(peer)
    try expect(.broken, &network)
    hold(isFailed(network.send(socket, [1], 1)))
    // Told once, and by a send: the receive knows nothing of it any more.
    hold(isEnd(receive(socket, &network).outcome))
  }

  mutating func aSendOfTwoRunsIsToldOfAReset<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    peers.reset(peer)
    try expect(.broken, &network)
    hold(isFailed(network.send(socket, [1], 1, [2], 1)))
    hold(isFailed(network.send(socket, [1], 1, [2], 1)))
  }

  mutating func aResetEndsAConnect<N: Network & ~Copyable>(_ network: inout N) throws {
    guard case .opened(let socket) = network.connect(to: peers.backend, token: Self.token) else {
      throw Failure(text: "not opened")
    }
    try expect(.writable, &network)
    let peer = try #require(peers.acceptBackend())
    peers.reset(peer)
    try expect(.broken, &network)
    hold(!network.isConnected(socket))
    network.close(socket, resetting: true)
  }

  mutating func closeIsSeen<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(count(network.send(socket, [1, 2], 2)) == 2)
    network.close(socket, resetting: false)
    let reading = read(peer, 3, &network)
    hold(reading.bytes == [1, 2])
    hold(reading.last == .end)
  }

  mutating func closeMayReset<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    network.close(socket, resetting: true)
    hold(read(peer, 1, &network).last == .reset)
  }

  mutating func closeWithUnreadBytesResets<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(peers.send(peer, [1]) == 1)
    try expect(.readable, &network)
    network.close(socket, resetting: false)
    hold(read(peer, 1, &network).last == .reset)
  }

  mutating func aClosedSocketIsSilent<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(peers.send(peer, [1]) == 1)
    try expect(.readable, &network)
    hold(receive(socket, &network).bytes == [1])
    network.close(socket, resetting: false)
    _ = peers.send(peer, [2])
    peers.end(peer)
    hold(silence(&network).isEmpty)
  }

  mutating func sendingToAClosedPeerBreaks<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    peers.close(peer)
    let kinds = try expect([.readable, .peerEnded], &network)
    hold(!kinds.contains(.broken))
    hold(count(network.send(socket, [1], 1)) == 1)
    try expect(.broken, &network)
    hold(isFailed(network.send(socket, [1], 1)))
  }
}
