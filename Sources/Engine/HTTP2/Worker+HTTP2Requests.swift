import HTTP
import Primitives

extension Exchange {
  /// The part of the request's body that is kept, where the backend is spoken to in HTTP/2.
  var keptBody: (start: Int, count: Int) {
    let end = keptTrailers > 0 ? keptTrailers : kept.end
    return (Int(keptHead), Int(end &- keptHead))
  }
}

extension Worker where N: ~Copyable {
  /// Sends the request as far as it is there, on a stream that is opened for it.
  mutating func sendKeptStream(_ id: Int32, _ slot: Int32) {
    let exchange = exchanges[id]
    let parent = connections[slot].pointee.parent
    let session = connections[parent].pointee.http2!
    let opensTunnel = exchange.pointee.flags.contains(.wantsUpgrade)
    if opensTunnel, !session.pointee.machine.peer.takesExtendedConnect {
      return failRequest(id, .upgradeUnsupported)
    }
    let place = session.pointee.machine.openStream(owner: slot)
    guard place >= 0 else { return upstreamFailed(slot) }
    connections[slot].pointee.place = place
    setDeadline(parent, .distantFuture)
    let kept = exchange.pointee.kept
    let head = Int(exchange.pointee.keptHead - kept.start)
    guard let start = frameRoom(parent, HTTP2Connection.headersRoom(HPACKEncoder.room(head))) else {
      return upstreamFailed(slot)
    }
    let isGRPC = connections[exchange.pointee.client].pointee.flags.contains(.isGRPC)
    session.pointee.machine.encoder.pointee.begin(at: start + FrameHeader.count)
    session.pointee.machine.encoder.pointee.add(
      request: kept.first, head, isSecure: network.isSecure(connections[parent].pointee.socket), takesTrailers: isGRPC,
      opensWebSocket: opensTunnel)
    let body = exchange.pointee.keptBody
    // The stream of a tunnel stays open.
    let isWhole = exchange.pointee.flags.contains(.isRequestComplete) && !opensTunnel
    let isLast = isWhole && body.count == 0 && exchange.pointee.keptTrailers == 0
    let count = session.pointee.machine.encoder.pointee.count
    let length = session.pointee.machine.frameHeaders(of: place, count, endsStream: isLast, at: start)
    connections[parent].pointee.output.end += Int32(length)
    exchange.pointee.flags.insert(.isSent)
    let ends = isWhole && exchange.pointee.keptTrailers == 0
    if body.count > 0 { sendStreamData(slot, kept.memory! + body.start, body.count, endsStream: ends) }
    if isWhole { endBackendRequest(id, slot) }
  }

  /// Ends the request's half of a stream to a backend, with the trailers that were kept for it.
  mutating func endBackendRequest(_ id: Int32, _ slot: Int32) {
    // Before it is connected nothing of the request is sent: its end comes with the rest then.
    guard slot >= 0, connections[slot].pointee.phase != .connecting else { return }
    if exchanges[id].pointee.keptTrailers > 0 { connections[slot].pointee.flags.insert(.hasTrailers) }
    endStreamOutput(slot)
  }

  /// Keeps a request's trailers, lines without the empty one, until they end its stream.
  mutating func keepBackendTrailers(_ id: Int32, _ lines: UnsafePointer<UInt8>, _ count: Int) {
    guard count > 0 else { return }
    let start = exchanges[id].pointee.kept.end
    if buffers.append(lines, count, to: &exchanges[id].pointee.kept) { exchanges[id].pointee.keptTrailers = start }
  }

  /// All that waited of a request is sent.
  mutating func backendStreamIsDrained(_ slot: Int32) {
    let connection = connections[slot]
    let id = connection.pointee.exchange
    guard id >= 0 else { return }
    if connection.pointee.flags.contains(.closesAfterOutput) {
      connection.pointee.flags.remove(.closesAfterOutput)
      endStreamOutput(slot)
      if connection.pointee.phase == .tunnel { return endTunnelIfOver(id) }
    }
    if exchanges[id].pointee.phase == .sending {
      let isWhole = exchanges[id].pointee.flags.contains(.isRequestComplete)
      setDeadline(slot, isWhole ? network.now.advanced(by: responseTimeout(exchanges[id])) : .distantFuture)
    }
    let client = exchanges[id].pointee.client
    if connections[client].pointee.phase == .tunnel { return makeReady(client) }
    guard connections[client].pointee.phase == .body || connections[client].pointee.phase == .trailers else { return }
    setDeadline(client, network.now.advanced(by: view.timeouts.bodyIdle))
    // Not at once: frames may be lying where the client would be received.
    makeReady(client)
  }
}
