import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Passes a 101 on, if it was asked for, and joins the two connections; returns how many bytes were used.
  mutating func startTunnel(_ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let exchange = exchanges[id]
    let head = parser.response
    guard exchange.pointee.flags.contains(.wantsUpgrade), head.isUpgrade else {
      upstreamIsBad(slot)
      return count
    }
    exchange.pointee.status = 101
    exchange.pointee.phase = .tunnel
    exchange.pointee.flags.insert(.isAnswered)
    exchange.pointee.flags.remove(.keepsClient)
    noteResponse(exchange)
    noteWebSocket(exchange, base)
    if exchange.pointee.flags.contains(.isWatched) {
      noteAnswer(exchange, base)
      noteWhole(exchange)
    }
    // A tunnel is open for hours and mostly silent: it is not work that the backend can only do so much of at once.
    if exchange.pointee.flags.contains(.holdsSlot) { giveSlotBack(exchange, learns: false) }
    connections[slot].pointee.phase = .tunnel
    let client = exchange.pointee.client
    connections[client].pointee.phase = .tunnel
    setDeadline(slot, network.now.advanced(by: idleTimeout(exchange)))
    setDeadline(client, .distantFuture)
    if exchange.pointee.flags.contains(.isStream) {
      openStreamTunnel(id, base, head)
    } else {
      // The head is passed on as it came: `Connection: Upgrade` and `Upgrade` belong to this hop as well.
      guard sendResponseBytes(id, base, head.length) else { return count }
    }
    makeReady(client)
    return head.length
  }

  /// Receives from one side of a tunnel and sends to the other.
  mutating func receiveTunnel(_ slot: Int32) {
    let connection = connections[slot]
    let id = connection.pointee.exchange
    let other = otherSide(of: slot, in: id)
    guard !connections[other].pointee.output.isAllocated else { return }
    let data = scratch + Limit.headroom
    let count = receive(slot, data, Int(connection.pointee.window))
    if count > 0 { return forwardTunnel(slot, data, count) }
    // A send may have been told of a reset before: then the end is none, unless both have ended.
    let isInOrder = connection.pointee.flags.contains(.hasEndedSending) || !connection.pointee.flags.contains(.isBroken)
    if count == -1, isInOrder { return tunnelSideEnded(slot, other, id) }
    if count < 0 { breakResponse(id) }
  }

  func otherSide(of slot: Int32, in id: Int32) -> Int32 {
    connections[slot].pointee.role == .client ? exchanges[id].pointee.upstream : exchanges[id].pointee.client
  }

  /// Sends what one side of a tunnel said to the other.
  mutating func forwardTunnel(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
    let id = connections[slot].pointee.exchange
    let exchange = exchanges[id]
    setDeadline(exchange.pointee.upstream, network.now.advanced(by: idleTimeout(exchange)))
    let isFromBackend = connections[slot].pointee.role == .upstream
    if exchange.pointee.flags.contains(.isWebSocket) { noteFrames(id, fromClient: !isFromBackend, bytes, count) }
    if isFromBackend {
      _ = sendResponseBytes(id, bytes, count)
    } else {
      exchange.pointee.bytesIn += UInt64(count)
      if exchange.pointee.flags.contains(.toHTTP2) {
        return sendStreamData(exchange.pointee.upstream, bytes, count, endsStream: false)
      }
      if !send(exchange.pointee.upstream, bytes, count) { breakResponse(id) }
    }
  }

  /// One side has no more to say: tells the other, and ends the tunnel when both have.
  mutating func tunnelSideEnded(_ slot: Int32, _ other: Int32, _ id: Int32) {
    if connections[other].pointee.output.isAllocated {
      connections[other].pointee.flags.insert(.closesAfterOutput)
      return
    }
    endSending(other)
    endTunnelIfOver(id)
  }

  /// Ends our half of a tunnel's side, which has got all that was said to it.
  mutating func endSending(_ slot: Int32) {
    connections[slot].pointee.flags.insert(.hasEndedSending)
    if connections[slot].pointee.flags.contains(.isStream) { return endStreamOutput(slot) }
    network.endSending(connections[slot].pointee.socket)
  }

  /// Ends a tunnel in order once both sides have ended and got all that was said to them.
  mutating func endTunnelIfOver(_ id: Int32) {
    let (client, upstream) = (exchanges[id].pointee.client, exchanges[id].pointee.upstream)
    guard upstream >= 0 else { return }
    for side in [client, upstream] {
      guard connections[side].pointee.flags.contains(.ended), !connections[side].pointee.output.isAllocated else {
        return
      }
    }
    detach(id, upstream)
    closeConnection(upstream, resetting: false)
    finish(id, then: .close)
  }
}
