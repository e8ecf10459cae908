import HTTP
import Primitives
import Synchronization

extension Worker where N: ~Copyable {
  /// One turn of the loop: waits for events or a deadline, then handles all there is.
  mutating func turn() {
    let count = network.wait(until: nextDeadline())
    readMail()
    for index in 0..<count { handle(network.event(index)) }
    runReady()
    runTimers()
    runGrants()
    if !framed.isEmpty { sendFrames() }
    bury()
    mailbox.turns.store(mailbox.turns.load(ordering: .relaxed) &+ 1, ordering: .releasing)
  }

  /// Turns until a drain has come to its end.
  mutating func run() {
    while !hasDrained { turn() }
    closeAll()
  }

  /// Whether a drain has come to its end.
  var hasDrained: Bool { isDraining && clientCount == 0 && exchanges.count == 0 }

  private func nextDeadline() -> Instant {
    if !ready.isEmpty { return .distantPast }
    let limits = min(nextPause, nextDelayed, nextByteCount)
    return min(timers.nextLook(), acceptsAgain, nextProbe, drainDeadline, limits)
  }

  private mutating func handle(_ event: NetworkEvent) {
    if event.kinds.contains(.connectionsWait) {
      // The event may be older than the listeners, which the control thread has just replaced.
      if Int(event.token) < network.listenerCount { acceptClients(Int(event.token)) }
      return
    }
    let slot = connections.slot(of: event.token)
    guard slot >= 0, connections[slot].pointee.socket >= 0 else { return }
    let connection = connections[slot]
    if !event.kinds.isDisjoint(with: [.readable, .peerEnded, .broken]) {
      connection.pointee.flags.insert(.readable)
      // A reset comes with the peer's end: only a receive can tell the two apart then.
      if event.kinds.contains(.broken) {
        connection.pointee.flags.insert(.isBroken)
        connection.pointee.flags.remove(.peerEnded)
      } else if event.kinds.contains(.peerEnded) {
        connection.pointee.flags.insert(.peerEnded)
      }
    }
    switch connection.pointee.role {
    case .client: clientEvent(slot, event.kinds)
    case .upstream: upstreamEvent(slot, event.kinds)
    case .probe: probeEvent(slot, event.kinds)
    case .alarm: break
    }
  }

  /// Has a connection looked at again before the next wait.
  mutating func makeReady(_ slot: Int32) {
    guard !connections[slot].pointee.flags.contains(.isReady) else { return }
    connections[slot].pointee.flags.insert(.isReady)
    ready.append(connections.handle(slot))
  }

  private mutating func runReady() {
    let count = ready.count
    guard count > 0 else { return }
    for index in 0..<count {
      let slot = connections.slot(of: ready[index])
      guard slot >= 0, connections[slot].pointee.socket >= 0 else { continue }
      connections[slot].pointee.flags.remove(.isReady)
      switch connections[slot].pointee.role {
      case .client: continueClient(slot)
      case .upstream: readUpstream(slot)
      case .probe: probeEvent(slot, .readable)
      case .alarm: break
      }
    }
    ready.removeSubrange(0..<count)
  }

  private mutating func runTimers() {
    let now = network.now
    while true {
      let slot = timers.takeDue(at: now, in: connections.base)
      guard slot >= 0 else { break }
      switch connections[slot].pointee.role {
      case .client: clientIsDue(slot)
      case .upstream: upstreamIsDue(slot)
      case .probe: endProbe(slot, succeeded: false)
      case .alarm: alarmIsDue(slot)
      }
    }
    if nextPause <= now { endPauses() }
    if nextDelayed <= now { endDelays() }
    if nextByteCount <= now { countAllBytes() }
    if acceptsAgain <= now { resumeAccepting() }
    if nextProbe <= now { startProbes() }
    if drainDeadline <= now { abandonClients() }
  }

  /// Sets when a connection is due.
  @inline(__always)
  mutating func setDeadline(_ slot: Int32, _ deadline: Instant) {
    timers.set(slot, to: deadline, in: connections.base)
  }

  /// Closes a connection's socket; its slot is freed at the end of the turn.
  mutating func closeConnection(_ slot: Int32, resetting: Bool) {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0 else { return }
    if connection.pointee.tenant >= 0, connection.pointee.role == .client { leaveConnection(slot) }
    let isStream = connection.pointee.flags.contains(.isStream)
    if connection.pointee.phase == .connecting, !isStream { noteHandshakeEnd(slot) }
    if !connection.pointee.flags.isDisjoint(with: .notHTTP1) { endHTTP2(slot) }
    if !isStream { network.close(connection.pointee.socket, resetting: resetting) }
    connection.pointee.socket = -1
    timers.remove(slot, in: connections.base)
    buffers.giveBack(&connection.pointee.input)
    buffers.giveBack(&connection.pointee.output)
    deadConnections.append(slot)
  }

  private mutating func bury() {
    for slot in deadConnections { connections.remove(slot) }
    deadConnections.removeAll(keepingCapacity: true)
    for slot in deadExchanges { exchanges.remove(slot) }
    deadExchanges.removeAll(keepingCapacity: true)
  }

  // MARK: - what the control thread asks

  private mutating func readMail() {
    if mailbox.hasNews { readNews() }
    let asked = mailbox.askedAt.load(ordering: .relaxed)
    if asked != 0 {
      mailbox.lag.store(max(0, network.now.nanoseconds - asked), ordering: .relaxed)
      mailbox.askedAt.store(0, ordering: .releasing)
    }
    let deadline = mailbox.drainDeadline.load(ordering: .relaxed)
    if deadline != 0 { startDraining(until: Instant(nanoseconds: deadline)) }
  }

  private mutating func readNews() {
    // Read before the blueprint: what a hold waits for is in the one that was left before it, or a newer one.
    let hasHoldNews = mailbox.takeHoldNews()
    if let next = mailbox.take() {
      adopt(next)
      if let sockets = mailbox.takeListeners() {
        listen(on: sockets)
        listenerProtocols = sockets.map(\.settings.protocols)
      }
    }
    if hasHoldNews || !held.isEmpty { followHolds() }
  }

  private mutating func adopt(_ next: BlueprintImage) {
    let headerCount = image.blueprint.bounds.headerCount
    let hasNewTables = image.tables !== next.tables
    let hasNewTrust = hasNewTables && image.blueprint.trust != next.blueprint.trust
    image = next
    view = ImageView(next)
    guard hasNewTables else {
      mailbox.generation.store(next.blueprint.generation, ordering: .releasing)
      return
    }
    if next.blueprint.bounds.headerCount > headerCount {
      parser = HeadParser(fieldCapacity: next.blueprint.bounds.headerCount)
    }
    adoptBackends()
    redistributeSlots()
    scheduleProbes()
    if hasNewTrust { refreshTrust() }
    mailbox.generation.store(next.blueprint.generation, ordering: .releasing)
  }

  private mutating func listen(on sockets: [ListenerSocket]) {
    guard !isDraining else { return }
    for listener in 0..<network.listenerCount { acceptClients(listener) }
    network.replaceListeners(sockets)
    if !isAccepting { network.setAccepting(false) }
  }

  private mutating func startDraining(until deadline: Instant) {
    if !isDraining {
      // Who has connected by now is still served.
      for listener in 0..<network.listenerCount { acceptClients(listener) }
      isDraining = true
      isAccepting = false
      network.closeListeners()
      acceptsAgain = .distantFuture
      nextProbe = .distantFuture
      closeIdleClients()
      mailbox.isDraining.store(true, ordering: .releasing)
    }
    drainDeadline = deadline
  }

  /// Closes what is left when the worker ends.
  mutating func closeAll() {
    var open: [Int32] = []
    connections.forEachSlot { open.append($0) }
    for slot in open { closeConnection(slot, resetting: false) }
    bury()
    mailbox.hasEnded.store(true, ordering: .releasing)
  }
}
