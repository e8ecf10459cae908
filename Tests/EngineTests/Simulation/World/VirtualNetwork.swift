import Primitives

@testable import Engine

/// The network of one worker in a virtual world.
///
/// Tells exactly what edge-triggered epoll tells on Linux: a change lists the socket once, and a listed socket is told
/// with all that holds when it is told, which may be less than what changed, but never nothing.
struct VirtualNetwork: ~Copyable, Network {
  let world: World
  let state: NetworkState
  private(set) var now: Instant
  private var batch: [NetworkEvent] = []
  /// What is wrong with it on purpose.
  var flaw: Flaw?

  init(_ world: World, listeners: Int) {
    self.world = world
    state = world.addNetwork(listeners: listeners)
    now = world.now
  }

  mutating func refreshClock() {
    world.pass(Int64(world.random.below(2_000)))
    now = world.now
  }

  func wallClock() -> Int64 { world.now.nanoseconds + world.wallOffset }

  mutating func wait(until deadline: Instant) -> Int {
    now = world.now
    batch.removeAll(keepingCapacity: true)
    if state.isWoken {
      state.isWoken = false
      batch.append(NetworkEvent(token: .max, kinds: .woken))
    }
    if state.isAccepting {
      for (listener, waiting) in state.waiting.enumerated() where !waiting.isEmpty {
        batch.append(NetworkEvent(token: UInt64(listener), kinds: .connectionsWait))
      }
    }
    let bound = world.weather.batch
    while batch.count < bound, !state.ready.isEmpty {
      let link = state.ready.removeFirst()
      link.isListed = false
      var kinds = link.phase == .open ? link.told() : []
      if flaw == .takesResetsForEnds, !link.isFromClient { kinds.remove(.broken) }
      if !kinds.isEmpty { batch.append(NetworkEvent(token: link.token, kinds: kinds)) }
    }
    state.deadline = deadline
    state.isSettled = batch.isEmpty && state.ready.isEmpty
    return batch.count
  }

  func event(_ index: Int) -> NetworkEvent { batch[index] }

  mutating func accept(_ listener: Int, token: UInt64, peer: inout IPAddress, port: inout UInt16) -> OpenOutcome {
    // A worker that is told something by the operator does not look at its listeners first.
    if flaw == .dropsWaiting, batch.contains(where: { $0.kinds == .woken }) { return .none }
    guard let link = state.waiting[listener].first else { return .none }
    guard let descriptor = world.open(link) else { return .exhausted }
    state.waiting[listener].removeFirst()
    peer = link.address
    port = link.port
    link.open(descriptor, token)
    link.raise()
    return .opened(descriptor)
  }

  mutating func setAccepting(_ isAccepting: Bool) { state.isAccepting = isAccepting }

  mutating func closeListeners() {
    replaceListeners([])
  }

  mutating func replaceListeners(_ next: [ListenerSocket]) {
    let sockets = next.map(\.socket)
    let known = Dictionary(uniqueKeysWithValues: zip(state.sockets, state.waiting))
    for (socket, waiting) in zip(state.sockets, state.waiting) where !sockets.contains(socket) {
      if !waiting.isEmpty, state.isAccepting, world.openCount < world.descriptorBound {
        world.complain("seam: \(waiting.count) connections that wait were dropped with their listener")
      }
      for link in waiting { link.close(resetting: true) }
    }
    state.sockets = sockets
    state.waiting = sockets.map { known[$0] ?? [] }
  }

  var listenerCount: Int { state.sockets.count }

  mutating func connect(to backend: Int32, token: UInt64) -> OpenOutcome {
    let link = world.makeLink(state)
    guard let descriptor = world.open(link) else { return .exhausted }
    let greeting = server(of: backend)?.greet(link) ?? .refuse
    if case .refuseAtOnce = greeting {
      world.release(descriptor)
      return .failed
    }
    link.open(descriptor, token)
    link.beginConnect(greeting)
    return .opened(descriptor)
  }

  private func server(of backend: Int32) -> (any Server)? {
    guard flaw == .connectsAnywhere, let origin = world.servers[backend] as? Origin else {
      return world.servers[backend]
    }
    let alike = world.servers.keys.sorted().filter { (world.servers[$0] as? Origin)?.shard == origin.shard }
    return world.servers[world.random.pick(alike)]
  }

  mutating func isConnected(_ socket: Int32) -> Bool {
    guard let link = world.link(socket, of: state, "isConnected") else { return false }
    defer { link.hasError = false }
    return !link.hasError
  }

  mutating func receive(_ socket: Int32, into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TransferOutcome {
    guard let link = world.link(socket, of: state, "receive") else { return .failed }
    guard capacity > 0 else {
      world.complain("seam: receive without room")
      return .failed
    }
    link.nudge()
    let outcome = link.receive(into, capacity)
    if flaw == .takesResetsForEnds, !link.isFromClient, case .failed = outcome { return .end }
    return outcome
  }

  mutating func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome {
    send(socket, bytes, count, bytes, 0)
  }

  mutating func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    guard let link = world.link(socket, of: state, "send") else { return .failed }
    guard firstCount >= 0, secondCount >= 0, firstCount + secondCount > 0 else {
      world.complain("seam: send of nothing")
      return .failed
    }
    link.nudge()
    return link.send(first, firstCount, second, secondCount)
  }

  mutating func endSending(_ socket: Int32) {
    guard let link = world.link(socket, of: state, "endSending") else { return }
    link.endSending()
  }

  mutating func close(_ socket: Int32, resetting: Bool) {
    guard let link = world.link(socket, of: state, "close") else { return }
    if flaw == .forgetsSockets, link.isFromClient, link.number % 3 == 0 { return }
    world.release(socket)
    link.close(resetting: resetting)
  }
}
