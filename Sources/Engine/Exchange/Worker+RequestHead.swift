import HTTP
import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Bytes that the proxy's own fields of a request take at most, names and values.
  private static var ownFields: Int { 2048 }

  /// Builds the request head as the backend gets it in the exchange's own buffer; false when it would be too large.
  mutating func keepRequest(
    _ id: Int32, _ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ head: RequestHead
  ) -> Bool {
    let exchange = exchanges[id]
    let texts = (view.keepsRecords ? 4 * Limit.loggedText : 0) + limitTextCount
    var kept = buffers.take(head.length + Self.ownFields + 3 * head.host.count + texts)
    var writer = ByteWriter(kept.memory!, capacity: BufferPool.capacity(kept.size))
    if view.keepsRecords { writeTexts(&writer, exchange, base, head) }
    if limitTextCount > 0 { keepLimitText(&writer, exchange) }
    kept.start = Int32(writer.count)
    let line = writeRequestLine(&writer, exchange, base, head)
    writeFields(&writer, exchange, base, head, behind: line)
    writeTenant(&writer, exchange)
    writeForwarding(&writer, exchange, slot, base, head)
    writeBodyFields(&writer, exchange, base, head)
    if exchange.pointee.alarm >= 0 { writeDeadline(&writer, exchange) }
    writer.append("\r\n")
    kept.end = Int32(writer.count)
    exchange.pointee.kept = kept
    exchange.pointee.keptHead = kept.end
    return !writer.hasOverflowed
  }

  /// Keeps what the access log wants of a request that is refused.
  mutating func keepTexts(_ id: Int32, _ base: UnsafePointer<UInt8>, _ head: RequestHead) {
    let exchange = exchanges[id]
    let isTrusted = connections[exchange.pointee.client].pointee.flags.contains(.isTrusted)
    var kept = buffers.take(head.length + 4 * Limit.loggedText + limitTextCount)
    var writer = ByteWriter(kept.memory!, capacity: BufferPool.capacity(kept.size))
    writeTexts(&writer, exchange, base, head)
    exchange.pointee.texts.method = mark(&writer, base + Int(head.methodText.start), head.methodText.count)
    exchange.pointee.texts.path = mark(&writer, base + Int(head.path.start), min(head.path.count, Limit.loggedText))
    if exchange.pointee.tenant >= 0 { writeTenant(&writer, exchange) }
    let start = Int32(writer.count)
    if !(isTrusted && writeRequestID(&writer, base, head)) { writeFreshID(&writer) }
    exchange.pointee.texts.requestID = ByteRange(start, Int32(writer.count))
    keepLimitText(&writer, exchange)
    kept.end = Int32(writer.count)
    exchange.pointee.kept = kept
  }

  /// Writes the request line; returns the bytes of the client's that are still to be written before its fields: the line
  /// itself, where it is passed on as it came.
  private mutating func writeRequestLine(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>,
    _ head: RequestHead
  ) -> ByteRange {
    if head.minorVersion == 1, head.path.start == head.target.start, head.host.count > 0 {
      let start = head.methodText.start
      let shift = Int32(writer.count) &- start
      exchange.pointee.texts.method = ByteRange(start &+ shift, head.methodText.end &+ shift)
      exchange.pointee.texts.path = ByteRange(head.path.start &+ shift, head.path.end &+ shift)
      return ByteRange(start, head.lineEnd)
    }
    exchange.pointee.texts.method = mark(&writer, base + Int(head.methodText.start), head.methodText.count)
    writer.append(byte: UInt8(ascii: " "))
    let start = Int32(writer.count)
    if head.path.count == 0 {
      // An authority alone: the server as a whole where its options are asked for (RFC 9112 §3.2.4).
      writer.append(byte: head.method == .options ? UInt8(ascii: "*") : UInt8(ascii: "/"))
    } else if base[Int(head.path.start)] == UInt8(ascii: "?") {
      writer.append(byte: UInt8(ascii: "/"))
    }
    writer.append(base + Int(head.path.start), head.path.count)
    exchange.pointee.texts.path = ByteRange(start, Int32(writer.count))
    writer.append(" HTTP/1.1\r\n")
    if head.host.count == 0 { writer.append("Host:\r\n") }
    return .none
  }

  /// Passes the client's fields on as runs of their original bytes, the first of them behind `line`.
  private mutating func writeFields(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>,
    _ head: RequestHead, behind line: ByteRange
  ) {
    let isTrusted = connections[exchange.pointee.client].pointee.flags.contains(.isTrusted)
    var drop = isTrusted ? DroppedFields.request : DroppedFields.untrustedRequest
    if parser.hasUnusualLength { drop = DroppedFields.withLength(drop) }
    if exchange.pointee.alarm >= 0 { drop = drop.union(DroppedFields.deadlines) }
    if view.addsForwarded { drop.insert(.forwarded) }
    let unremovable = DroppedFields.unremovable
    let mayNameTenant = view.rules._withUnsafeGuaranteedRef { $0.hasHeader }
    var start = line.start
    var end = line.end
    for index in 0..<head.fieldCount {
      let field = parser.fields[index]
      let isDropped =
        drop.contains(field.id) || (field.isNamedByConnection && !unremovable.contains(field.id))
        || (field.hasUnderscore && field.id != .other) || (mayNameTenant && view.isTenantField(field, base))
      if isDropped { continue }
      if field.line.start != end {
        writer.append(base + Int(start), Int(end - start))
        start = field.line.start
      }
      end = field.line.end
    }
    writer.append(base + Int(start), Int(end - start))
  }

  /// Says whose request it is and where it was placed.
  private mutating func writeTenant(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    let tenant = exchange.pointee.tenant
    let name = view.directory._withUnsafeGuaranteedRef { $0.idBytes(of: tenant) }
    writer.append("X-Tenant-ID: ")
    exchange.pointee.texts.tenant = mark(&writer, name.baseAddress!, name.count)
    writer.append("\r\nX-Placement-Shard: ")
    if let shard = shardEntry(exchange.pointee.shard) {
      exchange.pointee.texts.shard = mark(&writer, shard.pointee.name.bytes, shard.pointee.name.count)
    }
    writer.append("\r\nX-Placement-Epoch: ")
    writer.append(decimal: Int64(truncatingIfNeeded: exchange.pointee.epoch))
    writer.append("\r\n")
  }

  private mutating func mark(_ writer: inout ByteWriter, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> ByteRange {
    let start = Int32(writer.count)
    writer.append(bytes, count)
    return ByteRange(start, Int32(writer.count))
  }

  private mutating func writeForwarding(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ slot: Int32,
    _ base: UnsafePointer<UInt8>, _ head: RequestHead
  ) {
    let connection = connections[slot]
    let isTrusted = connection.pointee.flags.contains(.isTrusted)
    writer.append("X-Forwarded-For: ")
    if isTrusted, head.seen.contains(.xForwardedFor) { writeValues(of: .xForwardedFor, &writer, base, head) }
    if connection.pointee.port == 0 { writer.append("unknown") } else { writer.append(connection.pointee.address) }
    if !isTrusted || !head.seen.contains(.xForwardedProto) {
      // Two calls, so that each is a copy of a constant.
      if connection.pointee.flags.contains(.isSecure) {
        writer.append("\r\nX-Forwarded-Proto: https")
      } else {
        writer.append("\r\nX-Forwarded-Proto: http")
      }
    }
    if (!isTrusted || !head.seen.contains(.xForwardedHost)) && head.host.count > 0 {
      writer.append("\r\nX-Forwarded-Host: ")
      writer.append(base + Int(head.host.start), head.host.count)
    }
    if view.addsForwarded { writeForwarded(&writer, connection, base, head) }
    writer.append("\r\nX-Request-Id: ")
    let start = Int32(writer.count)
    if !(isTrusted && writeRequestID(&writer, base, head)) { writeFreshID(&writer) }
    exchange.pointee.texts.requestID = ByteRange(start, Int32(writer.count))
    writer.append("\r\nVia: 1.1 gatehouse\r\n")
  }

  /// Adds the client to the chain of a trusted peer, or begins one: what can't be read is not passed on.
  @inline(never)
  private mutating func writeForwarded(
    _ writer: inout ByteWriter, _ connection: UnsafeMutablePointer<Connection>, _ base: UnsafePointer<UInt8>,
    _ head: RequestHead
  ) {
    writer.append("\r\nForwarded: ")
    if connection.pointee.flags.contains(.isTrusted), head.seen.contains(.forwarded), isForwardedChain(base, head) {
      writeValues(of: .forwarded, &writer, base, head)
    }
    ForwardedField.write(
      for: connection.pointee.port == 0 ? nil : connection.pointee.address,
      host: UnsafeBufferPointer(start: base + Int(head.host.start), count: head.host.count),
      isSecure: connection.pointee.flags.contains(.isSecure), to: &writer)
  }

  /// Whether all values of Forwarded together are a chain that another element may be added to.
  private mutating func isForwardedChain(_ base: UnsafePointer<UInt8>, _ head: RequestHead) -> Bool {
    var elements = 0
    for index in 0..<head.fieldCount where parser.fields[index].id == .forwarded {
      guard let count = ForwardedField.count(base, parser.fields[index].value) else { return false }
      elements += count
    }
    return elements < ForwardedField.elementBound
  }

  /// A request id of 32 digits.
  mutating func writeFreshID(_ writer: inout ByteWriter) {
    writer.append(hex16: random.next())
    writer.append(hex16: random.next())
  }

  /// The values of a field, each with ", " behind it.
  private mutating func writeValues(
    of name: FieldName, _ writer: inout ByteWriter, _ base: UnsafePointer<UInt8>, _ head: RequestHead
  ) {
    for index in 0..<head.fieldCount where parser.fields[index].id == name && !parser.fields[index].hasUnderscore {
      let value = parser.fields[index].value
      guard value.count > 0 else { continue }
      writer.append(base + Int(value.start), value.count)
      writer.append(", ")
    }
  }

  /// A trusted peer's request id, if it is one of 1 to 128 visible characters; false when there is none.
  private mutating func writeRequestID(_ writer: inout ByteWriter, _ base: UnsafePointer<UInt8>, _ head: RequestHead)
    -> Bool
  {
    guard head.seen.contains(.xRequestID) else { return false }
    for index in 0..<head.fieldCount where parser.fields[index].id == .xRequestID {
      let value = parser.fields[index].value
      guard (1...128).contains(value.count) else { return false }
      for place in Int(value.start)..<Int(value.end) where base[place] <= 0x20 || base[place] >= 0x7F { return false }
      writer.append(base + Int(value.start), value.count)
      return true
    }
    return false
  }

  /// Writes a length in the one way that all read alike.
  mutating func writeLength(_ writer: inout ByteWriter, _ length: Int64) {
    writer.append("Content-Length: ")
    writer.append(decimal: length)
    writer.append("\r\n")
  }

  /// Says how the body is framed, and passes a wanted upgrade on.
  private mutating func writeBodyFields(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>,
    _ head: RequestHead
  ) {
    if head.framing == .chunked { writer.append("Transfer-Encoding: chunked\r\n") }
    if parser.hasUnusualLength { writeLength(&writer, head.contentLength) }
    guard exchange.pointee.flags.contains(.wantsUpgrade) else { return }
    writer.append("Connection: Upgrade\r\n")
    for index in 0..<head.fieldCount where parser.fields[index].id == .upgrade {
      let value = parser.fields[index].value
      writer.append("Upgrade: ")
      writer.append(base + Int(value.start), value.count)
      writer.append("\r\n")
    }
  }

  /// Keeps what the access log wants of the head before what is sent; `kept` holds it until the exchange ends.
  private mutating func writeTexts(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>,
    _ head: RequestHead
  ) {
    exchange.pointee.texts.host = mark(&writer, base + Int(head.host.start), min(head.host.count, 255))
    let tenant = exchange.pointee.tenant
    let plan = tenant < 0 ? -1 : view.directory._withUnsafeGuaranteedRef { $0.plan(of: tenant) }
    if plan >= 0 {
      exchange.pointee.texts.plan = mark(&writer, view.plans[Int(plan)].bytes, view.plans[Int(plan)].count)
    }
    guard head.seen.contains(.userAgent) || head.seen.contains(.referer) else { return }
    for index in 0..<head.fieldCount {
      let field = parser.fields[index]
      let count = min(field.value.count, Limit.loggedText)
      if field.id == .userAgent {
        exchange.pointee.texts.userAgent = mark(&writer, base + Int(field.value.start), count)
      } else if field.id == .referer {
        exchange.pointee.texts.referer = mark(&writer, base + Int(field.value.start), count)
      }
    }
  }
}
