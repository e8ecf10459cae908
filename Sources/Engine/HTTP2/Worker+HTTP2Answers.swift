import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Passes the final response of a stream's backend on; returns how many bytes were used.
  mutating func startStreamResponse(
    _ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int
  ) -> Int {
    let exchange = exchanges[id]
    let head = parser.response
    let isWhole = head.framing == .none || (head.framing == .length && head.contentLength == 0)
    guard sendStreamHead(id, base, head, endsStream: isWhole) else {
      upstreamIsBad(slot)
      return count
    }
    exchange.pointee.flags.insert(.isAnswered)
    if isWhole {
      let isSurplus = count > head.length
      if isSurplus { exchange.pointee.flags.remove(.keepsUpstream) }
      endResponse(id)
      return isSurplus ? count : head.length
    }
    connections[slot].pointee.phase = .body
    setDeadline(slot, network.now.advanced(by: idleTimeout(exchange)))
    guard count > head.length else { return head.length }
    return head.length + takeResponseBody(slot, id, base + head.length, count - head.length)
  }

  /// Sends the head that the parser holds as HEADERS, with what the proxy adds to it; false when it is too large.
  mutating func sendStreamHead(
    _ id: Int32, _ base: UnsafePointer<UInt8>, _ head: ResponseHead, endsStream: Bool
  ) -> Bool {
    let exchange = exchanges[id]
    let (parent, place) = streamPlace(exchange.pointee.client)
    let session = connections[parent].pointee.http2!
    var own = ByteWriter(writeScratch, capacity: Limit.ownFields)
    if head.status >= 200 { writeOwnFields(&own, exchange, base, head) }
    let room = HPACKEncoder.room(head.length + own.count)
    guard !own.hasOverflowed, let start = frameRoom(parent, HTTP2Connection.headersRoom(room)) else { return false }
    session.pointee.machine.encoder.pointee.begin(at: start + FrameHeader.count)
    session.pointee.machine.encoder.pointee.add(status: head.status)
    addFields(session.pointee.machine.encoder, base, head)
    if own.count > 0 { session.pointee.machine.encoder.pointee.add(lines: writeScratch, own.count) }
    let count = session.pointee.machine.encoder.pointee.count
    let length = session.pointee.machine.frameHeaders(of: place, count, endsStream: endsStream, at: start)
    connections[parent].pointee.output.end += Int32(length)
    exchange.pointee.bytesOut += UInt64(length)
    return true
  }

  @inline(__always)
  private func addFields(
    _ encoder: UnsafeMutablePointer<HPACKEncoder>, _ base: UnsafePointer<UInt8>, _ head: ResponseHead
  ) {
    let losesLength = head.framing == .chunked || head.status < 200 || head.status == 204
    let drop = losesLength ? DroppedFields.responseWithoutLength : DroppedFields.response
    for index in 0..<head.fieldCount {
      let field = parser.fields[index]
      if drop.contains(field.id) || (field.isNamedByConnection && field.id != .contentLength) { continue }
      encoder.pointee.add(field, in: base)
    }
  }

  private mutating func writeOwnFields(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>,
    _ head: ResponseHead
  ) {
    if exchange.pointee.flags.contains(.setsCookie) { writeCookie(&writer, exchange) }
    if exchange.pointee.flags.contains(.showsRate) { writeRateLimit(&writer, exchange) }
    if connections[exchange.pointee.client].pointee.flags.contains(.isStrict), !isStrictAlready(base, head) {
      writeStrictTransport(&writer, exchange.pointee.client)
    }
  }

  /// A stream's connection, and its place there.
  @inline(__always)
  func streamPlace(_ slot: Int32) -> (parent: Int32, place: Int32) {
    (connections[slot].pointee.parent, connections[slot].pointee.place)
  }

  /// Sends a head or trailers that stand as lines in `text`, behind a status if there is one.
  mutating func sendStreamLines(
    _ slot: Int32, status: UInt16?, _ text: UnsafePointer<UInt8>, _ count: Int, endsStream: Bool
  ) {
    let (parent, place) = streamPlace(slot)
    let session = connections[parent].pointee.http2!
    guard let start = frameRoom(parent, HTTP2Connection.headersRoom(HPACKEncoder.room(count))) else { return }
    session.pointee.machine.encoder.pointee.begin(at: start + FrameHeader.count)
    if let status { session.pointee.machine.encoder.pointee.add(status: status) }
    session.pointee.machine.encoder.pointee.add(lines: text, count)
    let block = session.pointee.machine.encoder.pointee.count
    let length = session.pointee.machine.frameHeaders(of: place, block, endsStream: endsStream, at: start)
    connections[parent].pointee.output.end += Int32(length)
  }

  /// Passes the trailers that the parser holds on. They end the stream, so they wait until the exchange is over.
  mutating func sendStreamTrailers(_ id: Int32, _ base: UnsafePointer<UInt8>) {
    let connection = connections[exchanges[id].pointee.client]
    var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
    writeTrailers(&writer, base)
    // Behind the last chunk, before the empty line.
    let (start, end) = (3, writer.count - 2)
    guard end > start else { return }
    // What is left of the request is of no use any more.
    buffers.giveBack(&connection.pointee.input)
    if buffers.append(writeScratch + start, end - start, to: &connection.pointee.input) {
      connection.pointee.flags.insert(.hasTrailers)
    }
  }

  /// Sends the trailers that were kept, and the stream's end with them.
  mutating func sendKeptTrailers(_ slot: Int32) {
    connections[slot].pointee.flags.remove(.hasTrailers)
    if connections[slot].pointee.role == .upstream {
      let exchange = exchanges[connections[slot].pointee.exchange]
      let (kept, start) = (exchange.pointee.kept, Int(exchange.pointee.keptTrailers))
      return sendStreamLines(slot, status: nil, kept.memory! + start, Int(kept.end) - start, endsStream: true)
    }
    let input = connections[slot].pointee.input
    sendStreamLines(slot, status: nil, input.first, input.count, endsStream: true)
    buffers.giveBack(&connections[slot].pointee.input)
  }

  /// Answers a stream in its backend's stead, and ends the exchange.
  mutating func answerStream(_ id: Int32, _ code: RefusalCode) {
    let exchange = exchanges[id]
    let client = exchange.pointee.client
    if connections[client].pointee.flags.contains(.isGRPC) {
      refuseGRPC(exchange, code)
    } else {
      var writer = ByteWriter(writeScratch, capacity: Self.bodyPlace)
      let body = writeBody(exchange, code)
      writeHead(&writer, exchange, code, body.count)
      let hasBody = !exchange.pointee.flags.contains(.isHead)
      sendStreamAnswer(client, status: code.status, head: writer.count, body: hasBody ? body.count : 0)
      exchange.pointee.bytesOut += UInt64(writer.count + (hasBody ? body.count : 0))
    }
    finish(id, then: .next)
  }

  /// Sends an answer of the proxy's own whose head is at the start of the write scratch, its body at `bodyPlace`.
  mutating func sendStreamAnswer(_ slot: Int32, status: UInt16, head: Int, body: Int) {
    var line = 0
    while writeScratch[line] != UInt8(ascii: "\n") { line += 1 }
    sendStreamLines(
      slot, status: status, writeScratch + line + 1, head - line - 1, endsStream: body == 0)
    if body > 0 { sendStreamData(slot, writeScratch + Self.bodyPlace, body, endsStream: true) }
  }

  /// The other side of a WebSocket has agreed: to the client that is a success, and DATA from now on (RFC 8441 §5).
  mutating func openStreamTunnel(_ id: Int32, _ base: UnsafePointer<UInt8>, _ head: ResponseHead) {
    var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
    for index in 0..<head.fieldCount {
      let field = parser.fields[index]
      let name = base + Int(field.name.start)
      if DroppedFields.responseWithoutLength.contains(field.id) || field.isNamedByConnection { continue }
      if field.name.count == 20, FieldText.matches(name, 20, "sec-websocket-accept") { continue }
      writer.append(base + Int(field.line.start), field.line.count)
    }
    exchanges[id].pointee.bytesOut += UInt64(writer.count)
    sendStreamLines(exchanges[id].pointee.client, status: 200, writeScratch, writer.count, endsStream: false)
  }
}
