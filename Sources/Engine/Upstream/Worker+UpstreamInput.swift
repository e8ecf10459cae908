import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Something happened to a connection to a backend.
  mutating func upstreamEvent(_ slot: Int32, _ kinds: NetworkEventKinds) {
    let connection = connections[slot]
    switch connection.pointee.phase {
    case .connecting:
      guard !kinds.isDisjoint(with: [.writable, .broken]) else { return }
      connectEnded(slot)
      guard connection.pointee.socket >= 0, connection.pointee.phase != .connecting else { return }
    case .idle:
      // Unasked bytes, an end or a failure: whatever it is, this connection is not used again.
      guard connection.pointee.flags.contains(.readable) else { return }
      unlinkPooled(slot)
      return closeConnection(slot, resetting: false)
    default: break
    }
    if kinds.contains(.writable), connection.pointee.flags.contains(.blocked) {
      flushUpstream(slot)
      guard connection.pointee.socket >= 0 else { return }
      guard connection.pointee.exchange >= 0 || connection.pointee.flags.contains(.isHTTP2) else { return }
    }
    if connection.pointee.flags.contains(.readable) { readUpstream(slot) }
  }

  /// Sends what was kept for a backend, then lets the client go on.
  private mutating func flushUpstream(_ slot: Int32) {
    if connections[slot].pointee.flags.contains(.isHTTP2) { return flushFrames(slot) }
    var isBroken = false
    let isEmpty = flush(slot, isBroken: &isBroken)
    // A backend that answers early may have stopped taking the request: what it said is still to be read.
    if isBroken {
      buffers.giveBack(&connections[slot].pointee.output)
      connections[slot].pointee.flags.insert(.isBroken)
    }
    guard isEmpty else { return }
    let id = connections[slot].pointee.exchange
    guard id >= 0 else { return }
    if exchanges[id].pointee.phase == .tunnel, connections[slot].pointee.flags.contains(.closesAfterOutput) {
      endSending(slot)
      return endTunnelIfOver(id)
    }
    if exchanges[id].pointee.phase == .sending {
      let isWhole = exchanges[id].pointee.flags.contains(.isRequestComplete)
      setDeadline(slot, isWhole ? network.now.advanced(by: responseTimeout(exchanges[id])) : .distantFuture)
    }
    continueUpload(exchanges[id].pointee.client)
  }

  /// Receives from a backend as long as there is something and the client takes it.
  mutating func readUpstream(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.flags.isDisjoint(with: .notHTTP1) else { return readHTTP2(slot) }
    var receives = 0
    while connection.pointee.socket >= 0, connection.pointee.flags.contains(.readable) {
      let id = connection.pointee.exchange
      guard id >= 0, connection.pointee.phase != .connecting else { return }
      guard !connections[exchanges[id].pointee.client].pointee.output.isAllocated else { return }
      if exchanges[id].pointee.flags.contains(.isStream), !canSendToStream(slot, exchanges[id].pointee.client) {
        return
      }
      if awaitsBandwidth(slot, id) { return }
      guard receives < Limit.receivesInTurn else { return makeReady(slot) }
      receives += 1
      switch connection.pointee.phase {
      case .head, .trailers: receiveResponseHead(slot)
      case .body: receiveResponseBody(slot)
      case .tunnel: receiveTunnel(slot)
      default: return
      }
    }
  }

  private mutating func receiveResponseHead(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.input.isAllocated else {
      let data = scratch + Limit.headroom
      let count = receive(slot, data, Int(connection.pointee.window))
      guard count > 0 else { return responseStopped(slot, count) }
      let used = takeResponse(slot, data, count)
      guard connection.pointee.exchange >= 0, connection.pointee.socket >= 0, used < count else { return }
      // Part of an answer is an answer: from now on nothing is sent a second time.
      exchanges[connection.pointee.exchange].pointee.flags.remove(.isReplayable)
      if !buffers.append(data + used, count - used, to: &connection.pointee.input) { upstreamIsBad(slot) }
      return
    }
    let room = min(connection.pointee.input.room, Limit.headRead)
    guard room > 0 || growInput(slot) else { return upstreamIsBad(slot) }
    let count = receive(slot, connection.pointee.input.free, min(connection.pointee.input.room, Limit.headRead))
    guard count > 0 else { return responseStopped(slot, count) }
    connection.pointee.input.end += Int32(count)
    useResponseInput(slot)
  }

  private mutating func useResponseInput(_ slot: Int32) {
    let connection = connections[slot]
    let input = connection.pointee.input
    let used = takeResponse(slot, input.first, input.count)
    guard connection.pointee.exchange >= 0, connection.pointee.socket >= 0 else { return }
    connection.pointee.input.start += Int32(used)
    if connection.pointee.input.count == 0 { buffers.giveBack(&connection.pointee.input) }
  }

  private mutating func receiveResponseBody(_ slot: Int32) {
    let connection = connections[slot]
    let data = scratch + Limit.headroom
    let count = receive(slot, data, Int(connection.pointee.window))
    guard count > 0 else { return responseStopped(slot, count) }
    let used = takeResponse(slot, data, count)
    guard connection.pointee.exchange >= 0, connection.pointee.socket >= 0 else { return }
    if connection.pointee.window < Limit.scratch, !connection.pointee.flags.contains(.blocked) {
      connection.pointee.window = min(Int32(Limit.scratch), connection.pointee.window * 2)
    }
    guard used < count else { return }
    if !buffers.append(data + used, count - used, to: &connection.pointee.input) { upstreamIsBad(slot) }
  }

  /// Nothing came where a response was awaited: not yet, or the connection has ended.
  private mutating func responseStopped(_ slot: Int32, _ count: Int) {
    guard count < 0 else { return }
    let id = connections[slot].pointee.exchange
    // A send may have been told of a reset before: then the end is none.
    let isInOrder = count == -1 && !connections[slot].pointee.flags.contains(.isBroken)
    if isInOrder, connections[slot].pointee.phase == .body, exchanges[id].pointee.response.framing == .untilClose {
      exchanges[id].pointee.flags.remove(.keepsUpstream)
      return endResponse(id)
    }
    upstreamFailed(slot)
  }

  /// Takes heads, bodies and trailers out of `count` bytes that a backend sent; returns how many were used.
  mutating func takeResponse(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let connection = connections[slot]
    var used = 0
    while used < count {
      let id = connection.pointee.exchange
      guard id >= 0, connection.pointee.socket >= 0 else { return count }
      switch connection.pointee.phase {
      case .head:
        let taken = takeResponseHead(slot, id, base + used, count - used)
        if taken == 0 { return used }
        used += taken
      case .body:
        used += takeResponseBody(slot, id, base + used, count - used)
      case .trailers:
        let taken = takeResponseTrailers(slot, id, base + used, count - used)
        if taken == 0 { return used }
        used += taken
      case .tunnel:
        forwardTunnel(slot, base + used, count - used)
        return count
      default: return used
      }
    }
    return used
  }

  /// Takes a response head, if it is in whole: bytes used, its body's first bytes included, 0 when more must come.
  private mutating func takeResponseHead(
    _ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int
  ) -> Int {
    let isHead = exchanges[id].pointee.flags.contains(.isHead)
    let outcome = parser.parseResponse(
      base, count, sizeBound: view.bounds.headerSize, countBound: view.bounds.headerCount, toHead: isHead)
    if outcome == .incomplete { return 0 }
    guard outcome == .complete else {
      upstreamIsBad(slot)
      return count
    }
    if exchanges[id].pointee.firstByte == .distantPast { exchanges[id].pointee.firstByte = network.now }
    let status = parser.response.status
    if status == 101 { return startTunnel(slot, id, base, count) }
    if status < 200 { return passInterim(slot, id, base, count) }
    return startResponse(slot, id, base, count)
  }

  /// The backend does not speak HTTP/1.1 as it must: its connection is not used again.
  mutating func upstreamIsBad(_ slot: Int32) {
    let id = connections[slot].pointee.exchange
    guard id >= 0 else { return closeConnection(slot, resetting: true) }
    dropUpstream(id)
    if exchanges[id].pointee.flags.contains(.isAnswered) { return cutResponse(id) }
    if exchanges[id].pointee.flags.contains(.isWatched) { noteFailure(exchanges[id]) }
    answerFailure(id, .badResponse)
  }

  /// A connection to a backend is due.
  mutating func upstreamIsDue(_ slot: Int32) {
    let connection = connections[slot]
    let id = connection.pointee.exchange
    if connection.pointee.flags.contains(.isHTTP2) { return backendIsDue(slot) }
    switch connection.pointee.phase {
    case .idle:
      unlinkPooled(slot)
      closeConnection(slot, resetting: false)
    case .connecting where id >= 0: connectFailed(id)
    case .tunnel where id >= 0: breakResponse(id)
    default:
      guard id >= 0 else { return closeConnection(slot, resetting: true) }
      dropUpstream(id)
      if exchanges[id].pointee.flags.contains(.isAnswered) {
        // It is not the backend's fault when its client takes nothing.
        let isClientSlow = connections[exchanges[id].pointee.client].pointee.output.isAllocated
        return isClientSlow ? breakResponse(id) : cutResponse(id)
      }
      if exchanges[id].pointee.flags.contains(.isWatched) { noteFailure(exchanges[id]) }
      answerFailure(id, .responseTimeout)
    }
  }
}
