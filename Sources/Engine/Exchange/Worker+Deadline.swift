import HTTP
import Primitives

/// The fields that gave an exchange a deadline, each a bit.
struct DeadlineFields: OptionSet, BitwiseCopyable {
  let rawValue: UInt8
  /// `grpc-timeout`.
  static let grpc = DeadlineFields(rawValue: 1)
  /// `X-Request-Timeout`.
  static let request = DeadlineFields(rawValue: 2)
}

extension Worker where N: ~Copyable {
  /// Gives an exchange the shortest time that its request's fields say, from the request's first byte on: a slot of its
  /// own keeps the time. Values that are none count for nothing. False when there is no slot.
  @inline(never)
  mutating func takeDeadline(_ id: Int32, _ base: UnsafePointer<UInt8>, _ head: RequestHead) -> Bool {
    var (span, fields) = (Int64.max, DeadlineFields())
    for index in 0..<head.fieldCount where !parser.fields[index].hasUnderscore {
      let field = parser.fields[index]
      if field.id == .grpcTimeout, let time = RequestTimeout.grpc(base, field.value) {
        span = min(span, time)
        fields.insert(.grpc)
      } else if field.id == .xRequestTimeout, let time = RequestTimeout.duration(base, field.value) {
        span = min(span, time)
        fields.insert(.request)
      }
    }
    guard !fields.isEmpty else { return true }
    let slot = connections.insert(Connection(socket: Connection.noSocket, role: .alarm, phase: .waiting))
    guard slot >= 0 else { return false }
    // Like a stream it has no socket that could be closed.
    connections[slot].pointee.flags = .isStream
    connections[slot].pointee.exchange = id
    exchanges[id].pointee.alarm = slot
    exchanges[id].pointee.deadlines = fields
    setDeadline(slot, exchanges[id].pointee.started.advanced(by: span))
    return true
  }

  /// Whether the deadline of an exchange that has one has passed.
  func isTooLate(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    connections[exchange.pointee.alarm].pointee.timer.deadline <= network.now
  }

  /// Gives back the slot that kept an exchange's time.
  mutating func endAlarm(_ exchange: UnsafeMutablePointer<Exchange>) {
    let slot = exchange.pointee.alarm
    exchange.pointee.alarm = -1
    closeConnection(slot, resetting: false)
  }

  /// Tells the backend how much time is left. What is written is as long each time: blanks behind a value mean nothing.
  mutating func writeDeadline(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    let left = connections[exchange.pointee.alarm].pointee.timer.deadline - network.now
    if exchange.pointee.deadlines.contains(.grpc) {
      writer.append("grpc-timeout: ")
      let end = writer.count + RequestTimeout.grpcCount
      RequestTimeout.writeGRPC(left, &writer)
      endPadded(&writer, at: end)
    }
    if exchange.pointee.deadlines.contains(.request) {
      writer.append("X-Request-Timeout: ")
      let end = writer.count + RequestTimeout.millisecondsCount
      RequestTimeout.writeMilliseconds(left, &writer)
      endPadded(&writer, at: end)
    }
  }

  private func endPadded(_ writer: inout ByteWriter, at end: Int) {
    while writer.count < end, !writer.hasOverflowed { writer.append(byte: UInt8(ascii: " ")) }
    writer.append("\r\n")
  }

  /// Writes anew how much time is left, at the end of the kept head, before it is sent.
  @inline(never)
  mutating func renewDeadline(_ exchange: UnsafeMutablePointer<Exchange>) {
    let fields = exchange.pointee.deadlines
    var count = 0
    if fields.contains(.grpc) { count += "grpc-timeout: \r\n".utf8.count + RequestTimeout.grpcCount }
    if fields.contains(.request) { count += "X-Request-Timeout: \r\n".utf8.count + RequestTimeout.millisecondsCount }
    let place = Int(exchange.pointee.keptHead) - "\r\n".utf8.count - count
    var writer = ByteWriter(exchange.pointee.kept.memory! + place, capacity: count)
    writeDeadline(&writer, exchange)
  }

  /// The client waits no longer: ends the exchange, and its stream or connection to the backend.
  mutating func alarmIsDue(_ slot: Int32) {
    let id = connections[slot].pointee.exchange
    let exchange = exchanges[id]
    exchange.pointee.code = .responseTimeout
    // What a client thinks too long says nothing of those who serve it.
    exchange.pointee.flags.remove(.isWatched)
    let isCall = connections[exchange.pointee.client].pointee.flags.contains(.isGRPC)
    if exchange.pointee.flags.contains(.isAnswered), isCall, exchange.pointee.delivery != .length {
      return endCall(id, .responseTimeout)
    }
    failRequest(id, .responseTimeout)
  }
}
