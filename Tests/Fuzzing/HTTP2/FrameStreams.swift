import HTTP
import HTTPReference
import Primitives

/// What a peer sends in HTTP/2, in whole and in pieces, to the machine of one connection: the same comes of it, what it
/// sends are frames, and what it tells is what a slow reader finds in the bytes.
///
/// The first byte is the seed of the pieces, the second says how the owner behaves.
struct FrameStreams {
  let role: HTTP2Connection.Role

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  func run(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2, bytes.count <= 8 << 10 else { return }
    let stream = Array(bytes.dropFirst(2))
    let whole = try talk(stream, bytes[1], longest: stream.count + 1, seed: 0)
    let pieces = try talk(stream, bytes[1], longest: [1, 3, 20, 200][Int(bytes[0] & 3)], seed: bytes[0])
    try requireEqual(pieces.log, whole.log, "in pieces something else is told")
    try requireEqual(pieces.bodies, whole.bodies, "in pieces other bodies come")
    try requireEqual(pieces.sent, whole.sent, "in pieces something else is sent")
    try checkSent(whole.sent, hasFailed: whole.hasFailed)
    try checkTold(whole, stream)
    if let parted = parted(stream, seed: bytes[0]) {
      let continued = try talk(parted, bytes[1], longest: parted.count + 1, seed: 0)
      try requireEqual(continued.log, whole.log, "with CONTINUATION something else is told")
    }
  }

  private func talk(_ stream: [UInt8], _ manner: UInt8, longest: Int, seed: UInt8) throws -> FrameTalk {
    let talk = FrameTalk(
      role,
      FrameTalk.Manner(
        answersAtOnce: manner & 1 != 0, givesBack: manner & 2 != 0, keepsResets: manner & 4 != 0,
        streams: 1 + Int(manner >> 4 & 7)))
    if role == .server {
      if manner & 8 != 0 { try talk.take(FrameStreams.preface) }
    } else {
      for number in 0..<(1 + manner >> 4 & 3) {
        let line = ["GET /a", "POST /b", "HEAD /c"][Int(number) % 3]
        talk.ask("\(line) HTTP/1.1\r\nHost: acme.example\r\n\r\n", ends: number != 1)
      }
    }
    var random = SeededRandom(seed: UInt64(seed))
    var rest = stream[...]
    while !rest.isEmpty {
      let count = min(rest.count, 1 + random.below(longest))
      try talk.take(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return talk
  }

  /// What was sent are whole frames that this side may send, the end of a failed connection last.
  private func checkSent(_ sent: [UInt8], hasFailed: Bool) throws {
    let isClient = role == .client
    if isClient { try require(sent.starts(with: FrameStreams.preface), "no preface") }
    let frames = ReferenceFrames(isClient ? Array(sent.dropFirst(24)) : sent)
    try require(frames.rest.isEmpty, "no frame: \(shown(frames.rest))")
    try requireEqual(frames.all.first?.type, 4, "SETTINGS don't come first")
    var ended: Set<UInt32> = []
    for (index, frame) in frames.all.enumerated() {
      switch frame.type {
      case 0, 1:
        try require(!ended.contains(frame.stream), "a frame behind the end of stream \(frame.stream)")
        if frame.flags & 1 != 0 { ended.insert(frame.stream) }
      case 3: try require(frame.payload.count == 4 && frame.stream != 0, "a bad reset")
      case 4: try require(frame.stream == 0 && frame.payload.count % 6 == 0, "bad settings")
      case 6: try require(frame.stream == 0 && frame.payload.count == 8, "a bad ping")
      case 7: try require(hasFailed && index == frames.all.count - 1, "something comes behind the end")
      case 8: try require(frame.payload.count == 4 && frame.word(0) > 0, "a bad window")
      default: throw Mismatch(description: "a frame of type \(frame.type)")
      }
    }
    if hasFailed { try requireEqual(frames.all.last?.type, 7, "a connection that failed is not ended") }
  }

  /// Bodies are what DATA carried, in order; heads are what their blocks say.
  private func checkTold(_ talk: FrameTalk, _ stream: [UInt8]) throws {
    let isBare = role == .client || !stream.starts(with: FrameStreams.preface)
    let bytes = isBare ? stream : Array(stream.dropFirst(24))
    let frames = ReferenceFrames(bytes)
    for (id, body) in talk.bodies {
      var carried = frames.all.filter { $0.type == 0 && $0.stream == id }.flatMap { $0.unpadded ?? [] }
      // The last frame may not be in whole.
      if frames.rest.count > 9, frames.rest[frames.rest.startIndex + 3] == 0 {
        carried += frames.rest.dropFirst(frames.rest[frames.rest.startIndex + 4] & 8 == 0 ? 9 : 10)
      }
      try require(carried.starts(with: body), "stream \(id) told \(shown(body)), and carried \(shown(carried))")
    }
    for head in talk.heads { try checkHead(head.text, isHead: head.isRequest) }
  }

  /// A head that was let through has no line that a reader of HTTP/1.1 would take for something else.
  private func checkHead(_ text: [UInt8], isHead: Bool) throws {
    let lines = String(decoding: text.map { $0 < 128 ? $0 : 0x61 }, as: UTF8.self)
      .split(separator: "\r\n", omittingEmptySubsequences: false)
    try require(lines.count >= 2 && lines.suffix(2).allSatisfy(\.isEmpty), "a head without an end: \(shown(text))")
    for line in lines.dropLast(2) {
      try require(!line.isEmpty, "an end within a head: \(shown(text))")
      let isClean = line.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 || $0.value == 9 }
      try require(isClean, "a control in a line: \(shown(text))")
    }
    let names = lines.dropFirst(isHead ? 1 : 0).compactMap { $0.split(separator: ":").first?.lowercased() }
    for name in ["host", "content-length", "transfer-encoding", "connection"] {
      try require(names.filter { $0 == name }.count <= 1, "two of \(name): \(shown(text))")
    }
    let hasBoth = names.contains("content-length") && names.contains("transfer-encoding")
    try require(!hasBoth, "two lengths: \(shown(text))")
  }

  /// The stream with each field block cut in two or three frames; nil when there is none to cut.
  private func parted(_ stream: [UInt8], seed: UInt8) -> [UInt8]? {
    let start = role == .server && stream.starts(with: FrameStreams.preface) ? 24 : 0
    let frames = ReferenceFrames(Array(stream.dropFirst(start)))
    var random = SeededRandom(seed: UInt64(seed) + 1)
    var bytes = Array(stream.prefix(start))
    var hasParted = false
    for frame in frames.all {
      // Only what is whole and has nothing around its block, on a stream that may have one.
      guard frame.type == 1, frame.flags & ~1 == 4, frame.payload.count <= 16_384 else {
        bytes += frame.bytes
        continue
      }
      hasParted = true
      let cut = random.below(frame.payload.count + 1)
      let first = ReferenceFrames.Frame(1, frame.flags & 1, frame.stream, Array(frame.payload.prefix(cut)))
      bytes += first.bytes
      let second = ReferenceFrames.Frame(9, 0, frame.stream, Array(frame.payload.dropFirst(cut)))
      bytes += second.bytes + ReferenceFrames.Frame(9, 4, frame.stream, []).bytes
    }
    return hasParted ? bytes + frames.rest : nil
  }
}
