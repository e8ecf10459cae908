import Primitives
import Synchronization

extension Worker where N: ~Copyable {
  /// Accepts what waits at a listener, up to a bound; the poller tells again of the rest.
  mutating func acceptClients(_ listener: Int) {
    guard process.overload == .none else { return restAccepting() }
    var taken = 0
    while taken < Limit.acceptsInTurn, isAccepting {
      let slot = connections.insert(Connection(socket: -1, role: .client, phase: .idle))
      guard slot >= 0 else { return restAccepting() }
      let connection = connections[slot]
      let outcome = network.accept(
        listener, token: connections.handle(slot), peer: &connection.pointee.address, port: &connection.pointee.port)
      guard case .opened(let socket) = outcome else {
        connections.remove(slot)
        if case .exhausted = outcome {
          isExhausted = true
          restAccepting()
        }
        if case .failed = outcome, taken < Limit.acceptsInTurn {
          taken += 1
          continue
        }
        return
      }
      taken += 1
      connection.pointee.socket = socket
      if network.redirects(listener) { connection.pointee.flags.insert(.redirects) }
      let protocols = listener < listenerProtocols.count ? listenerProtocols[listener] : .http1
      if protocols == .http2 { connection.pointee.flags.insert(.isHTTP2Only) }
      welcome(slot)
      if protocols != .http1 { expectHTTP2(slot, protocols) }
    }
  }

  private mutating func welcome(_ slot: Int32) {
    let connection = connections[slot]
    clientCount += 1
    mine[WorkerPlace.idleConnections].add()
    if view.trusts(connection.pointee.address) { connection.pointee.flags.insert(.isTrusted) }
    let isOpening = network.isOpening(connection.pointee.socket)
    if isOpening { connection.pointee.phase = .connecting }
    setDeadline(slot, network.now.advanced(by: isOpening ? view.timeouts.header : view.timeouts.keepAlive))
    let all = process.connections.add(1, ordering: .relaxed).newValue
    if all > view.bounds.connections {
      connection.pointee.flags.insert(.isSurplus)
      if all >= view.bounds.connections + Limit.surplusConnections { restAccepting() }
      // A handshake only to say no would cost more than it is worth.
      if isOpening { closeClient(slot, resetting: false) } else { refuseSurplus(slot) }
    }
  }

  /// A client's handshake is through: false when it is not, or when the client was closed.
  mutating func takeOpened(_ slot: Int32) -> Bool {
    let connection = connections[slot]
    guard !network.isOpening(connection.pointee.socket) else { return false }
    connection.pointee.phase = .idle
    if network.isSecure(connection.pointee.socket) {
      connection.pointee.flags.insert(.isSecure)
      mine[network.isResumed(connection.pointee.socket) ? WorkerPlace.resumed : WorkerPlace.handshakes].add()
      // What the handshake agreed on, not the first bytes.
      connection.pointee.flags.remove(.choosesProtocol)
      if network.strictTransport(connection.pointee.socket).count > 0 { connection.pointee.flags.insert(.isStrict) }
      if network.hasAgreedOnHTTP2(connection.pointee.socket) { startHTTP2(slot) }
    } else if connection.pointee.flags.contains(.isHTTP2Only) {
      startHTTP2(slot)
    }
    network.takeAnnounced(
      connection.pointee.socket, peer: &connection.pointee.address, port: &connection.pointee.port)
    if view.trusts(connection.pointee.address) {
      connection.pointee.flags.insert(.isTrusted)
    } else {
      connection.pointee.flags.remove(.isTrusted)
    }
    setDeadline(slot, network.now.advanced(by: isDraining ? Limit.linger : view.timeouts.keepAlive))
    return true
  }

  /// Stops accepting for a while: descriptors or slots have run out, or the bound on connections is well passed.
  private mutating func restAccepting() {
    setAccepting(false)
    acceptsAgain = network.now.advanced(by: Limit.acceptRest)
  }

  /// Accepts again after a rest.
  mutating func resumeAccepting() {
    acceptsAgain = .distantFuture
    guard !isDraining else { return }
    let isFull = process.connections.load(ordering: .relaxed) >= view.bounds.connections + Limit.surplusConnections
    if isFull || isExhausted || process.isShortOfDescriptors.load(ordering: .relaxed) { partFromIdle() }
    isExhausted = false
    if isFull || process.overload > .none { return restAccepting() }
    setAccepting(true)
  }

  /// Closes clients that are between two requests, some of those that have been for a while: others may wait to be let in.
  private mutating func partFromIdle() {
    let due = network.now.advanced(by: view.timeouts.keepAlive - Limit.idleAtLeast)
    var closed = 0
    for _ in 0..<min(Limit.idleLooks, Int(connections.extent)) where closed < Limit.idleParted {
      idleCursor = idleCursor + 1 < connections.extent ? idleCursor + 1 : 0
      let connection = connections[idleCursor]
      guard connection.pointee.socket >= 0, connection.pointee.role == .client,
        connection.pointee.timer.deadline <= due, !connection.pointee.flags.contains(.isStream)
      else { continue }
      if connection.pointee.flags.contains(.isHTTP2) {
        let session = connection.pointee.http2!
        guard session.pointee.machine.streamCount == 0, !session.pointee.isPartial else { continue }
        connectionIsDue(idleCursor)
      } else {
        guard hasNothingToAsk(idleCursor) else { continue }
        closeClient(idleCursor, resetting: false)
      }
      closed += 1
    }
    mine[WorkerPlace.idleParted].add(UInt64(closed))
  }

  /// Tells the network whether listeners matter.
  mutating func setAccepting(_ accepting: Bool) {
    guard accepting != isAccepting else { return }
    isAccepting = accepting
    network.setAccepting(accepting)
  }

  /// Closes a client's connection and counts it out; its exchange, if any, must have ended.
  mutating func closeClient(_ slot: Int32, resetting: Bool) {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0 else { return }
    assert(connection.pointee.exchange < 0, "a client closed under its exchange")
    if connection.pointee.flags.contains(.isStream) { return closeStream(slot) }
    if connection.pointee.flags.contains(.isHTTP2) { abandonStreams(slot) }
    if connection.pointee.phase == .connecting, network.isSecure(connection.pointee.socket) {
      mine[WorkerPlace.failedHandshakes].add()
    }
    setActive(slot, false)
    mine[WorkerPlace.idleConnections].subtract()
    clientCount -= 1
    _ = process.connections.subtract(1, ordering: .relaxed)
    closeConnection(slot, resetting: resetting)
  }

  /// Counts a client as having a request in flight, or not.
  @inline(__always)
  mutating func setActive(_ slot: Int32, _ isActive: Bool) {
    let connection = connections[slot]
    guard connection.pointee.flags.contains(.isActive) != isActive else { return }
    if isActive {
      connection.pointee.flags.insert(.isActive)
      mine[WorkerPlace.activeConnections].add()
      mine[WorkerPlace.idleConnections].subtract()
    } else {
      connection.pointee.flags.remove(.isActive)
      mine[WorkerPlace.activeConnections].subtract()
      mine[WorkerPlace.idleConnections].add()
    }
  }

  /// Asks anew which peers are trusted, after the list has changed.
  mutating func refreshTrust() {
    var slots: [Int32] = []
    connections.forEachSlot { slots.append($0) }
    for slot in slots where connections[slot].pointee.role == .client {
      let isTrusted = view.trusts(connections[slot].pointee.address)
      if isTrusted {
        connections[slot].pointee.flags.insert(.isTrusted)
      } else {
        connections[slot].pointee.flags.remove(.isTrusted)
      }
    }
  }

  /// Closes clients that wait between two requests: a drain has begun.
  mutating func closeIdleClients() {
    var slots: [Int32] = []
    connections.forEachSlot { slots.append($0) }
    for slot in slots where hasNothingToAsk(slot) {
      // To close on a request that is on its way would reset an answer that is on its way as well.
      if mailbox.drainsGently.load(ordering: .relaxed) {
        setDeadline(slot, network.now.advanced(by: Limit.linger))
      } else if network.now - connections[slot].pointee.headStarted < Limit.linger {
        partFrom(slot)
      } else {
        closeClient(slot, resetting: false)
      }
    }
    for slot in slots
    where connections[slot].pointee.flags.contains(.isHTTP2) && connections[slot].pointee.role == .client {
      startShutdown(slot)
    }
  }

  /// Whether a slot holds a client between two requests. One that has come by now is served, told or not: to close on it
  /// would reset it.
  private mutating func hasNothingToAsk(_ slot: Int32) -> Bool {
    guard isIdle(slot) else { return false }
    connections[slot].pointee.flags.insert(.readable)
    readClient(slot)
    return isIdle(slot)
  }

  /// Whether a slot holds a client that has sent nothing since its last answer, which it has in whole.
  private func isIdle(_ slot: Int32) -> Bool {
    let connection = connections[slot]
    return connection.pointee.socket >= 0 && connection.pointee.role == .client && connection.pointee.phase == .idle
      && !connection.pointee.input.isAllocated && !connection.pointee.output.isAllocated
      && !connection.pointee.flags.contains(.isHTTP2)
  }

  /// Ends what a drain waited for in vain.
  mutating func abandonClients() {
    drainDeadline = .distantFuture
    var slots: [Int32] = []
    connections.forEachSlot { slots.append($0) }
    for slot in slots where connections[slot].pointee.role == .client { abandonClient(slot) }
  }
}
