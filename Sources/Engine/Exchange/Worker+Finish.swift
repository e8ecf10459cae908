import Primitives
import Synchronization

/// What becomes of a client's connection when its exchange has ended.
enum ClientFate {
  /// It may send the next request.
  case next
  /// It is closed, once it has got what was sent.
  case close
  /// It is reset: what it got is not to be taken for complete.
  case reset
}

extension Worker where N: ~Copyable {
  /// Ends an exchange: the only way out of it. Gives back all it held, counts it, writes it down.
  mutating func finish(_ id: Int32, then fate: ClientFate) {
    let exchange = exchanges[id]
    let client = exchange.pointee.client
    assert(connections[client].pointee.exchange == id, "an exchange ended twice")
    dropUpstream(id)
    leaveShard(id)
    if exchange.pointee.flags.contains(.isMoving) { leaveHold(exchange) }
    if exchange.pointee.alarm >= 0 { endAlarm(exchange) }
    if exchange.pointee.flags.contains(.isCounted) { process.ledger.account(exchange.pointee.tenant).pointee.leave() }
    let duration = network.now - exchange.pointee.started
    count(exchange, duration)
    if exchange.pointee.wallStarted != 0 { record(exchange, duration) }
    if exchange.pointee.hold >= 0 { endHold(exchange) }
    buffers.giveBack(&exchange.pointee.kept)
    connections[client].pointee.exchange = -1
    deadExchanges.append(id)
    if exchange.pointee.flags.contains(.isStream) { return streamFinished(client, fate) }
    switch fate {
    case .next: awaitRequest(client)
    case .close:
      // Who is parted from unasked may have sent the next request by now.
      let isQuiet = exchange.pointee.flags.isSuperset(of: [.isLast, .isRequestComplete])
      partFrom(client, isQuiet: isQuiet && exchange.pointee.code != .badRequest)
    case .reset: closeClient(client, resetting: true)
    }
  }

  @inline(__always)
  private mutating func count(_ exchange: UnsafeMutablePointer<Exchange>, _ duration: Int64) {
    if exchange.pointee.tenant < 0 { mine[WorkerPlace.refused + Int(exchange.pointee.code.rawValue)].add() }
    let affinity = exchange.pointee.affinity
    if affinity != .none { mine[WorkerPlace.affinity + Int(affinity.rawValue) - 1].add() }
    guard exchange.pointee.tenant >= 0,
      let row = counters.row(ofTenant: exchange.pointee.tenant, shard: exchange.pointee.shard)
    else { return }
    let status = Int(exchange.pointee.status)
    if status >= 100 { row[TenantPlace.classes + min(status / 100, 5) - 1].add() }
    row[TenantPlace.bytesIn].add(exchange.pointee.bytesIn)
    row[TenantPlace.bytesOut].add(exchange.pointee.bytesOut)
    if exchange.pointee.limit > LimitRoster.concurrency {
      counters.row(ofLimit: exchange.pointee.limit, tenant: exchange.pointee.tenant)?[LimitPlace.limited].add()
    } else if exchange.pointee.code == .rateLimited {
      row[TenantPlace.limited].add()
    } else if exchange.pointee.code == .concurrencyLimited {
      row[TenantPlace.limited + 1].add()
    }
    HistogramPlace.add(duration, to: row + TenantPlace.histogram)
  }

  /// Counts a response for the backend it came from.
  @inline(__always)
  mutating func noteResponse(_ exchange: UnsafeMutablePointer<Exchange>) {
    let row = counters.row(ofBackend: exchange.pointee.backend)
    row[BackendPlace.classes + min(Int(exchange.pointee.status) / 100, 5) - 1].add()
    HistogramPlace.add(network.now - exchange.pointee.attemptStarted, to: row + BackendPlace.histogram)
  }

  /// Has a client wait for its next request, or go on with one that waits already.
  mutating func awaitRequest(_ slot: Int32) {
    let connection = connections[slot]
    guard !isDraining else { return partFrom(slot) }
    connection.pointee.window = Int32(Limit.scratch)
    if connection.pointee.output.isAllocated {
      // The next request waits until this answer has been taken.
      connection.pointee.phase = .waiting
      return
    }
    connection.pointee.phase = .idle
    setActive(slot, false)
    connection.pointee.headStarted = network.now
    setDeadline(slot, network.now.advanced(by: view.timeouts.keepAlive))
    if connection.pointee.input.isAllocated || connection.pointee.flags.contains(.readable) { makeReady(slot) }
  }

  /// Ends a client's connection after its answer, so that the answer is not lost to bytes that still come in.
  ///
  /// - Parameter isQuiet: nothing more is to be expected from it, so that it can simply be closed.
  mutating func partFrom(_ slot: Int32, isQuiet: Bool = false) {
    let connection = connections[slot]
    if connection.pointee.output.isAllocated {
      connection.pointee.phase = .waiting
      connection.pointee.flags.insert(.closesAfterOutput)
      return
    }
    let isSilent = isQuiet && !connection.pointee.flags.contains(.readable) && !connection.pointee.input.isAllocated
    if isSilent || connection.pointee.flags.contains(.ended) { return closeClient(slot, resetting: false) }
    network.endSending(connection.pointee.socket)
    setActive(slot, false)
    connection.pointee.phase = .lingering
    connection.pointee.window = Int32(Limit.lingerBytes)
    connection.pointee.headStarted = network.now
    buffers.giveBack(&connection.pointee.input)
    setDeadline(slot, network.now.advanced(by: Limit.linger))
    if connection.pointee.flags.contains(.readable) { makeReady(slot) }
  }

  /// Sends what was kept for a client; then lets its backend go on, or ends what only waited for this.
  mutating func flushClient(_ slot: Int32) {
    let connection = connections[slot]
    if connection.pointee.flags.contains(.isHTTP2) { return flushFrames(slot) }
    var isBroken = false
    let isEmpty = flush(slot, isBroken: &isBroken)
    if isBroken { return abandonClient(slot) }
    guard isEmpty else { return }
    let id = connection.pointee.exchange
    guard id >= 0 else {
      return connection.pointee.flags.contains(.closesAfterOutput) ? partFrom(slot) : awaitRequest(slot)
    }
    setDeadline(slot, .distantFuture)
    if connection.pointee.phase == .tunnel, connection.pointee.flags.contains(.closesAfterOutput) {
      endSending(slot)
      endTunnelIfOver(id)
      guard connection.pointee.socket >= 0, connection.pointee.exchange == id else { return }
    }
    let upstream = exchanges[id].pointee.upstream
    if upstream >= 0, connections[upstream].pointee.flags.contains(.readable) { readUpstream(upstream) }
  }

  /// The status written down when a client left before its answer, as nginx has it.
  private static var clientGone: UInt16 { 499 }

  /// The client is gone or must go: ends its exchange, if it has one, and closes it.
  mutating func abandonClient(_ slot: Int32) {
    let id = connections[slot].pointee.exchange
    // What it has not been sent yet is the end of an answer: that must not look complete.
    guard id >= 0 else { return closeClient(slot, resetting: connections[slot].pointee.output.isAllocated) }
    if exchanges[id].pointee.status == 0 { exchanges[id].pointee.status = Self.clientGone }
    finish(id, then: .reset)
  }

  /// A response can't be brought to its end: the client must not take it for complete.
  mutating func breakResponse(_ id: Int32) { finish(id, then: .reset) }

  /// A backend has broken its answer off.
  mutating func cutResponse(_ id: Int32) {
    let exchange = exchanges[id]
    if exchange.pointee.flags.contains(.isWatched), exchange.pointee.phase == .receiving { noteFailed(exchange) }
    breakResponse(id)
  }

  /// A client is due.
  mutating func clientIsDue(_ slot: Int32) {
    let connection = connections[slot]
    if connection.pointee.flags.contains(.isHTTP2) { return connectionIsDue(slot) }
    if connection.pointee.flags.contains(.isStream), connection.pointee.output.isAllocated { return streamStalls(slot) }
    if connection.pointee.exchange >= 0 {
      switch exchanges[connection.pointee.exchange].pointee.phase {
      case .queued: return waiterIsDue(slot, connection.pointee.exchange)
      case .held: return heldIsDue(slot, connection.pointee.exchange)
      default: break
      }
    }
    switch connection.pointee.phase {
    case .idle, .lingering: closeClient(slot, resetting: false)
    case .head: refuseUnread(slot, .requestTimeout, received: connection.pointee.input.count)
    case .body, .trailers:
      let id = connection.pointee.exchange
      if connection.pointee.output.isAllocated || exchanges[id].pointee.flags.contains(.isAnswered) {
        return abandonClient(slot)
      }
      bodyIsLate(slot, id)
    case .waiting:
      if connection.pointee.output.isAllocated { return abandonClient(slot) }
      probeClient(slot)
    case .tunnel, .connecting: abandonClient(slot)
    }
  }

  /// No piece of the body came for too long: the client's fault, unless it was the backend that took none.
  private mutating func bodyIsLate(_ slot: Int32, _ id: Int32) {
    if canForwardBody(slot) { return failRequest(id, .requestTimeout) }
    let upstream = exchanges[id].pointee.upstream
    guard upstream >= 0, connections[upstream].pointee.output.isAllocated else {
      return failRequest(id, .responseTimeout)
    }
    // One that takes it slowly has a time of its own, which begins anew as it goes on.
    setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
  }

  /// Asks a client that has ended its half whether it is still there: an interim response provokes a reset if it is
  /// not, and any HTTP/1.1 client skips it (RFC 9110, section 15.2).
  mutating func probeClient(_ slot: Int32) {
    let connection = connections[slot]
    let id = connection.pointee.exchange
    guard id >= 0, exchanges[id].pointee.minorVersion >= 1 else { return }
    guard !exchanges[id].pointee.flags.contains(.isAnswered) else { return }
    connection.pointee.flags.insert(.isProbed)
    let interim: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
    _ = sendResponseBytes(id, interim.utf8Start, interim.utf8CodeUnitCount)
  }
}
