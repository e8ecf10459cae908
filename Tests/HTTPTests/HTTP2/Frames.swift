import HTTP
import Primitives

/// Frames in the making.
enum Frames {
  static func frame(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = UInt32(payload.count)
    return [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags] + word(stream) + payload
  }

  static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * UInt32($0)) & 255) } }

  static func data(_ stream: UInt32, _ payload: [UInt8] = [], ends: Bool = false) -> [UInt8] {
    frame(0, ends ? 1 : 0, stream, payload)
  }

  static func headers(_ stream: UInt32, _ fields: [(String, String)] = get, ends: Bool = true) -> [UInt8] {
    frame(1, ends ? 5 : 4, stream, block(fields))
  }

  static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, 0, stream, word(code)) }

  static func settings(_ values: [(UInt16, UInt32)] = []) -> [UInt8] {
    frame(4, 0, 0, values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + word($0.1) })
  }

  static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] { frame(8, 0, stream, word(increment)) }

  static let acknowledgement = frame(4, 1)
  static let ping = frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let get = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a.example")]
  static let post = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a.example")]

  /// A block of literals that are not indexed.
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + string($0.0) + string($0.1) }
  }

  private static func string(_ text: String) -> [UInt8] {
    let bytes = latin(text)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var rest = bytes.count - 127
    var count: [UInt8] = [127]
    while rest >= 128 {
      count.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return count + [UInt8(rest)] + bytes
  }
}

/// A connection with somebody who writes down what it tells.
final class Talk {
  var connection: HTTP2Connection
  var text = HeadText()
  var now = Instant(nanoseconds: 0)
  /// What happened, a word or two each.
  var log: [String] = []
  /// What it sent.
  var sent: [UInt8] = []
  /// The last head or trailers.
  var head = ""
  /// Whether streams are given back as soon as they are reset.
  var releases = true
  private var input: [UInt8] = []

  init(_ role: HTTP2Connection.Role = .server, _ bounds: HTTP2Bounds = HTTP2Bounds()) {
    connection = HTTP2Connection(role, bounds: bounds)
    drain()
  }

  /// A server whose client has said what it must say first.
  static func open(_ bounds: HTTP2Bounds = HTTP2Bounds(), settings: [(UInt16, UInt32)] = []) -> Talk {
    let talk = Talk(.server, bounds)
    talk.say(Frames.preface + Frames.settings(settings) + Frames.acknowledgement)
    talk.sent = []
    talk.log = []
    return talk
  }

  /// Takes bytes, in pieces of `size`.
  func say(_ bytes: [UInt8], pieces size: Int = .max) {
    var at = 0
    while at < bytes.count {
      let end = at + min(size, bytes.count - at)
      input += bytes[at..<end]
      at = end
      take()
    }
  }

  private func take() {
    while !connection.hasFailed {
      let padded = PaddedBytes(input)
      let event = connection.receive(padded.base, input.count, at: now, text: &text)
      note(event, input)
      input.removeFirst(min(event.consumed, input.count))
      drain()
      if event.kind == .needsMore { return }
    }
    input = []
  }

  private func note(_ event: HTTP2Event, _ bytes: [UInt8]) {
    let id = event.place >= 0 ? connection.stream(event.place).pointee.id : 0
    switch event.kind {
    case .needsMore, .progress: return
    case .request, .response, .trailers:
      head = String(decoding: UnsafeBufferPointer(start: text.bytes, count: text.count), as: UTF8.self)
      let outcome = text.outcome == .complete ? "" : " \(text.outcome)"
      log.append("\(event.kind) \(id)\(outcome)\(event.endsStream ? " end" : "")")
    case .data:
      log.append("data \(id) \(event.count)\(event.endsStream ? " end" : "")")
    case .reset:
      log.append("reset \(id) \(event.code)")
      if releases { connection.release(event.place) }
    case .windowOpened: log.append("open \(id)")
    case .failed: log.append("failed \(event.code)")
    default: log.append("\(event.kind)")
    }
  }

  func drain() {
    sent += UnsafeBufferPointer(start: connection.outbox, count: connection.outboxCount)
    connection.emptyOutbox()
  }

  var hasFailed: Bool { connection.hasFailed }
  var flood: FloodKind? { connection.flood }
  var streamCount: Int { connection.streamCount }

  /// What the connection answers.
  func ask<Answer>(_ question: (inout HTTP2Connection) -> Answer) -> Answer { question(&connection) }

  /// The place of stream `id`.
  func place(_ id: UInt32) -> Int32 {
    (0..<connection.placeCount).first { connection.stream($0).pointee.id == id } ?? -1
  }

  /// Answers stream `id` with a status and perhaps an end.
  func answer(_ id: UInt32, ends: Bool = true) {
    let bytes = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
      let start = buffer.baseAddress!
      connection.encoder.pointee.begin(at: start + 9)
      connection.encoder.pointee.add(status: 200)
      count = connection.frameHeaders(of: place(id), connection.encoder.pointee.count, endsStream: ends, at: start)
    }
    sent += bytes
    if ends { connection.release(place(id)) }
    drain()
  }

  /// The frames sent so far, each as type, stream and what matters of its payload.
  var frames: [String] {
    var at = 0
    var frames: [String] = []
    while at + 9 <= sent.count {
      let header = sent.withUnsafeBufferPointer { FrameHeader($0.baseAddress! + at) }
      let payload = Array(sent[(at + 9)..<(at + 9 + header.length)])
      func word(_ place: Int) -> UInt32 { payload[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }
      func code(_ place: Int) -> String { "\(HTTP2ErrorCode(rawValue: word(place))!)" }
      let type = FrameType(rawValue: header.type)!
      switch type {
      case .resetStream: frames.append("reset \(header.stream) \(code(0))")
      case .goAway: frames.append("goAway \(word(0) & 0x7FFF_FFFF) \(code(4))")
      case .windowUpdate: frames.append("windowUpdate \(header.stream) \(word(0))")
      default: frames.append("\(type) \(header.stream) \(header.flags) \(header.length)")
      }
      at += 9 + header.length
    }
    return frames
  }
}
