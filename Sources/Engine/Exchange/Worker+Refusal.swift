import HTTP
import Primitives
import Tenancy

extension TenantSource {
  /// The source as the access log says it.
  var text: StaticString? {
    switch self {
    case .none: nil
    case .host: "host"
    case .wildcard: "wildcard"
    case .subdomain: "subdomain"
    case .header: "header"
    case .path: "path"
    case .fallback: "fallback"
    case .certificate: "certificate"
    }
  }
}

extension Worker where N: ~Copyable {
  /// Where the body of an answer is built, behind room for its head.
  static var bodyPlace: Int { 16 << 10 }

  /// Answers a request whose head the parser holds; returns how many of `count` bytes were used.
  ///
  /// The connection stays open when the request's end is known and at hand.
  mutating func refuse(
    _ id: Int32, _ code: RefusalCode, _ base: UnsafeMutablePointer<UInt8>, _ count: Int, _ head: RequestHead
  ) -> Int {
    let exchange = exchanges[id]
    var used = head.length
    if head.framing == .length, head.contentLength <= Int64(count - head.length) {
      used += Int(head.contentLength)
      exchange.pointee.bytesIn += UInt64(head.contentLength)
      exchange.pointee.flags.insert(.isRequestComplete)
    }
    if code == .badRequest { exchange.pointee.flags.remove(.keepsClient) }
    for index in 0..<head.fieldCount where parser.fields[index].id == .accept {
      if Accept.prefersHTML(base, parser.fields[index].value) { exchange.pointee.flags.insert(.prefersHTML) }
    }
    buffers.giveBack(&exchange.pointee.kept)
    keepTexts(id, base, head)
    answerFailure(id, code)
    return used
  }

  /// Answers in the backend's stead, and ends the exchange.
  mutating func answerFailure(_ id: Int32, _ code: RefusalCode) {
    let exchange = exchanges[id]
    exchange.pointee.code = code
    exchange.pointee.status = code.status
    if exchange.pointee.flags.contains(.isWatched) { noteEnd(exchange, code) }
    exchange.pointee.flags.insert(.isAnswered)
    if !exchange.pointee.flags.contains(.isRequestComplete) || isDraining {
      exchange.pointee.flags.remove(.keepsClient)
    }
    connections[exchange.pointee.client].pointee.phase = .waiting
    if exchange.pointee.flags.contains(.isStream) { return answerStream(id, code) }
    var writer = ByteWriter(writeScratch, capacity: Self.bodyPlace)
    let body = writeBody(exchange, code)
    writeHead(&writer, exchange, code, body.count)
    var count = writer.count
    if !exchange.pointee.flags.contains(.isHead) {
      (writeScratch + count).update(from: writeScratch + Self.bodyPlace, count: body.count)
      count += body.count
    }
    guard sendResponseBytes(id, writeScratch, count) else { return }
    finish(id, then: exchange.pointee.flags.contains(.keepsClient) ? .next : .close)
  }

  mutating func writeHead(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ code: RefusalCode, _ length: Int
  ) {
    writer.append("HTTP/1.1 ")
    writer.append(decimal: Int64(code.status))
    writer.append(byte: UInt8(ascii: " "))
    writer.append(code.reason)
    let isHTML = exchange.pointee.flags.contains(.prefersHTML)
    writer.append(isHTML ? "\r\nContent-Type: text/html; charset=utf-8" : "\r\nContent-Type: application/problem+json")
    writer.append("\r\nContent-Length: ")
    writer.append(decimal: Int64(length))
    writer.append("\r\nDate: ")
    writeDate(&writer)
    writer.append("\r\nCache-Control: no-store\r\nProxy-Status: gatehouse; error=")
    writer.append(code.proxyError)
    writer.append("\r\n")
    if let seconds = retryAfter(exchange, code) {
      writer.append("Retry-After: ")
      writer.append(decimal: seconds)
      writer.append("\r\n")
    }
    let hitRate =
      code == .rateLimited || exchange.pointee.flags.contains(.showsRate) || exchange.pointee.texts.rateLimit.count > 0
    if hitRate { writeRateLimit(&writer, exchange) }
    if connections[exchange.pointee.client].pointee.flags.contains(.isStrict) {
      writeStrictTransport(&writer, exchange.pointee.client)
    }
    writeConnection(&writer, exchange)
    writer.append("\r\n")
  }

  /// Seconds after which trying again makes sense, at least one; `nil` when it doesn't.
  mutating func retryAfter(_ exchange: UnsafeMutablePointer<Exchange>, _ code: RefusalCode) -> Int64? {
    switch code {
    case .rateLimited, .overloaded:
      // Without a limit the wait is none.
      max(1, (exchange.pointee.admission.wait + .second - 1) / .second)
    case .concurrencyLimited, .noBackend, .moveHoldOverflow, .moveHoldTimeout, .tenantMoved: 1
    case .breakerOpen: max(1, (breakerWait(exchange) + .second - 1) / .second)
    case .tenantReadOnly, .tenantMaintenance:
      wait(for: exchange.pointee.tenant, orElse: code == .tenantReadOnly ? nil : 60)
    default: nil
    }
  }

  /// Seconds until a tenant is active again, if that was said.
  private mutating func wait(for tenant: TenantIndex, orElse usual: Int64?) -> Int64? {
    let until = view.directory._withUnsafeGuaranteedRef { $0.condition(of: tenant).until }
    guard until > 0 else { return usual }
    return max(1, (until - network.wallClock() / .millisecond + 999) / 1000)
  }

  /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of the tenant's request rate.
  mutating func writeRateLimit(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    if exchange.pointee.texts.rateLimit.count > 0 {
      let text = bytes(of: exchange.pointee.texts.rateLimit, in: exchange)
      return writer.append(text.baseAddress!, text.count)
    }
    let rate = exchange.pointee.rate
    guard rate.count > 0 else { return }
    writer.append("RateLimit-Policy: \"requests\";q=")
    writer.append(decimal: rate.count)
    writer.append(";w=")
    writer.append(decimal: max(1, rate.period / .second))
    if rate.burst != rate.count {
      writer.append(";gh-burst=")
      writer.append(decimal: rate.burst)
    }
    writer.append("\r\nRateLimit: \"requests\";r=")
    writer.append(decimal: exchange.pointee.admission.remaining)
    writer.append(";t=")
    writer.append(decimal: (exchange.pointee.admission.wait + .second - 1) / .second)
    writer.append("\r\n")
    if view.addsLegacyRateLimits {
      writeLegacyLimit(&writer, rate.count, exchange.pointee.admission.remaining, wait: exchange.pointee.admission.wait)
    }
  }

  /// Builds the body of an answer (RFC 9457, or a short page) at `bodyPlace`.
  mutating func writeBody(_ exchange: UnsafeMutablePointer<Exchange>, _ code: RefusalCode) -> ByteWriter {
    var writer = ByteWriter(writeScratch + Self.bodyPlace, capacity: 8 << 10)
    let tenant = bytes(of: exchange.pointee.texts.tenant, in: exchange)
    var request = bytes(of: exchange.pointee.texts.requestID, in: exchange)
    if request.count == 0 { request = freshRequestID() }
    if exchange.pointee.flags.contains(.prefersHTML) {
      writePage(&writer, code, request)
    } else {
      writeProblem(&writer, exchange, code, tenant, request)
    }
    return writer
  }

  private mutating func bytes(of range: ByteRange, in exchange: UnsafeMutablePointer<Exchange>) -> UnsafeBufferPointer<
    UInt8
  > {
    guard let memory = exchange.pointee.kept.memory, range.count > 0 else {
      return UnsafeBufferPointer(start: UnsafePointer(nameScratch), count: 0)
    }
    return UnsafeBufferPointer(start: memory + Int(range.start), count: range.count)
  }

  /// A request id of 32 digits, good until `nameScratch` is used again.
  private mutating func freshRequestID() -> UnsafeBufferPointer<UInt8> {
    var writer = ByteWriter(nameScratch + 512, capacity: 64)
    writeFreshID(&writer)
    return UnsafeBufferPointer(start: nameScratch + 512, count: writer.count)
  }

  private mutating func writeProblem(
    _ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>, _ code: RefusalCode,
    _ tenant: UnsafeBufferPointer<UInt8>, _ request: UnsafeBufferPointer<UInt8>
  ) {
    writer.append("{\"type\":\"")
    writer.append(problemType(code))
    writer.append("\",\"title\":\"")
    writer.append(code.reason)
    writer.append("\",\"status\":")
    writer.append(decimal: Int64(code.status))
    writer.append(",\"code\":\"")
    writer.append(code.name)
    writer.append("\",\"detail\":\"")
    writer.append(code.title)
    if tenant.count > 0 {
      writer.append("\",\"tenant\":\"")
      writer.append(tenant.baseAddress!, tenant.count)
    }
    writer.append("\",\"request_id\":\"")
    for byte in request where byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") { writer.append(byte: byte) }
    if limitName(exchange) != nil {
      writeViolated(&writer, exchange)
    } else {
      writer.append("\"}\n")
    }
  }

  private mutating func problemType(_ code: RefusalCode) -> StaticString {
    switch code {
    case .rateLimited, .concurrencyLimited: "https://iana.org/assignments/http-problem-types#quota-exceeded"
    case .overloaded, .breakerOpen, .moveHoldOverflow, .moveHoldTimeout, .tenantMoved, .tenantMaintenance:
      "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
    default: "about:blank"
    }
  }

  private mutating func writePage(
    _ writer: inout ByteWriter, _ code: RefusalCode, _ request: UnsafeBufferPointer<UInt8>
  ) {
    writer.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
    writer.append(decimal: Int64(code.status))
    writer.append(" ")
    writer.append(code.reason)
    writer.append("</title></head>\n<body><h1>")
    writer.append(code.reason)
    writer.append("</h1><p>")
    writer.append(code.title)
    writer.append("</p><p><small>")
    writer.append(code.name)
    writer.append(" &middot; request ")
    for byte in request where byte != UInt8(ascii: "<") && byte != UInt8(ascii: "&") { writer.append(byte: byte) }
    writer.append("</small></p></body></html>\n")
  }

  /// Answers a client whose request could not be read, and takes nothing more from it.
  mutating func refuseUnread(_ slot: Int32, _ code: RefusalCode, received: Int) {
    mine[WorkerPlace.refused + Int(code.rawValue)].add()
    recordUnread(slot, code, received: received)
    var exchange = Exchange(client: slot, started: network.now)
    withUnsafeMutablePointer(to: &exchange) { exchange in
      var writer = ByteWriter(writeScratch, capacity: Self.bodyPlace)
      let body = writeBody(exchange, code)
      writeHead(&writer, exchange, code, body.count)
      let count = writer.count
      if connections[slot].pointee.flags.contains(.isStream) {
        sendStreamAnswer(slot, status: code.status, head: count, body: body.count)
        return closeStream(slot)
      }
      (writeScratch + count).update(from: writeScratch + Self.bodyPlace, count: body.count)
      if send(slot, writeScratch, count + body.count) { partFrom(slot) } else { closeClient(slot, resetting: false) }
    }
  }

  /// Tells a client over the bound on connections so.
  mutating func refuseSurplus(_ slot: Int32) {
    connections[slot].pointee.headStarted = network.now
    guard connections[slot].pointee.flags.contains(.isHTTP2Only) else {
      return refuseUnread(slot, .overloaded, received: 0)
    }
    // Who speaks HTTP/2 only learns it by a GOAWAY: no stream was looked at, all may be sent elsewhere.
    mine[WorkerPlace.refused + Int(RefusalCode.overloaded.rawValue)].add()
    recordUnread(slot, .overloaded, received: 0)
    startHTTP2(slot)
    connections[slot].pointee.http2!.pointee.machine.finishShutdown()
    takeOutbox(slot)
    closeIfDrained(slot)
  }
}
