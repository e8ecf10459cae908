import Balancing
import HTTP
import Primitives
import Synchronization

extension Worker where N: ~Copyable {
  /// Finds the exchange a connection to a backend: the preferred one, a pooled one, a new one; else refuses.
  ///
  /// - Parameters:
  ///   - failure: what became of the attempt before.
  ///   - isFree: whether that was none that a backend could notice: another takes nothing from any budget.
  mutating func openUpstream(_ id: Int32, after failure: RefusalCode = .connectFailed, isFree: Bool = false) {
    let exchange = exchanges[id]
    var isFree = isFree
    let most = exchange.pointee.flags.contains(.isWatched) ? Limit.mostAttempts : Limit.attempts
    while Int(exchange.pointee.attempts) < most {
      if exchange.pointee.backend < 0 { exchange.pointee.backend = pickBackend(exchange) }
      let backend = exchange.pointee.backend
      guard backend >= 0 else { break }
      if exchange.pointee.attempts > 0, exchange.pointee.flags.contains(.isWatched), !mayRetry(exchange, isFree: isFree)
      {
        break
      }
      isFree = false
      if exchange.pointee.flags.contains(.holdsSlot) { moveSlot(exchange, to: backend) }
      exchange.pointee.attempts += 1
      if exchange.pointee.attempts > 1 { counters.row(ofBackend: backend)[BackendPlace.retries].add() }
      exchange.pointee.attemptStarted = network.now
      if exchange.pointee.flags.contains(.toHTTP2) {
        switch openStream(id, backend) {
        case .opened: return
        case .exhausted: return answerFailure(id, .overloaded)
        case .none, .failed: noteConnectFailure(backend)
        }
        if exchange.pointee.flags.contains(.isWatched) { noteFailure(exchange) }
        avoid(backend, exchange)
        continue
      }
      let pooled = exchange.pointee.attempts == 1 ? takeUsable(backend, exchange) : -1
      if pooled >= 0 { return usePooled(id, pooled) }
      switch connect(id, backend) {
      case .opened: return
      case .exhausted: return answerFailure(id, .overloaded)
      case .none, .failed: noteConnectFailure(backend)
      }
      if exchange.pointee.flags.contains(.isWatched) { noteFailure(exchange) }
      avoid(backend, exchange)
    }
    answerFailure(id, exchange.pointee.attempts == 0 ? .noBackend : failure)
  }

  /// Leaves a backend out of the attempts that follow.
  func avoid(_ backend: Int32, _ exchange: UnsafeMutablePointer<Exchange>) {
    exchange.pointee.tried = (backend, exchange.pointee.tried.0)
    exchange.pointee.backend = -1
    if exchange.pointee.affinity == .kept {
      exchange.pointee.affinity = .rebound
      exchange.pointee.flags.insert(.setsCookie)
    }
  }

  /// Takes a pooled connection; for a request that must not be sent twice only one that was not closed meanwhile.
  private mutating func takeUsable(_ backend: Int32, _ exchange: UnsafeMutablePointer<Exchange>) -> Int32 {
    while true {
      let slot = takePooled(backend, for: exchange.pointee.tenant)
      if slot >= 0, connections[slot].pointee.flags.contains(.isHTTP2) {
        // It was pooled while its shard was spoken to in HTTP/2.
        retireBackend(slot)
        continue
      }
      guard slot >= 0, !exchange.pointee.flags.contains(.isReplayable) else { return slot }
      if receive(slot, nameScratch, 1) == 0 { return slot }
      closeConnection(slot, resetting: false)
    }
  }

  private mutating func usePooled(_ id: Int32, _ slot: Int32) {
    attach(id, slot)
    sendKept(id)
  }

  /// Gives a connection to an exchange.
  mutating func attach(_ id: Int32, _ slot: Int32) {
    exchanges[id].pointee.upstream = slot
    connections[slot].pointee.exchange = id
    counters.row(ofBackend: connections[slot].pointee.backend)[BackendPlace.active].add()
    startLoad(exchanges[id])
  }

  /// Opens a connection for an exchange.
  private mutating func connect(_ id: Int32, _ backend: Int32) -> OpenOutcome {
    let slot = connections.insert(Connection(socket: -1, role: .upstream, phase: .connecting))
    guard slot >= 0 else { return .exhausted }
    let connection = connections[slot]
    connection.pointee.backend = backend
    connection.pointee.tenant = exchanges[id].pointee.tenant
    let announces = shardEntry(exchanges[id].pointee.shard).map { $0.pointee.announcement != .none } ?? false
    let outcome =
      announces
      ? network.connect(to: backend, token: connections.handle(slot), saying: announcement(id))
      : network.connect(to: backend, token: connections.handle(slot))
    guard case .opened(let socket) = outcome else {
      connections.remove(slot)
      return outcome
    }
    connection.pointee.socket = socket
    exchanges[id].pointee.phase = .connecting
    attach(id, slot)
    setDeadline(slot, network.now.advanced(by: connectTimeout(exchanges[id])))
    return outcome
  }

  /// A connect came to its end, one way or the other.
  mutating func connectEnded(_ slot: Int32) {
    let connection = connections[slot]
    let id = connection.pointee.exchange
    if connection.pointee.flags.contains(.isHTTP2) { return backendConnected(slot) }
    guard id >= 0 else { return closeConnection(slot, resetting: false) }
    guard network.isConnected(connection.pointee.socket) else { return connectFailed(id) }
    noteConnectSuccess(connection.pointee.backend)
    exchanges[id].pointee.connected = network.now
    sendKept(id)
    guard exchanges[id].pointee.upstream == slot, connection.pointee.exchange == id else { return }
    continueUpload(exchanges[id].pointee.client)
  }

  /// A backend does not accept connections: nothing of the request has reached it.
  mutating func connectFailed(_ id: Int32) {
    let exchange = exchanges[id]
    let backend = exchange.pointee.backend
    dropUpstream(id)
    noteConnectFailure(backend)
    if exchange.pointee.flags.contains(.isWatched) { noteFailure(exchange) }
    avoid(backend, exchange)
    openUpstream(id)
  }

  mutating func noteConnectSuccess(_ backend: Int32) {
    guard process.roster.statuses[Int(backend)].isSuspect.load(ordering: .relaxed) else { return }
    process.roster.statuses[Int(backend)].isSuspect.store(false, ordering: .relaxed)
    let now = network.now
    process.roster.note(backend, at: now) { $0.connectSucceeded(at: now) }
  }

  mutating func noteConnectFailure(_ backend: Int32) {
    process.roster.statuses[Int(backend)].isSuspect.store(true, ordering: .relaxed)
    let now = network.now
    let change = process.roster.note(backend, at: now) { $0.connectFailed(at: now) }
    if change == .wentDown { reconsiderEjections(besides: backend) }
  }

  /// Sends the request as far as it is there.
  mutating func sendKept(_ id: Int32) {
    let exchange = exchanges[id]
    let slot = exchange.pointee.upstream
    exchange.pointee.phase = .sending
    connections[slot].pointee.phase = .head
    let isWhole = exchange.pointee.flags.contains(.isRequestComplete)
    setDeadline(slot, isWhole ? network.now.advanced(by: responseTimeout(exchange)) : .distantFuture)
    if exchange.pointee.alarm >= 0 { renewDeadline(exchange) }
    let kept = exchange.pointee.kept
    if exchange.pointee.flags.contains(.toHTTP2) { return sendKeptStream(id, slot) }
    guard send(slot, kept.first, kept.count) else { return upstreamFailed(slot) }
    exchange.pointee.flags.insert(.isSent)
  }

  /// Receives more of a request body, once the backend can take it.
  mutating func continueUpload(_ client: Int32) {
    let connection = connections[client]
    guard
      connection.pointee.phase == .body || connection.pointee.phase == .trailers || connection.pointee.phase == .tunnel
    else { return }
    setDeadline(client, network.now.advanced(by: view.timeouts.bodyIdle))
    if connection.pointee.flags.contains(.readable) { readClient(client) }
  }

  /// The connection to the backend broke, or ended, before the response did: another attempt if that can do no harm.
  mutating func upstreamFailed(_ slot: Int32) {
    let id = connections[slot].pointee.exchange
    guard id >= 0 else { return closeConnection(slot, resetting: false) }
    let exchange = exchanges[id]
    let isFresh = !connections[slot].pointee.flags.contains(.isReused)
    let wasTaken = exchange.pointee.flags.contains(.isSent)
    dropUpstream(id)
    if exchange.pointee.flags.contains(.isAnswered) { return cutResponse(id) }
    if isFresh, exchange.pointee.flags.contains(.isWatched) { noteFailure(exchange) }
    guard !wasTaken || exchange.pointee.flags.contains(.isReplayable) else { return answerFailure(id, .badResponse) }
    // A pooled connection that was closed meanwhile says nothing against its backend: try that one again, anew.
    if isFresh { avoid(exchange.pointee.backend, exchange) }
    exchange.pointee.flags.remove(.isSent)
    exchange.pointee.phase = .admitting
    // So it is when a backend ends a connection in good order while requests come in on it.
    openUpstream(id, after: .badResponse, isFree: !isFresh && !wasTaken)
  }

  /// Takes the connection to the backend away from an exchange and closes it.
  mutating func dropUpstream(_ id: Int32) {
    let exchange = exchanges[id]
    let slot = exchange.pointee.upstream
    guard slot >= 0 else { return }
    detach(id, slot)
    closeConnection(slot, resetting: true)
  }

  /// Parts an exchange and its connection to the backend.
  mutating func detach(_ id: Int32, _ slot: Int32) {
    let exchange = exchanges[id]
    endLoad(exchange)
    exchange.pointee.upstream = -1
    connections[slot].pointee.exchange = -1
    counters.row(ofBackend: connections[slot].pointee.backend)[BackendPlace.active].subtract()
  }
}
