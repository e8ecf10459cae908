import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Readies an upgrade for a backend of HTTP/2, which knows that of WebSocket alone (RFC 8441): any other is let go, and
  /// the request is served as if it had not asked. False when it is malformed.
  @inline(never)
  mutating func upgradesByHTTP2(
    _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>, _ head: RequestHead
  ) -> Bool {
    var (isWebSocket, keys) = (false, 0)
    for index in 0..<head.fieldCount where !parser.fields[index].hasUnderscore {
      let field = parser.fields[index]
      if field.id == .upgrade {
        isWebSocket = FieldText.matches(base + Int(field.value.start), field.value.count, "websocket")
      }
      if field.id == .secWebSocketKey { keys += field.value.count == WebSocketKey.count ? 1 : 2 }
    }
    guard isWebSocket else {
      exchange.pointee.flags.remove(.wantsUpgrade)
      return true
    }
    return keys == 1
  }

  /// A backend agreed to a WebSocket by a success on its stream: joins it to the client as a 101 would have.
  mutating func openBackendTunnel(_ slot: Int32, endsStream: Bool) {
    let id = connections[slot].pointee.exchange
    let exchange = exchanges[id]
    let kept = exchange.pointee.kept
    guard !endsStream, headText.outcome == .complete, headText.contentLength < 0,
      let key = WebSocketKey.find(kept.first, Int(exchange.pointee.keptHead - kept.start))
    else { return upstreamIsBad(slot) }
    WebSocketKey.writeAccept(key, to: nameScratch)
    headText.agreeToWebSocket(accept: nameScratch, WebSocketKey.acceptCount)
    let outcome = parser.parseResponse(
      headText.bytes, headText.count, sizeBound: HeadText.sizeBound, countBound: view.bounds.headerCount, toHead: false)
    guard outcome == .complete else { return upstreamIsBad(slot) }
    if exchange.pointee.firstByte == .distantPast { exchange.pointee.firstByte = network.now }
    exchange.pointee.flags.remove(.isReplayable)
    _ = startTunnel(slot, id, headText.bytes, headText.count)
  }
}
