import HTTP
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Has the long streams that a move left behind end one after the other within the grace time.
  mutating func partStreams(_ place: Int) {
    let grace = held[place].hold.grace.load(ordering: .relaxed)
    let streams = held[place].streams
    held[place].streams.removeAll()
    held[place].hold.streams.subtract(streams.count, ordering: .relaxed)
    guard grace >= 0 else { return }
    for (index, handle) in streams.enumerated() {
      // Spread, and each somewhere in its part: who comes back comes not with all others.
      let part = max(1, grace / Int64(streams.count))
      let begin = network.now.advanced(by: part * Int64(index) + Int64(random.next() % UInt64(part)))
      departing.append(Departure(handle: handle, begin: begin, end: begin.advanced(by: Limit.frameWait)))
    }
  }

  /// Ends the streams whose time has come.
  mutating func endDepartures() {
    guard !departing.isEmpty else { return }
    let list = departing
    departing.removeAll(keepingCapacity: true)
    for departure in list {
      let id = exchanges.slot(of: departure.handle)
      guard id >= 0, exchanges[id].pointee.upstream >= 0 else { continue }
      if departure.begin > network.now || !part(id, isLast: departure.end <= network.now) {
        departing.append(departure)
      }
    }
  }

  /// Ends a long stream in order; false when that has to wait.
  private mutating func part(_ id: Int32, isLast: Bool) -> Bool {
    let exchange = exchanges[id]
    let client = exchange.pointee.client
    // What it has not taken yet would be followed by the end of something else.
    if connections[client].pointee.output.isAllocated {
      if isLast { breakResponse(id) }
      return isLast
    }
    exchange.pointee.code = .tenantMoved
    if exchange.pointee.phase == .tunnel { return partTunnel(id, isLast: isLast) }
    guard exchange.pointee.phase == .receiving else { return true }
    if connections[client].pointee.flags.contains(.isGRPC) {
      endCall(id, .tenantMoved)
      return true
    }
    // Events end where the stream of them does; their client asks for more by itself.
    noteResponse(exchange)
    dropUpstream(id)
    if exchange.pointee.delivery == .chunked {
      let last: StaticString = "0\r\n\r\n"
      guard sendResponseBytes(id, last.utf8Start, last.utf8CodeUnitCount) else { return true }
    }
    finish(id, then: exchange.pointee.flags.contains(.isStream) ? .next : .close)
    return true
  }

  private mutating func partTunnel(_ id: Int32, isLast: Bool) -> Bool {
    let exchange = exchanges[id]
    let upstream = exchange.pointee.upstream
    let (restart, masked) = (WebSocketFrames.restart, WebSocketFrames.maskedRestart)
    if exchange.pointee.flags.contains(.isWebSocket) {
      guard
        WebSocketFrames(left: exchange.pointee.response.remaining, place: exchange.pointee.response.received)
          .isBetweenFrames
      else {
        if isLast { breakResponse(id) }
        return isLast
      }
      let isQuiet = WebSocketFrames(
        left: exchange.pointee.request.remaining, place: exchange.pointee.request.received
      ).isBetweenFrames
      if isQuiet, !connections[upstream].pointee.output.isAllocated {
        if exchange.pointee.flags.contains(.toHTTP2) {
          sendStreamData(upstream, masked, masked.count, endsStream: true)
        } else {
          _ = send(upstream, masked, masked.count)
        }
      }
      guard sendResponseBytes(id, restart, restart.count) else { return true }
    }
    guard exchange.pointee.upstream == upstream, connections[upstream].pointee.exchange == id else { return true }
    detach(id, upstream)
    closeConnection(upstream, resetting: false)
    finish(id, then: .close)
    return true
  }

  /// Notes how far one side of a WebSocket is.
  @inline(never)
  mutating func noteFrames(_ id: Int32, fromClient: Bool, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
    let body = fromClient ? \Exchange.request : \Exchange.response
    let exchange = exchanges[id]
    var frames = WebSocketFrames(
      left: exchange.pointee[keyPath: body].remaining, place: exchange.pointee[keyPath: body].received)
    frames.pass(bytes, count)
    exchange.pointee[keyPath: body].remaining = frames.left
    exchange.pointee[keyPath: body].received = frames.place
  }

  /// Notes whether a tunnel that begins is a WebSocket, by the response's head.
  mutating func noteWebSocket(_ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>) {
    for index in 0..<parser.response.fieldCount where parser.fields[index].id == .upgrade {
      let value = parser.fields[index].value
      guard FieldText.matches(base + Int(value.start), value.count, "websocket") else { continue }
      exchange.pointee.flags.insert(.isWebSocket)
      (exchange.pointee.request, exchange.pointee.response) = (BodyProgress(), BodyProgress())
    }
  }
}
