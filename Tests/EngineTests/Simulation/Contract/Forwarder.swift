import Primitives

@testable import Engine

/// The smallest plant: every client connection is joined to one backend, byte for byte, both ways.
///
/// Proves the simulator without the engine: what it forwards rightly must be found right, and each of its flaws found.
final class Forwarder: Plant {
  /// What it may do wrong on purpose.
  enum Flaw: CaseIterable {
    case none, crossesWires, forgetsShortSends, dropsBytes, leaksSockets, hoards, cutsEnds, spins, usesClosed
  }

  private struct Side {
    var socket: Int32
    var other: Int
    var waiting: [UInt8] = []
    var isReadable = false
    var hasEnd = false
    var hasSentEnd = false
    var isOpen = true
  }

  private var network: VirtualNetwork
  private var sides: [Side] = []
  private let backend: Int32
  private let flaw: Flaw
  private var now: Instant { network.now }
  var tellsFinished: Bool { false }

  init(_ world: World, backend: Int32, flaw: Flaw) {
    network = VirtualNetwork(world, listeners: 1)
    self.backend = backend
    self.flaw = flaw
  }

  func tell(_ stage: Stage) {}
  var mayReload: Bool { false }
  func reload(_ configuration: Configuration) {}

  func begin(_ move: PlannedMove) {}
  func drain(until deadline: Instant) {}
  var running: Int { 0 }

  func remains() -> Remains { Remains(sockets: network.world.openCount) }

  func turn(_ index: Int) {
    let count = network.wait(until: flaw == .spins ? .distantPast : .distantFuture)
    var touched: [Int] = []
    for place in 0..<count {
      let event = network.event(place)
      if event.kinds.contains(.connectionsWait) {
        accept()
        continue
      }
      let side = Int(event.token) - 1
      guard sides[side].isOpen else { continue }
      if event.kinds.contains(.readable) || event.kinds.contains(.peerEnded) { sides[side].isReadable = true }
      touched += [side, sides[side].other]
    }
    for side in touched { move(from: side) }
  }

  private func accept() {
    var peer = IPAddress(v4: 0)
    var port: UInt16 = 0
    let client = sides.count
    guard case .opened(let socket) = network.accept(0, token: UInt64(client + 1), peer: &peer, port: &port) else {
      return
    }
    guard case .opened(let upstream) = network.connect(to: backend, token: UInt64(client + 2)) else {
      return network.close(socket, resetting: true)
    }
    sides.append(Side(socket: socket, other: client + 1))
    sides.append(Side(socket: upstream, other: client))
  }

  private func move(from side: Int) {
    let bound = flaw == .hoards ? Int.max : 100_000
    var memory = [UInt8](repeating: 0, count: 70_000)
    while sides[side].isOpen {
      flush(side)
      guard sides[side].isOpen, sides[side].isReadable, sides[side].waiting.count < bound else { return }
      switch network.receive(sides[side].socket, into: &memory, capacity: memory.count) {
      case .bytes(let count), .piece(let count):
        var target = side
        if flaw == .crossesWires, side > 3, side % 2 == 1, sides[side - 2].isOpen { target = side - 2 }
        if flaw == .dropsBytes, count > 400 { memory[count - 1] &+= 1 }
        sides[target].waiting += memory[0..<count]
        if target != side { flush(target) }
      case .end:
        sides[side].hasEnd = true
        sides[side].isReadable = false
      case .wouldBlock: sides[side].isReadable = false
      case .failed: return closeBoth(side, resetting: flaw != .cutsEnds)
      }
    }
  }

  private func flush(_ side: Int) {
    let other = sides[side].other
    while sides[side].isOpen, !sides[side].waiting.isEmpty {
      let waiting = sides[side].waiting
      switch network.send(sides[other].socket, waiting, waiting.count) {
      case .bytes(let count): sides[side].waiting.removeFirst(flaw == .forgetsShortSends ? waiting.count : count)
      case .wouldBlock: return
      case .end, .piece, .failed: return closeBoth(side, resetting: true)
      }
    }
    guard sides[side].hasEnd, !sides[side].hasSentEnd, sides[side].isOpen else { return }
    sides[side].hasSentEnd = true
    if flaw == .cutsEnds { return closeBoth(side, resetting: false) }
    network.endSending(sides[other].socket)
    if sides[other].hasSentEnd, flaw != .leaksSockets { closeBoth(side, resetting: false) }
  }

  private func closeBoth(_ side: Int, resetting: Bool) {
    for place in [side, sides[side].other] where sides[place].isOpen {
      sides[place].isOpen = false
      network.close(sides[place].socket, resetting: resetting)
      if flaw == .usesClosed { network.endSending(sides[place].socket) }
    }
  }
}
