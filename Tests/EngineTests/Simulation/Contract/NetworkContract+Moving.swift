import Primitives
import Testing

@testable import Engine

/// Moving bytes.
extension ContractBench {
  mutating func anEdgeIsToldOnce<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(silence(&network).isEmpty)
    hold(peers.send(peer, [1]) == 1)
    try expect(.readable, &network)
    hold(silence(&network).isEmpty, "told again though nothing changed")
    hold(peers.send(peer, [2]) == 1)
    try expect(.readable, &network)
    hold(receive(socket, &network).bytes == [1, 2])
    hold(isBlocked(receive(socket, &network).outcome))
  }

  mutating func aShortReceiveMeansNoMore<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(peers.send(peer, Array(0..<100)) == 100)
    try expect(.readable, &network)
    look(&network)
    hold(receive(socket, &network, capacity: 64).bytes == Array(0..<64))
    hold(receive(socket, &network, capacity: 64).bytes == Array(64..<100))
    hold(isBlocked(receive(socket, &network).outcome))
    told[Self.token] = nil
    hold(peers.send(peer, [7]) == 1)
    try expect(.readable, &network)
    hold(receive(socket, &network).bytes == [7])
  }

  mutating func aShortSendIsToldOn<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    let piece = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
    var sent: [UInt8] = []
    while true {
      let count = count(network.send(socket, piece, piece.count))
      sent += piece[0..<count]
      if count < piece.count { break }
    }
    // Until the peer reads, what was sent may still move on its way; after that there is silence.
    var idleLooks = 0
    for _ in 0..<3_000 where idleLooks < 3 {
      look(&network)
      let more = count(network.send(socket, piece, piece.count))
      sent += piece[0..<more]
      idleLooks = more == 0 ? idleLooks + 1 : 0
    }
    hold(isBlocked(network.send(socket, piece, piece.count)))
    hold(!silence(&network).contains(.writable))
    var bytes: [UInt8] = []
    for _ in 0..<100_000 where (told[Self.token] ?? []).isDisjoint(with: .writable) {
      if case .bytes(let more) = peers.receive(peer) { bytes += more } else { look(&network) }
    }
    hold(told[Self.token]?.contains(.writable) == true)
    let count = count(network.send(socket, [1, 2, 3], 3))
    hold(count > 0)
    sent += [1, 2, 3].prefix(count)
    bytes += read(peer, sent.count - bytes.count, &network).bytes
    hold(bytes == sent)
  }

  mutating func twoRunsGoInOrder<N: Network & ~Copyable>(_ network: inout N) throws {
    let (peer, socket) = try accepted(&network)
    hold(count(network.send(socket, [1, 2], 2, [3, 4, 5], 3)) == 5)
    hold(read(peer, 5, &network).bytes == [1, 2, 3, 4, 5])
    let first = [UInt8](repeating: 1, count: 300_000)
    let second = [UInt8](repeating: 2, count: 300_000)
    var left = 600_000
    var bytes: [UInt8] = []
    for _ in 0..<100_000 where left > 0 {
      let skipped = min(300_000, 600_000 - left)
      let rest = Array(first.dropFirst(skipped))
      let tail = Array(second.dropFirst(600_000 - left - skipped))
      switch network.send(socket, rest, rest.count, tail, tail.count) {
      case .bytes(let count): left -= count
      case .wouldBlock: bytes += read(peer, 1, &network).bytes
      case .end, .piece, .failed: throw Failure(text: "the send failed")
      }
    }
    bytes += read(peer, 600_000 - bytes.count, &network).bytes
    hold(bytes == first + second)
  }
}
