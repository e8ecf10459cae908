import HTTPReference
import Primitives

@testable import Engine

/// What clients send in HTTP/2, in whole and in pieces, through a worker, with an origin that does as it should.
///
/// The first byte is the seed of the pieces, the second says how the client ends and how much a send takes.
enum ClientFrames {
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2, bytes.count <= 8 << 10 else { return }
    let stream = Array(bytes.dropFirst(2))
    let whole = try play(stream, longest: stream.count + 1, bytes[0], bytes[1])
    let pieces = try play(stream, longest: [1, 3, 20, 200][Int(bytes[0] & 3)], bytes[0], bytes[1])
    // How far others got before the connection was at fault is a matter of time, as are streams that were reset.
    guard whole.fault == nil, pieces.fault == nil else { return }
    let left = whole.resets.union(pieces.resets).union(FrameReading(stream).resets)
    for (id, answer) in whole.streams where !left.contains(id) {
      try requireEqual(pieces.streams[id].map(summary), summary(answer), "in pieces stream \(id) gets something else")
    }
    let more = Set(pieces.streams.keys).subtracting(whole.streams.keys).subtracting(left)
    try require(more.isEmpty, "only in pieces \(more) are answered")
  }

  private static func summary(_ answer: FrameReading.Stream) -> String {
    "\(answer.value(":status") ?? "nothing") with \(shown(answer.body)) \(answer.isWhole)"
  }

  private static func play(_ stream: [UInt8], longest: Int, _ seed: UInt8, _ manner: UInt8) throws -> FrameReading {
    let origin = GoodOrigin()
    let world = FuzzWorld(origin: origin, sendBound: manner & 1 == 0 ? .max : 37)
    let stage = FuzzStage(world, speaking: FuzzStage.Speech(toClients: manner & 2 == 0 ? .http2 : .both))
    let client = world.connect()
    client.incoming += preface
    try stage.settle()
    var random = SeededRandom(seed: UInt64(seed))
    var rest = stream[...]
    while !rest.isEmpty {
      let count = min(rest.count, 1 + random.below(longest))
      client.incoming += rest.prefix(count)
      rest = rest.dropFirst(count)
      world.tell(client, .readable)
      try stage.settle()
    }
    client.hasEnded = manner & 4 == 0
    if client.hasEnded { world.tell(client, [.readable, .peerEnded]) }
    try stage.settle()
    try stage.rest()
    return try judge(stream, client, origin)
  }

  /// The origin got what the slow readers see in the stream, and the client gets frames.
  private static func judge(_ stream: [UInt8], _ client: FuzzLink, _ origin: GoodOrigin) throws -> FrameReading {
    if let fault = origin.fault { throw Mismatch(description: fault) }
    let asked = FrameReading(stream)
    for request in origin.requests where request.isWhole {
      let known = asked.streams.values.contains { isOf($0, request) }
      let text = "\(request.first) \(shown(request.head.first[1])) with \(shown(request.body))"
      try require(known, "the origin got \(text), which nobody sent")
    }
    let answers = FrameReading(client.sent)
    if let violation = answers.violation { throw Mismatch(description: violation) }
    try require(!answers.isGarbled, "a block for the client that can't be decoded")
    try require(answers.rest.isEmpty || client.isAborted, "the client gets \(shown(answers.rest))")
    for (id, answer) in answers.streams {
      try require(asked.streams[id] != nil || asked.isGarbled, "an answer to \(id), which nobody asked")
      try require(answer.value(":status") != nil, "an answer without a status to \(id)")
    }
    return answers
  }

  private static func isOf(_ stream: FrameReading.Stream, _ request: Message) -> Bool {
    let isTunnel = stream.value(":method") == "CONNECT"
    return (isTunnel ? "GET" : stream.value(":method")) == request.first
      && stream.value(":path") == String(decoding: request.head.first[1], as: UTF8.self)
      && (isTunnel || stream.body == request.body)
  }
}
