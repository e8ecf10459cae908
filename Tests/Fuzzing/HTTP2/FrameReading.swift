import HTTPReference

/// What one side of a connection said in frames, by stream, as the slow readers see it.
struct FrameReading {
  /// One stream.
  struct Stream: Equatable {
    /// The final head, or the first: its fields in their order.
    var fields: [ReferenceFieldDecoder.Field] = []
    /// The data without padding.
    var body: [UInt8] = []
    /// Whether its end was said.
    var isWhole = false
    /// Whether it was reset.
    var isReset = false

    /// A field's value, the first one if there are several.
    func value(_ name: String) -> String? {
      fields.first { $0.name == Array(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
    }
  }

  /// The streams with a head, by number.
  private(set) var streams: [UInt32: Stream] = [:]
  /// Streams that were reset, with a head or without.
  private(set) var resets: Set<UInt32> = []
  /// Why the connection was ended; nil when it was not, or without fault.
  private(set) var fault: UInt32?
  /// Bytes that are no whole frame.
  private(set) var rest: ArraySlice<UInt8>
  /// What no peer may say.
  private(set) var violation: String?
  /// Whether a block was read that can't be.
  private(set) var isGarbled = false

  private var decoder = ReferenceFieldDecoder(tableSize: 4096)
  private var block: [UInt8] = []

  /// Reads what was said behind any preface.
  init(_ bytes: [UInt8]) {
    let frames = ReferenceFrames(bytes)
    rest = frames.rest
    for frame in frames.all where !isGarbled { take(frame) }
    if !isGarbled, let frame = FrameReading.unpaddedFrame(Array(rest)) { take(frame) }
  }

  /// A frame of DATA that lacks nothing but padding: what it has to say is there.
  private static func unpaddedFrame(_ bytes: [UInt8]) -> ReferenceFrames.Frame? {
    guard bytes.count > 9, bytes[3] == 0, bytes[4] & 8 != 0 else { return nil }
    let length = bytes[0..<3].reduce(0) { $0 << 8 | Int($1) }
    guard Int(bytes[9]) < length, bytes.count >= 9 + length - Int(bytes[9]) else { return nil }
    let missing = [UInt8](repeating: 0, count: 9 + length - bytes.count)
    return ReferenceFrames(bytes + missing).all.first
  }

  private mutating func take(_ frame: ReferenceFrames.Frame) {
    switch frame.type {
    case 0:
      guard let data = frame.unpadded else { return violation = "bad padding" }
      change(frame.stream) { $0.body += data }
      if frame.flags & 1 != 0 { end(frame.stream) }
    case 1:
      guard var fragment = frame.unpadded else { return violation = "bad padding" }
      if frame.flags & 0x20 != 0 { fragment = Array(fragment.dropFirst(5)) }
      block = fragment
      if frame.flags & 4 != 0 { takeBlock(frame.stream) }
      if frame.flags & 1 != 0 { end(frame.stream) }
    case 3:
      if !resets.insert(frame.stream).inserted { violation = "two resets of \(frame.stream)" }
      streams[frame.stream]?.isReset = true
    case 7 where frame.payload.count >= 8:
      if frame.word(4) != 0 { fault = frame.word(4) }
    case 9:
      block += frame.payload
      if frame.flags & 4 != 0 { takeBlock(frame.stream) }
    default: return
    }
  }

  private mutating func takeBlock(_ id: UInt32) {
    guard let fields = decoder.decode(block) else { return isGarbled = true }
    block = []
    guard var stream = streams[id] else { return streams[id] = Stream(fields: fields) }
    // An interim head makes way for the next; trailers are let go.
    if stream.value(":status")?.first == "1" { stream.fields = fields }
    streams[id] = stream
  }

  private mutating func end(_ id: UInt32) { change(id) { $0.isWhole = true } }

  private mutating func change(_ id: UInt32, _ change: (inout Stream) -> Void) {
    guard var stream = streams[id] else { return violation = "stream \(id) has no head" }
    if stream.isWhole || stream.isReset { violation = "stream \(id) goes on behind its end" }
    change(&stream)
    streams[id] = stream
  }
}
