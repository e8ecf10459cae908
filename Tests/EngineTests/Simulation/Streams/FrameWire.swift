import HTTPReference
import Primitives

@testable import HTTP

/// A script's end of a connection of HTTP/2: the machine of the HTTP room reads and frames, the script says what.
///
/// A tight one announces small windows, tells of them once they are half empty, and sees whether the other side
/// keeps to that.
final class FrameWire {
  /// What came.
  enum Item {
    case head(Int32, Head, ends: Bool)
    case data(Int32, [UInt8], ends: Bool)
    case trailers(Int32, [(name: String, value: String)])
    /// A stream is over before its time.
    case reset(Int32, HTTP2ErrorCode)
    /// No stream above this one is served.
    case goAway(last: UInt32, HTTP2ErrorCode)
    /// The peer broke the rules.
    case bad(String)
  }

  /// What waits to be sent of a stream.
  private struct Body {
    var bytes = ByteQueue()
    var isEnded = false
    var trailers: [UInt8] = []
    /// Bytes sent so far.
    var sent = 0
  }

  private var machine: HTTP2Connection
  private var text = HeadText()
  private let memory: UnsafeMutablePointer<UInt8>
  private static let capacity = 1 << 17
  private var start = 0
  private var end = 0
  private var outbox = Outbox()
  private var bodies: [Int32: Body] = [:]
  private let window: Int?
  /// Streams that began before the peer knew of the tight window: the one before SETTINGS is theirs.
  private var early: Set<Int32> = []
  /// The longest payload of DATA that is framed.
  var piece = 16_384
  /// Rotates the streams' turns.
  private var turn = 0

  /// An end that takes `streams` at once; `window` bytes of each stream's bodies when it is tight.
  init(_ role: HTTP2Connection.Role, streams: Int = 128, window: Int? = nil) {
    var bounds = HTTP2Bounds()
    bounds.streams = streams
    bounds.headerSize = 64 << 10
    // No script is of the patience that a proxy must not have.
    bounds.resets = 100_000
    self.window = window
    memory = .allocate(capacity: FrameWire.capacity + 64)
    memory.initialize(repeating: 0, count: FrameWire.capacity + 64)
    machine = HTTP2Connection(role, bounds: bounds)
    takeOutbox()
  }

  deinit { memory.deallocate() }

  var hasFailed: Bool { machine.hasFailed }
  /// Streams that have not been let go.
  var streamCount: Int { machine.streamCount }
  /// Whether all that was said is on its way.
  var isDrained: Bool { outbox.isEmpty && bodies.isEmpty }
  /// Whether the peer takes further streams.
  var mayAsk: Bool { machine.lastStream == 0x7FFF_FFFF && !machine.hasFailed }

  /// The number of the stream at `place`.
  func number(_ place: Int32) -> UInt32 { machine.stream(place).pointee.id }
  /// Whether the script's half of a stream has ended.
  func hasSentEnd(_ place: Int32) -> Bool { machine.stream(place).pointee.hasSentEnd }
  /// Whether all of a stream's own body that was said so far is sent.
  func sentCount(_ place: Int32) -> Int { bodies[place]?.sent ?? .max }

  // MARK: Receiving

  func feed(_ bytes: [UInt8]) {
    if start > 0 {
      memory.update(from: memory + start, count: end - start)
      (start, end) = (0, end - start)
    }
    precondition(end + bytes.count <= FrameWire.capacity)
    for (place, byte) in bytes.enumerated() { memory[end + place] = byte }
    end += bytes.count
  }

  /// Most bytes that may be fed now.
  var room: Int { FrameWire.capacity - (end - start) }

  func next(at now: Instant) -> Item? {
    while !machine.hasFailed {
      let event = machine.receive(memory + start, end - start, at: now, text: &text)
      let item = item(event)
      start += event.consumed
      takeOutbox()
      if let item { return item }
      if event.kind == .needsMore { return nil }
    }
    return nil
  }

  private func item(_ event: HTTP2Event) -> Item? {
    switch event.kind {
    case .needsMore, .progress, .windowOpened, .shutdownReached: return nil
    case .request, .response:
      if event.kind == .request, !machine.isAcknowledged { early.insert(event.place) }
      guard text.outcome == .complete, let head = MessageReader.head(textBytes) else {
        return .bad("a head of outcome \(text.outcome)")
      }
      return .head(event.place, head, ends: event.endsStream)
    case .data:
      let bytes = Array(UnsafeBufferPointer(start: memory + start + event.start, count: event.count))
      if let violation = excess(event.place) { return .bad(violation) }
      return .data(event.place, bytes, ends: event.endsStream)
    case .trailers:
      guard text.outcome == .complete, let fields = MessageReader.trailers(textBytes) else {
        return .bad("trailers of outcome \(text.outcome)")
      }
      return .trailers(event.place, fields)
    case .reset: return .reset(event.place, event.code)
    case .malformed: return .bad("a malformed request")
    case .goAway: return .goAway(last: machine.lastStream, event.code)
    case .failed: return .bad("frames that end the connection with \(event.code)")
    }
  }

  private var textBytes: [UInt8] { Array(UnsafeBufferPointer(start: text.bytes, count: text.count)) }

  /// What is wrong with DATA of a stream, by tight windows.
  private func excess(_ place: Int32) -> String? {
    guard let window else { return nil }
    let spare = HTTP2Bounds.connectionWindow - HTTP2Settings.defaultWindow
    if machine.receiveWindow < spare { return "DATA beyond the window of the connection" }
    let granted = early.contains(place) ? HTTP2Settings.defaultWindow : Int64(window)
    let isOver = machine.stream(place).pointee.receiveWindow < HTTP2Bounds.streamWindow - granted
    return isOver ? "DATA beyond the window of stream \(number(place))" : nil
  }

  /// The script has taken care of bytes of a body: as many more may come.
  func giveBack(_ count: Int, of place: Int32) {
    guard count > 0 else { return }
    machine.release(count, of: place)
    let stream = machine.stream(place)
    if let window, stream.pointee.credit > window / 2, !stream.pointee.hasEnded, !stream.pointee.isReset {
      tell(stream.pointee.credit, of: stream.pointee.id)
      stream.pointee.receiveWindow += stream.pointee.credit
      stream.pointee.credit = 0
    }
    takeOutbox()
  }

  private func tell(_ count: Int64, of number: UInt32) {
    outbox.add(ReferenceFrames.Frame(8, 0, number, ReferenceFrames.word(UInt32(count))).bytes)
  }

  // MARK: Sending

  /// Opens a stream and asks `head`, the text of a request; -1 when the peer takes none now.
  func ask(_ head: [UInt8], ends: Bool) -> Int32 {
    let place = machine.openStream(owner: -1)
    guard place >= 0 else { return -1 }
    frame(place, HPACKEncoder.room(head.count), ends: ends) { encoder, memory in
      encoder.pointee.add(request: memory, head.count, isSecure: false, takesTrailers: false)
    } _: {
      head
    }
    if !ends { bodies[place] = Body() }
    return place
  }

  /// Opens a stream with fields as they are, which no encoder would send.
  func askRaw(_ fields: [(String, String)]) -> Int32 {
    let place = machine.openStream(owner: -1)
    guard place >= 0 else { return -1 }
    outbox.add(ReferenceFrames.Frame(1, 4, number(place), FrameWire.block(fields)).bytes)
    bodies[place] = Body()
    return place
  }

  /// Literals that are not indexed.
  private static func block(_ fields: [(String, String)]) -> [UInt8] {
    var block: [UInt8] = []
    for (name, value) in fields {
      block.append(0)
      for text in [name, value] { block += [UInt8(text.utf8.count)] + Array(text.utf8) }
    }
    return block
  }

  /// Answers with `head`, the text of a response.
  func answer(_ place: Int32, _ head: [UInt8], ends: Bool) {
    let line = head.firstIndex(of: 10)! + 1
    let status = UInt16(String(decoding: head[9..<12], as: UTF8.self))!
    frame(place, HPACKEncoder.room(head.count), ends: ends) { encoder, memory in
      encoder.pointee.add(status: status)
      encoder.pointee.add(lines: memory + line, head.count - line)
    } _: {
      head
    }
    if !ends, status >= 200 { bodies[place] = bodies[place] ?? Body() }
  }

  /// Answers with fields as they are.
  func answerRaw(_ place: Int32, _ fields: [(String, String)]) {
    outbox.add(ReferenceFrames.Frame(1, 4, number(place), FrameWire.block(fields)).bytes)
  }

  private func frame(
    _ place: Int32, _ room: Int, ends: Bool,
    _ fill: (UnsafeMutablePointer<HPACKEncoder>, UnsafePointer<UInt8>) -> Void, _ head: () -> [UInt8]
  ) {
    let padded = head() + [UInt8](repeating: 0, count: 64)
    let frames = [UInt8](unsafeUninitializedCapacity: HTTP2Connection.headersRoom(room)) { buffer, count in
      let start = buffer.baseAddress!
      machine.encoder.pointee.begin(at: start + FrameHeader.count)
      padded.withUnsafeBufferPointer { fill(machine.encoder, $0.baseAddress!) }
      count = machine.frameHeaders(of: place, machine.encoder.pointee.count, endsStream: ends, at: start)
    }
    outbox.add(frames)
  }

  /// Adds to a stream's body, and ends it, perhaps with trailers.
  func add(_ bytes: [UInt8], to place: Int32, ends: Bool, trailers: [UInt8] = []) {
    guard bodies[place] != nil else { return }
    bodies[place]!.bytes.append(bytes)
    bodies[place]!.isEnded = ends
    bodies[place]!.trailers = trailers
  }

  func reset(_ place: Int32, _ code: HTTP2ErrorCode) {
    bodies[place] = nil
    machine.reset(place, code)
    takeOutbox()
  }

  /// Lets a stream go.
  func release(_ place: Int32) {
    bodies[place] = nil
    early.remove(place)
    machine.release(place)
    takeOutbox()
  }

  /// Says that no further stream is served.
  func goAway() {
    machine.finishShutdown()
    takeOutbox()
  }

  /// Frames what windows allow and sends what fits, at most `bound` bytes; returns how many went.
  @discardableResult
  func flush(_ link: Link, _ bound: Int = .max) -> Int {
    var moved = 0
    while true {
      frameBodies()
      let count = outbox.flush(link, bound - moved)
      moved += count
      if count == 0 { return moved }
    }
  }

  /// Frames a piece of each stream in turn, while not too much of it waits.
  private func frameBodies() {
    var places = bodies.keys.sorted()
    guard !places.isEmpty else { return }
    turn += 1
    places = Array(places[(turn % places.count)...] + places[..<(turn % places.count)])
    var isIdle = false
    while !isIdle, outbox.count < 32 << 10 {
      isIdle = true
      for place in places where bodies[place] != nil { if framePiece(place) { isIdle = false } }
    }
  }

  private func framePiece(_ place: Int32) -> Bool {
    var body = bodies[place]!
    let count = min(body.bytes.count, machine.allowance(of: place), piece)
    let isLast = body.isEnded && count == body.bytes.count
    guard count > 0 || isLast else { return false }
    let ends = isLast && body.trailers.isEmpty
    var frame = [UInt8](repeating: 0, count: FrameHeader.count)
    if count > 0 || ends {
      machine.frameData(of: place, count, endsStream: ends, at: &frame)
      outbox.add(frame + body.bytes.take(count))
      body.sent += count
    }
    bodies[place] = isLast ? nil : body
    if isLast, !body.trailers.isEmpty {
      let trailers = body.trailers
      self.frame(place, HPACKEncoder.room(trailers.count), ends: true) { encoder, memory in
        encoder.pointee.add(lines: memory, trailers.count)
      } _: {
        trailers
      }
    }
    return true
  }

  /// Takes the machine's short frames; a tight end tells of its windows itself.
  private func takeOutbox() {
    if window != nil, machine.credit > HTTP2Settings.defaultWindow / 4 {
      tell(machine.credit, of: 0)
      machine.receiveWindow += machine.credit
      machine.credit = 0
    }
    guard machine.outboxCount > 0 else { return }
    var bytes = Array(UnsafeBufferPointer(start: machine.outbox, count: machine.outboxCount))
    machine.emptyOutbox()
    guard let window else { return outbox.add(bytes) }
    if bytes.first == UInt8(ascii: "P") {
      outbox.add(Array(bytes.prefix(24)))
      bytes.removeFirst(24)
    }
    for var frame in ReferenceFrames(bytes).all where frame.type != 8 {
      if frame.type == 4, frame.flags == 0 { announce(UInt32(window), in: &frame) }
      outbox.add(frame.bytes)
    }
  }

  /// Puts the tight window into SETTINGS.
  private func announce(_ window: UInt32, in frame: inout ReferenceFrames.Frame) {
    for at in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[at + 1] == 4 {
      frame.payload.replaceSubrange(at + 2..<at + 6, with: ReferenceFrames.word(window))
    }
  }
}
