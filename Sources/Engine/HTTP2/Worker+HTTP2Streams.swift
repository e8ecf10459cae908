import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// A stream begins: it is served as a client of its own, whose head is the text.
  mutating func startStream(_ parent: Int32, _ event: HTTP2Event) {
    let session = connections[parent].pointee.http2!
    let slot = connections.insert(Connection(socket: Connection.noSocket, role: .client, phase: .waiting))
    guard slot >= 0 else {
      session.pointee.machine.reset(event.place, .refusedStream)
      session.pointee.machine.release(event.place)
      return takeOutbox(parent)
    }
    session.pointee.machine.stream(event.place).pointee.owner = slot
    adopt(slot, parent, event.place)
    if event.endsStream { connections[slot].pointee.flags.insert([.peerEnded, .readable]) }
    setActive(parent, true)
    if !session.pointee.isPartial { setDeadline(parent, .distantFuture) }
    switch headText.outcome {
    case .complete: startRequest(slot)
    case .targetTooLong: refuseUnread(slot, .targetTooLong, received: headText.count)
    default: refuseUnread(slot, .headTooLarge, received: headText.count)
    }
  }

  /// What a stream has of its connection.
  private mutating func adopt(_ slot: Int32, _ parent: Int32, _ place: Int32) {
    let (stream, connection) = (connections[slot], connections[parent])
    let inherited: ConnectionFlags = [.isTrusted, .isSecure, .isStrict, .redirects]
    // Counted already, with its connection.
    stream.pointee.flags = connection.pointee.flags.intersection(inherited).union([.isStream, .isActive])
    stream.pointee.address = connection.pointee.address
    stream.pointee.port = connection.pointee.port
    stream.pointee.parent = parent
    stream.pointee.place = place
    stream.pointee.headStarted = network.now
  }

  private mutating func startRequest(_ slot: Int32) {
    let outcome = parser.parseRequest(
      headText.bytes, headText.count, sizeBound: HeadText.sizeBound, countBound: view.bounds.headerCount)
    guard outcome == .complete else {
      if outcome == .tooLarge { return refuseUnread(slot, .headTooLarge, received: headText.count) }
      return refuseMalformedStream(slot)
    }
    if headText.isWebSocket { renewWebSocketKey() }
    noteGRPC(slot)
    _ = startExchange(slot, headText.bytes, headText.count)
  }

  /// The parser found what the machine does not know: a host that is none.
  private mutating func refuseMalformedStream(_ slot: Int32) {
    mine[WorkerPlace.refused + Int(RefusalCode.badRequest.rawValue)].add()
    recordUnread(slot, .badRequest, received: headText.count)
    resetStream(slot, .protocolError)
    closeStream(slot)
  }

  /// Sixteen random bytes in Base64 for the next WebSocket (RFC 6455 §4.1).
  private mutating func renewWebSocketKey() {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for index in 0..<HeadText.keyCount - 2 {
      // The last digit holds two bits.
      let digit = index == HeadText.keyCount - 3 ? random.below(4) * 16 : random.below(64)
      headText.webSocketKey[index] = alphabet.utf8Start[digit]
    }
  }

  /// Takes over what an exchange has of its client's being a stream.
  @inline(never)
  mutating func noteStream(_ exchange: UnsafeMutablePointer<Exchange>) {
    exchange.pointee.flags.insert(.isStream)
    // Frames delimit the body, not chunks; towards the backend it is chunked.
    if exchange.pointee.request.framing == .chunked { exchange.pointee.request.framing = .untilClose }
  }

  /// Takes a piece of a stream's body: sends it on, or keeps it until the backend takes it. Windows bound what is kept.
  mutating func takeStreamData(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ends: Bool) {
    guard slot >= 0, connections[slot].pointee.socket >= 0 else { return }
    let connection = connections[slot]
    if ends { connection.pointee.flags.insert(.peerEnded) }
    if isHeld(slot) { return holdStreamData(slot, bytes, count) }
    let isWanted = connection.pointee.phase == .body || connection.pointee.phase == .tunnel
    let mayBeWanted = isWanted || isAwaitingTunnel(slot)
    if count > 0, mayBeWanted, connection.pointee.input.isAllocated || !isWanted || !canTakeBody(slot) {
      return keepInput(slot, bytes, count)
    }
    if count > 0, isWanted { forwardInput(slot, bytes, count) }
    guard connection.pointee.socket >= 0 else { return }
    releaseInput(slot)
    if ends, !connection.pointee.input.isAllocated { endStreamInput(slot) }
  }

  /// Whether the request of a stream is held, so that its body is framed for no backend yet.
  @inline(__always)
  private func isHeld(_ slot: Int32) -> Bool {
    let id = connections[slot].pointee.exchange
    return id >= 0 && exchanges[id].pointee.phase == .held
  }

  /// Keeps a piece of the body of a request that is held, and its end.
  private mutating func holdStreamData(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
    connections[slot].pointee.flags.insert(.readable)
    if count > 0 { keepInput(slot, bytes, count) }
  }

  /// Whether more of a stream's body may be sent on now.
  private mutating func canTakeBody(_ slot: Int32) -> Bool {
    canForwardBody(slot) && !awaitsBandwidth(slot, connections[slot].pointee.exchange)
  }

  private func isAwaitingTunnel(_ slot: Int32) -> Bool {
    let id = connections[slot].pointee.exchange
    return id >= 0 && exchanges[id].pointee.flags.contains(.wantsUpgrade)
  }

  private mutating func keepInput(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
    if !keepPiece(slot, bytes, count) { abandonClient(slot) }
  }

  /// Keeps a piece of a body behind what is kept of it; false when there is no room.
  mutating func keepPiece(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Bool {
    let connection = connections[slot]
    if !connection.pointee.input.isAllocated {
      // Room for the header of a chunk before it.
      connection.pointee.input = buffers.take(Limit.headroom + count)
      connection.pointee.input.start = Int32(Limit.headroom)
      connection.pointee.input.end = Int32(Limit.headroom)
    }
    connection.pointee.flags.insert(.readable)
    return buffers.append(bytes, count, to: &connection.pointee.input)
  }

  /// Sends a piece on, framed in place: the bytes around it are put back, for frames may stand there.
  private mutating func forwardInput(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
    if connections[slot].pointee.phase == .tunnel { return forwardTunnel(slot, bytes, count) }
    setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
    let behind = (bytes[count], bytes[count + 1])
    _ = takeBody(slot, bytes, count)
    (bytes[count], bytes[count + 1]) = behind
  }

  /// Gives the client as much of its window back as the backend has taken.
  private mutating func releaseInput(_ slot: Int32) {
    let connection = connections[slot]
    let session = connections[connection.pointee.parent].pointee.http2!
    let taken =
      Int(session.pointee.machine.stream(connection.pointee.place).pointee.held) - connection.pointee.input.count
    guard taken > 0 else { return }
    if connection.pointee.exchange >= 0, connection.pointee.phase == .body || connection.pointee.phase == .tunnel {
      let upstream = exchanges[connection.pointee.exchange].pointee.upstream
      if upstream >= 0, connections[upstream].pointee.output.isAllocated {
        connection.pointee.flags.insert(.readable)
        return
      }
    }
    session.pointee.machine.release(taken, of: connection.pointee.place)
    takeOutbox(connection.pointee.parent)
  }

  /// As much of `count` bytes that wait as the tenant's bandwidth allows at a time.
  private func pieceForBackend(_ slot: Int32, _ count: Int) -> Int {
    let hold = exchanges[connections[slot].pointee.exchange].pointee.hold
    guard hold >= 0, holds[hold].pointee.bandwidth.inward > 0 else { return count }
    return min(count, Int(connections[slot].pointee.window))
  }

  /// Goes on with a stream's body, once its backend takes more.
  mutating func readStream(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.exchange >= 0, canTakeBody(slot) else { return }
    guard connection.pointee.phase == .body || connection.pointee.phase == .tunnel else { return }
    connection.pointee.flags.remove(.readable)
    var input = connection.pointee.input
    if input.isAllocated {
      connection.pointee.input = Buffer()
      let piece = pieceForBackend(slot, input.count)
      forwardInput(slot, input.first, piece)
      input.start += Int32(piece)
      let isAlive = connection.pointee.socket >= 0 && connection.pointee.exchange >= 0
      if input.count > 0, isAlive {
        if Int(input.start) > input.count + Limit.headroom {
          // What comes next stands behind it: there must be room.
          (input.memory! + Limit.headroom).update(from: input.first, count: input.count)
          input.end = Int32(Limit.headroom + input.count)
          input.start = Int32(Limit.headroom)
        }
        connection.pointee.input = input
        makeReady(slot)
        connection.pointee.flags.insert(.readable)
        return releaseInput(slot)
      }
      buffers.giveBack(&input)
      guard connection.pointee.socket >= 0 else { return }
    }
    releaseInput(slot)
    if connection.pointee.flags.contains(.peerEnded), !connection.pointee.flags.contains(.ended) {
      endStreamInput(slot)
    }
  }

  /// The client has said all on this stream, and it is sent on.
  mutating func endStreamInput(_ slot: Int32) {
    let connection = connections[slot]
    connection.pointee.flags.insert([.peerEnded, .ended])
    let id = connection.pointee.exchange
    guard id >= 0 else { return }
    if connection.pointee.phase == .tunnel { return tunnelSideEnded(slot, otherSide(of: slot, in: id), id) }
    guard connection.pointee.phase == .body else { return }
    if exchanges[id].pointee.request.framing == .untilClose, !exchanges[id].pointee.flags.contains(.toHTTP2) {
      let last: StaticString = "0\r\n\r\n"
      sendRequestBytes(id, last.utf8Start, last.utf8CodeUnitCount)
    }
    guard connection.pointee.socket >= 0, connection.pointee.exchange == id, connection.pointee.phase == .body else {
      return
    }
    completeRequest(id)
  }

  /// Takes a stream's trailers, which the text holds, behind all of its body.
  mutating func takeStreamTrailers(_ slot: Int32) {
    guard slot >= 0, connections[slot].pointee.socket >= 0 else { return }
    let connection = connections[slot]
    guard connection.pointee.phase == .body, connection.pointee.exchange >= 0 else {
      return takeStreamData(slot, headText.bytes, 0, ends: true)
    }
    if headText.outcome != .complete { return failRequest(connection.pointee.exchange, .headTooLarge) }
    if connection.pointee.input.isAllocated {
      var input = connection.pointee.input
      connection.pointee.input = Buffer()
      forwardInput(slot, input.first, input.count)
      buffers.giveBack(&input)
    }
    guard connection.pointee.socket >= 0, connection.pointee.phase == .body else { return }
    connection.pointee.flags.insert([.peerEnded, .ended])
    // Where a length was given there are no chunks for trailers to stand behind.
    let exchange = exchanges[connection.pointee.exchange]
    if exchange.pointee.request.framing == .untilClose || exchange.pointee.flags.contains(.toHTTP2) {
      _ = takeTrailers(slot, headText.bytes, headText.count)
    } else {
      completeRequest(connection.pointee.exchange)
    }
  }
}
