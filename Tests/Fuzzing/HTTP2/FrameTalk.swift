import HTTP
import HTTPReference
import Primitives

/// One end of a connection of HTTP/2 whose owner answers at once; it writes down what the machine tells.
final class FrameTalk {
  /// How the owner behaves.
  struct Manner {
    /// Streams are answered as soon as they begin, not when they end.
    var answersAtOnce = false
    /// Bodies are given back piece by piece, not with their stream.
    var givesBack = false
    /// Records of streams that were reset are kept as long as may be.
    var keepsResets = false
    /// Streams that may be open at once.
    var streams = 4
  }

  private var connection: HTTP2Connection
  private var text = HeadText()
  private let manner: Manner
  private let bounds: HTTP2Bounds
  private var input: [UInt8] = []
  /// What happened, in words; pieces of bodies are not told apart.
  private(set) var log: [String] = []
  /// All that it sent.
  private(set) var sent: [UInt8] = []
  /// The bodies that came, by stream.
  private(set) var bodies: [UInt32: [UInt8]] = [:]
  /// Heads and trailers that were let through, with the number of blocks before each.
  private(set) var heads: [(isRequest: Bool, text: [UInt8])] = []
  /// Whether the connection is over.
  var hasFailed: Bool { connection.hasFailed }

  init(_ role: HTTP2Connection.Role, _ manner: Manner) {
    var bounds = HTTP2Bounds()
    bounds.headerSize = 1024
    bounds.headerCount = 12
    bounds.streams = manner.streams
    bounds.resets = 20
    self.bounds = bounds
    self.manner = manner
    connection = HTTP2Connection(role, bounds: bounds)
    drain()
  }

  /// Takes the bytes that came next; throws when the machine breaks a promise.
  func take(_ bytes: some Collection<UInt8>) throws {
    input += bytes
    while !connection.hasFailed {
      let copy = PaddedCopy(input)
      let event = connection.receive(
        UnsafePointer(copy.base), copy.count, at: Instant(nanoseconds: .second), text: &text)
      try require((0...input.count).contains(event.consumed), "\(event.consumed) of \(input.count) bytes are used")
      let start = event.start
      if event.kind == .data {
        try require(start >= 0 && event.count >= 0 && start + event.count <= event.consumed, "a piece out of bounds")
      }
      let piece = event.kind == .data ? Array(input[start..<start + event.count]) : []
      try note(event, piece)
      input.removeFirst(event.consumed)
      drain()
      try check()
      guard event.kind != .needsMore else {
        // A whole frame is never left lying.
        return try require(input.count < 9 + 16_384, "\(input.count) bytes wait")
      }
      try require(event.consumed > 0 || event.kind == .failed, "\(event.kind) without progress")
    }
    input = []
  }

  /// Opens a stream of ours and asks for something on it.
  func ask(_ head: String, ends: Bool) {
    let place = connection.openStream(owner: 0)
    guard place >= 0 else { return }
    let head = PaddedCopy(head.utf8)
    frame(place, ends: ends, room: HPACKEncoder.room(head.count)) {
      $0.pointee.add(request: head.base, head.count, isSecure: false, takesTrailers: false)
    }
  }

  private func frame(_ place: Int32, ends: Bool, room: Int, _ fill: (UnsafeMutablePointer<HPACKEncoder>) -> Void) {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: HTTP2Connection.headersRoom(room))
    defer { memory.deallocate() }
    connection.encoder.pointee.begin(at: memory + 9)
    fill(connection.encoder)
    let count = connection.frameHeaders(of: place, connection.encoder.pointee.count, endsStream: ends, at: memory)
    sent += UnsafeBufferPointer(start: memory, count: count)
  }

  private func note(_ event: HTTP2Event, _ piece: [UInt8]) throws {
    let id = event.place >= 0 ? connection.stream(event.place).pointee.id : 0
    if event.place >= 0 { try require(id != 0, "\(event.kind) of a stream that is none") }
    let end = event.endsStream ? " end" : ""
    switch event.kind {
    case .needsMore, .progress: return
    case .request, .response, .trailers:
      let bytes = Array(UnsafeBufferPointer(start: text.bytes, count: text.count))
      if text.outcome == .complete { heads.append((event.kind != .trailers, bytes)) }
      log.append("\(event.kind) \(id) \(text.outcome) \(shown(bytes))\(end)")
    case .data:
      bodies[id, default: []] += piece
      if event.endsStream { log.append("end \(id)") }
    default: log.append("\(event.kind) \(id) \(event.code)\(end)")
    }
    if event.place >= 0, event.kind != .windowOpened { serve(event, piece.count) }
  }

  /// What an owner does: answers, gives back, lets go.
  private func serve(_ event: HTTP2Event, _ count: Int) {
    let place = event.place
    if event.kind == .reset {
      if !manner.keepsResets || connection.streamCount == manner.streams { connection.release(place) }
      return
    }
    if event.kind == .data, manner.givesBack { connection.release(count, of: place) }
    let stream = connection.stream(place)
    if connection.role == .server, !stream.pointee.hasSentEnd, manner.answersAtOnce || stream.pointee.hasEnded {
      frame(place, ends: false, room: 64) { $0.pointee.add(status: 200) }
      let count = min(connection.allowance(of: place), 10)
      var frame = [UInt8](repeating: 0x61, count: 9 + count)
      connection.frameData(of: place, count, endsStream: true, at: &frame)
      sent += frame
    }
    if stream.pointee.hasEnded, stream.pointee.hasSentEnd || connection.role == .client { connection.release(place) }
  }

  private func drain() {
    sent += UnsafeBufferPointer(start: connection.outbox, count: connection.outboxCount)
    connection.emptyOutbox()
  }

  /// What holds after each step.
  private func check() throws {
    try require(connection.streamCount <= bounds.streams, "\(connection.streamCount) streams are open")
    try require(connection.placeCount <= Int32(bounds.streams), "\(connection.placeCount) places")
    var open = 0
    var held: Int64 = 0
    for place in 0..<connection.placeCount where connection.stream(place).pointee.id != 0 {
      open += 1
      held += connection.stream(place).pointee.held
      try require(connection.stream(place).pointee.held >= 0, "less than nothing is held")
    }
    try requireEqual(open, connection.streamCount, "streams are lost")
    try require(held <= 1 << 20, "\(held) bytes of bodies are held")
    try require(text.count <= HeadText.sizeBound, "a head of \(text.count) bytes")
  }
}
