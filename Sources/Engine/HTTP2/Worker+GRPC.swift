import HTTP
import Primitives

extension RefusalCode {
  /// What a refusal is to a client of gRPC: its status, as the mapping of HTTP statuses has it, but for limits.
  var grpcStatus: Int64 {
    switch self {
    case .none: 0
    case .badRequest, .tenantConflict, .headTooLarge, .targetTooLong, .misdirected: 13
    case .tenantUnknown, .upgradeUnsupported: 12
    case .tenantSuspended, .tenantReadOnly: 7
    case .tenantGone: 5
    case .rateLimited, .concurrencyLimited, .bodyTooLarge: 8
    case .responseTimeout, .requestTimeout: 4
    case .overloaded, .noBackend, .breakerOpen, .connectFailed, .badResponse, .moveHoldOverflow, .moveHoldTimeout,
      .tenantMoved, .tenantMaintenance, .noTestShard, .regionPinned:
      14
    }
  }
}

extension Worker where N: ~Copyable {
  /// Notes that the request whose head the parser holds is one of gRPC.
  mutating func noteGRPC(_ slot: Int32) {
    guard parser.request.method == .post else { return }
    guard let place = parser.place(of: "content-type", among: parser.request.fieldCount, headText.bytes) else { return }
    let value = parser.fields[place].value
    let type = headText.bytes + Int(value.start)
    guard FieldText.begins(type, value.count, "application/grpc") else { return }
    // `application/grpc`, `application/grpc+proto`, not `application/grpc-web`.
    let isWhole = value.count == 16 || type[16] == UInt8(ascii: "+") || type[16] == UInt8(ascii: ";")
    if isWhole { connections[slot].pointee.flags.insert(.isGRPC) }
  }

  /// Refuses a call of gRPC: a success of HTTP whose only section says why, and when to try again.
  mutating func refuseGRPC(_ exchange: UnsafeMutablePointer<Exchange>, _ code: RefusalCode) {
    var writer = ByteWriter(writeScratch, capacity: Self.bodyPlace)
    writer.append("content-type: application/grpc\r\ngrpc-status: ")
    writer.append(decimal: code.grpcStatus)
    writer.append("\r\ngrpc-message: ")
    writer.append(code.name)
    if let seconds = retryAfter(exchange, code) {
      writer.append("\r\ngrpc-retry-pushback-ms: ")
      writer.append(
        decimal: code == .rateLimited
          ? (exchange.pointee.admission.wait + .millisecond - 1) / .millisecond : seconds * 1000)
    }
    writer.append("\r\nproxy-status: gatehouse; error=")
    writer.append(code.proxyError)
    writer.append("\r\n")
    let isLimited = code == .rateLimited || exchange.pointee.texts.rateLimit.count > 0
    if isLimited || exchange.pointee.flags.contains(.showsRate) { writeRateLimit(&writer, exchange) }
    if connections[exchange.pointee.client].pointee.flags.contains(.isStrict) {
      writeStrictTransport(&writer, exchange.pointee.client)
    }
    exchange.pointee.bytesOut += UInt64(writer.count)
    sendStreamLines(exchange.pointee.client, status: 200, writeScratch, writer.count, endsStream: true)
  }
  /// Ends a call of gRPC whose answer has begun: its trailers say why.
  mutating func endCall(_ id: Int32, _ code: RefusalCode) {
    let connection = connections[exchanges[id].pointee.client]
    dropUpstream(id)
    var writer = ByteWriter(writeScratch, capacity: Self.bodyPlace)
    writer.append("grpc-status: ")
    writer.append(decimal: code.grpcStatus)
    writer.append("\r\ngrpc-message: ")
    writer.append(code.name)
    writer.append("\r\n")
    // What is left of the request is of no use any more.
    buffers.giveBack(&connection.pointee.input)
    if buffers.append(writeScratch, writer.count, to: &connection.pointee.input) {
      connection.pointee.flags.insert(.hasTrailers)
    }
    finish(id, then: .next)
  }
}
