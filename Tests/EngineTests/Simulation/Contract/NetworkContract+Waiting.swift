import Primitives
import Testing

@testable import Engine

/// Time, waiting, and listeners that come and go.
extension ContractBench {
  mutating func timeGoesOn<N: Network & ~Copyable>(_ network: inout N) throws {
    let (start, wall) = (network.now, network.wallClock())
    for _ in 0..<1_000 where network.now == start { network.refreshClock() }
    hold(network.now > start)
    hold(wall > 1_500_000_000 * .second)
    hold(network.wallClock() >= wall)
  }

  mutating func aWaitEndsAtItsDeadline<N: Network & ~Copyable>(_ network: inout N) throws {
    network.refreshClock()
    let deadline = network.now.advanced(by: 3 * .millisecond)
    var count = 0
    for _ in 0..<100 where network.now < deadline {
      count += network.wait(until: deadline)
      peers.settle()
      network.refreshClock()
    }
    hold(count == 0)
    // One that has passed is no wait at all.
    hold(network.wait(until: .distantPast) == 0)
  }

  mutating func aCallEndsAWait<N: Network & ~Copyable>(_ network: inout N) throws {
    peers.wake()
    try expect(.woken, of: .max, &network)
    hold(silence(of: .max, &network).isEmpty)
  }

  mutating func listenersMayBeReplaced<N: Network & ~Copyable>(_ network: inout N) throws {
    hold(network.listenerCount == 1)
    network.replaceListeners(peers.listeners.map { ListenerSocket($0) })
    hold(network.listenerCount == 2)
    _ = peers.connectClient(1)
    try expect(.connectionsWait, of: 1, &network)
    hold(isOpened(listener: 1, &network))
    network.replaceListeners([ListenerSocket(peers.listeners[1])])
    hold(network.listenerCount == 1)
    // The second is now the first.
    _ = peers.connectClient(1)
    try expect(.connectionsWait, of: 0, &network)
    hold(isOpened(listener: 0, &network))
  }

  mutating func aListenerThatStaysKeepsWhoWaits<N: Network & ~Copyable>(_ network: inout N) throws {
    _ = peers.connectClient()
    try expect(.connectionsWait, of: 0, &network)
    network.replaceListeners(peers.listeners.reversed().map { ListenerSocket($0) })
    try expect(.connectionsWait, of: 1, &network)
    hold(isOpened(listener: 1, &network))
  }

  mutating func closedListenersAcceptNobody<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    network.closeListeners()
    hold(network.listenerCount == 0)
    // Other workers, or another process, may have the same listener still.
    _ = peers.connectClient()
    hold(silence(of: 0, &network).isEmpty)
    // Who was let in stays.
    hold(count(network.send(socket, [1], 1)) == 1)
    hold(read(peer, 1, &network).bytes == [1])
  }

  private func isOpened<N: Network & ~Copyable>(listener: Int, _ network: inout N) -> Bool {
    var (address, port) = (IPAddress(high: 0, low: 0), UInt16(0))
    if case .opened = network.accept(listener, token: 7 << 32, peer: &address, port: &port) { return true }
    return false
  }
}
