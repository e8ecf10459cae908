import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Whether the backend of a client's exchange can take more of it now.
  mutating func canForwardBody(_ slot: Int32) -> Bool {
    let id = connections[slot].pointee.exchange
    guard id >= 0 else { return false }
    let upstream = exchanges[id].pointee.upstream
    guard upstream >= 0, connections[upstream].pointee.phase != .connecting else { return false }
    return !connections[upstream].pointee.output.isAllocated
  }

  /// Receives a piece of a request body and sends it on.
  mutating func receiveBody(_ slot: Int32) {
    let connection = connections[slot]
    let exchange = exchanges[connection.pointee.exchange]
    var capacity = Int(connection.pointee.window)
    if exchange.pointee.request.framing == .length {
      capacity = Int(min(Int64(capacity), exchange.pointee.request.remaining + Int64(Limit.headRead)))
    }
    let data = scratch + Limit.headroom
    let count = receive(slot, data, capacity)
    if count < 0 { return abandonClient(slot) }
    guard count > 0 else { return }
    setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
    let used = takeInput(slot, data, count)
    guard connection.pointee.socket >= 0, used < count else { return }
    if !buffers.append(data + used, count - used, to: &connection.pointee.input) { abandonClient(slot) }
  }

  /// Takes a piece of a request body out of `count` bytes at `base`; returns how many were used.
  mutating func takeBody(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let id = connections[slot].pointee.exchange
    let exchange = exchanges[id]
    let piece = exchange.pointee.request.take(base, count, for: requestDelivery(exchange))
    exchange.pointee.bytesIn += UInt64(piece.used)
    if view.bounds.bodySize > 0, exchange.pointee.request.received > view.bounds.bodySize {
      failRequest(id, .bodyTooLarge)
      return count
    }
    if piece.outcome == .bad {
      failRequest(id, .badRequest)
      return count
    }
    if piece.count > 0 { sendRequestBytes(id, piece.bytes, piece.count) }
    guard connections[slot].pointee.exchange == id else { return count }
    if piece.outcome == .ended { completeRequest(id) }
    if piece.outcome == .trailers { connections[slot].pointee.phase = .trailers }
    return piece.used
  }

  /// How a request's body is delimited towards its backend: that of a stream, of unknown length, goes on in chunks.
  @inline(__always)
  private func requestDelivery(_ exchange: UnsafeMutablePointer<Exchange>) -> BodyFraming {
    let framing = exchange.pointee.request.framing
    if exchange.pointee.flags.contains(.toHTTP2) { return .length }
    return framing == .untilClose ? .chunked : framing
  }

  /// Takes the trailer section of a request, if it is in whole; returns how many bytes it had, 0 when more must come.
  mutating func takeTrailers(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let id = connections[slot].pointee.exchange
    let outcome = parser.parseTrailers(
      base, count, sizeBound: Limit.trailers, countBound: view.bounds.headerCount)
    guard outcome != .incomplete else { return 0 }
    guard outcome == .complete else {
      failRequest(id, outcome == .tooLarge ? .headTooLarge : .badRequest)
      return count
    }
    let length = parser.trailerLength
    exchanges[id].pointee.bytesIn += UInt64(length)
    var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
    writeTrailers(&writer, base)
    if exchanges[id].pointee.flags.contains(.toHTTP2) {
      keepBackendTrailers(id, writeScratch + 3, writer.count - 5)
    } else {
      sendRequestBytes(id, writeScratch, writer.count)
    }
    guard connections[slot].pointee.exchange == id else { return count }
    completeRequest(id)
    return length
  }

  /// Writes the last chunk and the trailers that may pass.
  mutating func writeTrailers(_ writer: inout ByteWriter, _ base: UnsafePointer<UInt8>) {
    let forbidden = FieldSet.forbiddenInTrailers
    writer.append("0\r\n")
    for index in 0..<parser.trailerCount {
      let field = parser.fields[index]
      if forbidden.contains(field.id) || (field.hasUnderscore && field.id != .other) {
        continue
      }
      if view.isTenantField(field, base) { continue }
      writer.append(base + Int(field.line.start), field.line.count)
    }
    writer.append("\r\n")
  }

  /// The request is in whole: from now on the client only waits.
  mutating func completeRequest(_ id: Int32) {
    let exchange = exchanges[id]
    exchange.pointee.flags.insert(.isRequestComplete)
    connections[exchange.pointee.client].pointee.phase = .waiting
    setDeadline(exchange.pointee.client, .distantFuture)
    let upstream = exchange.pointee.upstream
    if exchange.pointee.flags.contains(.toHTTP2) { endBackendRequest(id, upstream) }
    // The time for the answer begins when the last byte has gone.
    guard upstream >= 0, exchange.pointee.phase == .sending, !connections[upstream].pointee.output.isAllocated else {
      return
    }
    setDeadline(upstream, network.now.advanced(by: responseTimeout(exchange)))
  }

  /// Sends bytes of a request to its backend; keeps them while there is no connection yet.
  mutating func sendRequestBytes(_ id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
    let exchange = exchanges[id]
    let upstream = exchange.pointee.upstream
    guard upstream >= 0, connections[upstream].pointee.phase != .connecting else {
      if !buffers.append(bytes, count, to: &exchange.pointee.kept) { failRequest(id, .bodyTooLarge) }
      return
    }
    if exchange.pointee.flags.contains(.toHTTP2) {
      return sendStreamData(upstream, bytes, count, endsStream: false)
    }
    if !send(upstream, bytes, count) { upstreamFailed(upstream) }
  }

  /// Ends an exchange whose request turned out to be bad: nothing of it may look complete to the backend.
  mutating func failRequest(_ id: Int32, _ code: RefusalCode) {
    if exchanges[id].pointee.flags.contains(.isAnswered) { return breakResponse(id) }
    dropUpstream(id)
    answerFailure(id, code)
  }
}
