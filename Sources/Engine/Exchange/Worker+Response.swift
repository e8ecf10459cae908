import HTTP
import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Passes an interim response on (RFC 9110, section 15.2); returns how many bytes it had.
  mutating func passInterim(_ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let exchange = exchanges[id]
    let head = parser.response
    exchange.pointee.interim += 1
    guard Int(exchange.pointee.interim) <= Limit.interimResponses else {
      upstreamIsBad(slot)
      return count
    }
    guard exchange.pointee.minorVersion >= 1, !exchange.pointee.flags.contains(.isAnswered) else { return head.length }
    if exchange.pointee.flags.contains(.isStream) {
      if !sendStreamHead(id, base, head, endsStream: false) { upstreamIsBad(slot) }
      return head.length
    }
    var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
    writeResponseLines(&writer, base, head, dropping: DroppedFields.responseWithoutLength)
    writer.append("\r\n")
    _ = sendResponseBytes(id, writeScratch, writer.count)
    return head.length
  }

  /// Passes the final response's head on with what came of its body; returns how many bytes were used.
  mutating func startResponse(_ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let exchange = exchanges[id]
    let head = parser.response
    counters.prefetchRow(ofTenant: exchange.pointee.tenant)
    if head.seen.contains(.xPlacementStale), redirectStale(slot, id, head) { return count }
    exchange.pointee.phase = .receiving
    exchange.pointee.status = head.status
    if exchange.pointee.flags.contains(.isWatched) { noteAnswer(exchange, base) }
    if head.seen.contains(.xRequestCost) { chargeCost(exchange, base) }
    exchange.pointee.response.framing = head.framing
    exchange.pointee.response.remaining = head.contentLength
    decideDelivery(exchange, head)
    if head.status == 401, bindsConnection(base) { exchange.pointee.flags.remove(.keepsUpstream) }
    // What comes by HTTP/2 ends with its stream, whatever its length.
    if exchange.pointee.flags.contains(.toHTTP2), head.framing != .none {
      exchange.pointee.response.framing = .untilClose
    }
    if exchange.pointee.flags.contains(.isStream) { return startStreamResponse(slot, id, base, count) }
    var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
    writeResponseHead(&writer, exchange, base, head)
    guard !writer.hasOverflowed else {
      upstreamIsBad(slot)
      return count
    }
    exchange.pointee.flags.insert(.isAnswered)
    let framing = head.framing
    if framing == .none || (framing == .length && head.contentLength == 0) {
      guard sendResponseBytes(id, writeScratch, writer.count) else { return count }
      let isSurplus = count > head.length
      if isSurplus { exchange.pointee.flags.remove(.keepsUpstream) }
      endResponse(id)
      return isSurplus ? count : head.length
    }
    connections[slot].pointee.phase = .body
    setDeadline(slot, network.now.advanced(by: idleTimeout(exchange)))
    guard count > head.length else {
      _ = sendResponseBytes(id, writeScratch, writer.count)
      return head.length
    }
    return head.length + takeResponseBody(slot, id, base + head.length, count - head.length, behind: writer.count)
  }

  /// How the body is delimited towards the client, and whether both connections outlive it.
  private mutating func decideDelivery(_ exchange: UnsafeMutablePointer<Exchange>, _ head: ResponseHead) {
    var keepsClient = exchange.pointee.flags.contains(.keepsClient) && !isDraining
    switch head.framing {
    case .none, .length: exchange.pointee.delivery = head.framing
    case .chunked, .untilClose:
      let isFramed = exchange.pointee.minorVersion >= 1 && !exchange.pointee.flags.contains(.isStream)
      exchange.pointee.delivery = isFramed ? .chunked : .untilClose
      if exchange.pointee.minorVersion == 0 { keepsClient = false }
    }
    if !exchange.pointee.flags.contains(.isRequestComplete) { keepsClient = false }
    if keepsClient { exchange.pointee.flags.insert(.keepsClient) } else { exchange.pointee.flags.remove(.keepsClient) }
    if head.wantsKeepAlive, head.framing != .untilClose { exchange.pointee.flags.insert(.keepsUpstream) }
  }

  /// Whether a backend wants to know who is asking by the connection, not by each request (NTLM and Negotiate, RFC 4559): it
  /// must not be used for anybody else.
  @inline(never)
  private mutating func bindsConnection(_ base: UnsafePointer<UInt8>) -> Bool {
    var place = -1
    while let next = parser.place(of: "www-authenticate", from: place + 1, among: parser.response.fieldCount, base) {
      let value = parser.fields[next].value
      let scheme = base + Int(value.start)
      if FieldText.begins(scheme, value.count, "ntlm") || FieldText.begins(scheme, value.count, "negotiate") {
        return true
      }
      place = next
    }
    return false
  }

  /// Writes the status line; returns the bytes of the backend's that are still to be written before its fields: the line
  /// itself, where it is passed on as it came.
  private mutating func writeStatusLine(
    _ writer: inout ByteWriter, _ base: UnsafePointer<UInt8>, _ head: ResponseHead
  ) -> ByteRange {
    // Behind version and status stands a space, which some leave out before an empty reason.
    if head.minorVersion == 1, head.reason.start == 13 { return ByteRange(0, head.lineEnd) }
    writer.append("HTTP/1.1 ")
    // Three digits: the parser takes no other status.
    writer.append(byte: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: head.status / 100))
    writer.append(byte: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: head.status / 10 % 10))
    writer.append(byte: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: head.status % 10))
    writer.append(byte: UInt8(ascii: " "))
    writer.append(base + Int(head.reason.start), head.reason.count)
    writer.append("\r\n")
    return .none
  }

  /// Passes the backend's status line and fields on, as runs of their original bytes.
  private mutating func writeResponseLines(
    _ writer: inout ByteWriter, _ base: UnsafePointer<UInt8>, _ head: ResponseHead, dropping: FieldSet
  ) {
    let line = writeStatusLine(&writer, base, head)
    var start = line.start
    var end = line.end
    for index in 0..<head.fieldCount {
      let field = parser.fields[index]
      if dropping.contains(field.id) || (field.isNamedByConnection && field.id != .contentLength) { continue }
      if field.line.start != end {
        writer.append(base + Int(start), Int(end - start))
        start = field.line.start
      }
      end = field.line.end
    }
    writer.append(base + Int(start), Int(end - start))
  }

  private mutating func writeResponseHead(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>,
    _ head: ResponseHead
  ) {
    let hasNoLength = head.framing == .chunked || head.status < 200 || head.status == 204
    let losesLength = hasNoLength || parser.hasUnusualLength
    let drop = losesLength ? DroppedFields.responseWithoutLength : DroppedFields.response
    writeResponseLines(&writer, base, head, dropping: drop)
    if losesLength, !hasNoLength { writeLength(&writer, head.contentLength) }
    if exchange.pointee.delivery == .chunked { writer.append("Transfer-Encoding: chunked\r\n") }
    if exchange.pointee.flags.contains(.setsCookie) { writeCookie(&writer, exchange) }
    if exchange.pointee.flags.contains(.showsRate) { writeRateLimit(&writer, exchange) }
    if connections[exchange.pointee.client].pointee.flags.contains(.isStrict), !isStrictAlready(base, head) {
      writeStrictTransport(&writer, exchange.pointee.client)
    }
    writeConnection(&writer, exchange)
    writer.append("\r\n")
  }

  /// Tells the client whether its connection stays open, where its version makes it doubtful.
  mutating func writeConnection(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    if !exchange.pointee.flags.contains(.keepsClient) {
      writer.append("Connection: close\r\n")
    } else if exchange.pointee.minorVersion == 0 {
      writer.append("Connection: keep-alive\r\n")
    }
  }

  /// Sets the cookie that binds the client to the backend that answered.
  mutating func writeCookie(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    let place = loadOfBackend[Int(exchange.pointee.backend)]
    guard place >= 0, let shard = shardEntry(exchange.pointee.shard), shard.pointee.cookie.count > 0 else { return }
    let tenant = exchange.pointee.texts.tenant
    let kept = exchange.pointee.kept
    guard let memory = kept.memory, tenant.count > 0 else { return }
    let expiry = network.wallClock() / .second + shard.pointee.cookieLifetime
    AffinityCookie.write(
      process.affinityKey,
      tenant: UnsafeBufferPointer(start: UnsafePointer(memory + Int(tenant.start)), count: tenant.count),
      shard: shard.pointee.hash, backend: view.backends[Int(place)].key, epoch: exchange.pointee.epoch, expiry: expiry,
      into: nameScratch)
    writer.append("Set-Cookie: ")
    writer.append(shard.pointee.cookie.bytes, shard.pointee.cookie.count)
    writer.append("=")
    writer.append(nameScratch, AffinityCookie.encodedCount)
    writer.append("; Path=/; Max-Age=")
    writer.append(decimal: shard.pointee.cookieLifetime)
    writer.append("; HttpOnly; SameSite=Lax\r\n")
  }

  /// Takes a piece of a response body and sends it to the client, behind `prefix` bytes of the write scratch.
  mutating func takeResponseBody(
    _ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int, behind prefix: Int = 0
  ) -> Int {
    let exchange = exchanges[id]
    let delivery = exchange.pointee.delivery
    var piece = exchange.pointee.response.take(base, count, for: delivery)
    var used = piece.used
    if piece.outcome == .trailers, let length = passTrailersAtOnce(id, &piece, base + used, count - used) {
      used += length
      piece.outcome = .ended
    }
    if prefix == 0 { setDeadline(slot, network.now.advanced(by: idleTimeout(exchange))) }
    guard sendBehind(id, prefix, piece) else { return count }
    switch piece.outcome {
    case .more: break
    case .trailers: connections[slot].pointee.phase = .trailers
    case .bad: upstreamIsBad(slot)
    case .ended:
      if used < count { exchange.pointee.flags.remove(.keepsUpstream) }
      endResponse(id)
      return count
    }
    return used
  }

  /// Ends a chunked body behind `piece` in place, when its trailer section is there and empty, as it nearly always is.
  private mutating func passTrailersAtOnce(
    _ id: Int32, _ piece: inout BodyPiece, _ rest: UnsafeMutablePointer<UInt8>, _ count: Int
  ) -> Int? {
    guard count >= 2, rest[0] == UInt8(ascii: "\r"), rest[1] == UInt8(ascii: "\n") else { return nil }
    guard exchanges[id].pointee.delivery == .chunked else { return 2 }
    // The last chunk's line and the empty line are used up: five bytes fit where they were, data or not.
    let end = piece.bytes + piece.count
    guard end + 5 <= rest + 2 else { return nil }
    let last: StaticString = "0\r\n\r\n"
    end.update(from: last.utf8Start, count: 5)
    piece.count += 5
    return 2
  }

  /// Sends a piece behind a head in the write scratch, copied together when it is small.
  private mutating func sendBehind(_ id: Int32, _ prefix: Int, _ piece: BodyPiece) -> Bool {
    if exchanges[id].pointee.flags.contains(.isStream) {
      exchanges[id].pointee.bytesOut += UInt64(piece.count)
      sendStreamData(exchanges[id].pointee.client, piece.bytes, piece.count, endsStream: piece.outcome == .ended)
      return true
    }
    guard prefix > 0 else { return sendResponseBytes(id, piece.bytes, piece.count) }
    if piece.count <= Limit.copiedBody, prefix + piece.count <= Limit.writeScratch {
      (writeScratch + prefix).update(from: piece.bytes, count: piece.count)
      return sendResponseBytes(id, writeScratch, prefix + piece.count)
    }
    exchanges[id].pointee.bytesOut += UInt64(prefix + piece.count)
    let client = exchanges[id].pointee.client
    if send(client, writeScratch, prefix, piece.bytes, piece.count) { return true }
    abandonClient(client)
    return false
  }

  /// Takes the trailer section of a response, if it is in whole; returns how many bytes it had, 0 when more must come.
  mutating func takeResponseTrailers(
    _ slot: Int32, _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int
  ) -> Int {
    let outcome = parser.parseTrailers(base, count, sizeBound: Limit.trailers, countBound: view.bounds.headerCount)
    guard outcome != .incomplete else { return 0 }
    guard outcome == .complete else {
      upstreamIsBad(slot)
      return count
    }
    let length = parser.trailerLength
    if exchanges[id].pointee.flags.contains(.isWatched) { noteTrailers(exchanges[id], base) }
    if exchanges[id].pointee.delivery == .chunked {
      var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
      writeTrailers(&writer, base)
      guard sendResponseBytes(id, writeScratch, writer.count) else { return count }
      // The last chunk stands before them: a response by HTTP/2 gets no other.
      exchanges[id].pointee.response.framing = .chunked
    } else if exchanges[id].pointee.flags.contains(.isStream) {
      sendStreamTrailers(id, base)
    }
    if length < count { exchanges[id].pointee.flags.remove(.keepsUpstream) }
    endResponse(id)
    return count
  }

  /// Sends bytes of a response to its client; false when the client is gone and the exchange with it.
  mutating func sendResponseBytes(_ id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard count > 0 else { return true }
    exchanges[id].pointee.bytesOut += UInt64(count)
    let client = exchanges[id].pointee.client
    if exchanges[id].pointee.flags.contains(.isStream) {
      sendStreamData(client, bytes, count, endsStream: false)
      return true
    }
    if send(client, bytes, count) { return true }
    abandonClient(client)
    return false
  }

  /// The response is through.
  mutating func endResponse(_ id: Int32) {
    let exchange = exchanges[id]
    if exchange.pointee.delivery == .chunked, exchange.pointee.response.framing == .untilClose {
      let last: StaticString = "0\r\n\r\n"
      guard sendResponseBytes(id, last.utf8Start, 5) else { return }
    }
    if exchange.pointee.flags.contains(.isWatched) { noteWhole(exchange) }
    releaseUpstream(id)
    finish(id, then: exchange.pointee.flags.contains(.keepsClient) ? .next : .close)
  }

  /// Gives the connection to the backend back to its pool, if both sides of the exchange are through with it.
  private mutating func releaseUpstream(_ id: Int32) {
    let exchange = exchanges[id]
    let slot = exchange.pointee.upstream
    guard slot >= 0 else { return }
    let connection = connections[slot]
    noteResponse(exchange)
    if connection.pointee.flags.contains(.isStream) {
      detach(id, slot)
      return endBackendStream(slot)
    }
    let isClean =
      exchange.pointee.flags.contains(.keepsUpstream) && exchange.pointee.flags.contains(.isRequestComplete)
      && !connection.pointee.output.isAllocated && !connection.pointee.flags.contains(.peerEnded) && isDrained(slot)
    detach(id, slot)
    // What is left of a head's buffer, if the response came in pieces, is used up by now.
    buffers.giveBack(&connection.pointee.input)
    if isClean {
      pool(slot)
    } else {
      closeConnection(slot, resetting: !exchange.pointee.flags.contains(.isRequestComplete))
    }
  }

  /// Whether nothing unasked for waits on a connection whose response is through.
  private mutating func isDrained(_ slot: Int32) -> Bool {
    guard connections[slot].pointee.flags.contains(.readable) else { return true }
    return receive(slot, nameScratch, 1) == 0
  }
}
