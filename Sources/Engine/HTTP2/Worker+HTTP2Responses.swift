import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Acts on what a backend's machine told; `bytes` are those the event speaks of.
  mutating func takeFromBackend(_ event: HTTP2Event, _ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>) {
    let session = connections[slot].pointee.http2!
    let owner = event.place >= 0 ? session.pointee.machine.stream(event.place).pointee.owner : -1
    switch event.kind {
    case _ where awaitsEnd(owner): takeLateEnd(event, owner)
    case .response: takeBackendHead(owner, endsStream: event.endsStream)
    case .data: takeBackendData(owner, bytes + event.start, event.count, ends: event.endsStream)
    case .trailers: takeBackendTrailers(owner)
    // Part of an answer is an answer, however malformed: it is not asked for a second time.
    case .reset where event.isFault: upstreamIsBad(owner)
    case .reset: streamFailed(owner, wasRefused: event.code == .refusedStream)
    case .windowOpened: windowOpened(slot, event.place)
    case .goAway: backendGoesAway(slot)
    case .needsMore, .progress, .request, .malformed, .shutdownReached, .failed: break
    }
    // SETTINGS may have told what tunnels wait to know.
    if let session = connections[slot].pointee.http2, session.pointee.waiters > 0 { openWaiting(slot) }
  }

  /// Takes the head of a response, which the text holds.
  private mutating func takeBackendHead(_ slot: Int32, endsStream: Bool) {
    let id = connections[slot].pointee.exchange
    let isHead = exchanges[id].pointee.flags.contains(.isHead)
    if exchanges[id].pointee.flags.contains(.wantsUpgrade), (200..<300).contains(headText.status) {
      return openBackendTunnel(slot, endsStream: endsStream)
    }
    let mayHaveBody = headText.status >= 200 && headText.status != 204 && headText.status != 304 && !isHead
    if endsStream, mayHaveBody { headText.addEmptyLength() }
    let outcome = parser.parseResponse(
      headText.bytes, headText.count, sizeBound: HeadText.sizeBound, countBound: view.bounds.headerCount,
      toHead: isHead)
    guard outcome == .complete, parser.response.status != 101 else { return upstreamIsBad(slot) }
    if endsStream {
      parser.response.framing = .none
      connections[slot].pointee.flags.insert([.peerEnded, .ended])
    }
    if exchanges[id].pointee.firstByte == .distantPast { exchanges[id].pointee.firstByte = network.now }
    exchanges[id].pointee.flags.remove(.isReplayable)
    if parser.response.status < 200 {
      _ = passInterim(slot, id, headText.bytes, headText.count)
    } else {
      _ = startResponse(slot, id, headText.bytes, headText.count)
    }
  }

  /// Whether the client of a stream's exchange takes more of the response now.
  private mutating func clientTakes(_ slot: Int32) -> Bool {
    let id = connections[slot].pointee.exchange
    let client = exchanges[id].pointee.client
    guard !connections[client].pointee.output.isAllocated, !awaitsBandwidth(slot, id) else { return false }
    return !connections[client].pointee.flags.contains(.isStream) || canSendToStream(slot, client)
  }

  /// Takes a piece of a response's body: passes it on, or keeps it until the client takes it. Windows bound what is kept.
  private mutating func takeBackendData(
    _ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ends: Bool
  ) {
    let connection = connections[slot]
    if ends { connection.pointee.flags.insert(.peerEnded) }
    if count > 0, connection.pointee.input.isAllocated || !clientTakes(slot) {
      if !keepPiece(slot, bytes, count) { upstreamIsBad(slot) }
      return
    }
    if count > 0 { passBackendData(slot, bytes, count) }
    settleBackendInput(slot)
  }

  /// Passes a piece on, framed in place: the bytes behind it are put back, for frames may stand there.
  private mutating func passBackendData(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
    if connections[slot].pointee.phase == .tunnel { return forwardTunnel(slot, bytes, count) }
    let behind = (bytes[count], bytes[count + 1])
    _ = takeResponseBody(slot, connections[slot].pointee.exchange, bytes, count)
    (bytes[count], bytes[count + 1]) = behind
  }

  /// Gives the backend its window back as the client takes the response, and ends the response with its stream.
  private mutating func settleBackendInput(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0, connection.pointee.exchange >= 0, !connection.pointee.input.isAllocated else {
      return
    }
    let id = connection.pointee.exchange
    if connection.pointee.flags.contains(.peerEnded), !connection.pointee.flags.contains(.ended) {
      connection.pointee.flags.insert(.ended)
      if connection.pointee.phase == .tunnel { return tunnelSideEnded(slot, exchanges[id].pointee.client, id) }
      return endResponse(id)
    }
    guard !connections[exchanges[id].pointee.client].pointee.output.isAllocated else {
      connection.pointee.flags.insert(.readable)
      return
    }
    let session = connections[connection.pointee.parent].pointee.http2!
    let held = Int(session.pointee.machine.stream(connection.pointee.place).pointee.held)
    session.pointee.machine.release(held, of: connection.pointee.place)
    takeOutbox(connection.pointee.parent)
  }

  /// Goes on with a response, once its client takes more.
  mutating func readBackendStream(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.exchange >= 0, clientTakes(slot) else { return }
    guard connection.pointee.phase == .body || connection.pointee.phase == .tunnel else { return }
    connection.pointee.flags.remove(.readable)
    var input = connection.pointee.input
    if input.isAllocated {
      connection.pointee.input = Buffer()
      passBackendData(slot, input.first, input.count)
      buffers.giveBack(&input)
    }
    settleBackendInput(slot)
  }

  /// Takes a response's trailers, which the text holds, behind all of its body.
  private mutating func takeBackendTrailers(_ slot: Int32) {
    let connection = connections[slot]
    // Those of a tunnel mean nothing but its end.
    if connection.pointee.phase == .tunnel { return takeBackendData(slot, headText.bytes, 0, ends: true) }
    connection.pointee.flags.insert([.peerEnded, .ended])
    var input = connection.pointee.input
    if input.isAllocated {
      connection.pointee.input = Buffer()
      passBackendData(slot, input.first, input.count)
      buffers.giveBack(&input)
    }
    guard connection.pointee.socket >= 0, connection.pointee.exchange >= 0 else { return }
    _ = takeResponseTrailers(slot, connection.pointee.exchange, headText.bytes, headText.count)
  }
}
