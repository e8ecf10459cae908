import HTTPReference
import Primitives

@testable import Engine

/// What origins send in HTTP/2, in whole and in pieces, through a worker to a client that does as it should.
///
/// The first byte is the seed of the pieces, the second says what the client asks and how the origin ends.
enum OriginFrames {
  private static let questions = [
    "GET /a HTTP/1.1\r\nHost: acme.example\r\n\r\n", "HEAD /b HTTP/1.1\r\nHost: acme.example\r\n\r\n",
    "POST /c HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 3\r\n\r\nabc",
    "POST /e HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nsum: 1\r\n\r\n",
  ]

  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2, bytes.count <= 8 << 10 else { return }
    let stream = Array(bytes.dropFirst(2))
    let whole = try play(stream, longest: stream.count + 1, bytes[0], bytes[1])
    let pieces = try play(stream, longest: [1, 3, 20, 200][Int(bytes[0] & 3)], bytes[0], bytes[1])
    // Behind a connection at fault it is a matter of time how much of its streams had passed.
    guard let whole, let pieces else { return }
    if whole.isOwn || pieces.isOwn { return }
    try requireEqual(pieces, whole, "in pieces the client gets something else")
  }

  /// A whole answer, and whether it is the proxy's.
  private struct Answer: Equatable {
    var status: String
    var body: [UInt8]
    var isOwn: Bool
  }

  private static func play(_ stream: [UInt8], longest: Int, _ seed: UInt8, _ manner: UInt8) throws -> Answer? {
    let origin = ScriptedOrigin(stream, longest: longest, seed: UInt64(seed), ending: manner >> 4)
    let world = FuzzWorld(origin: origin, sendBound: manner & 8 == 0 ? .max : 37)
    let stage = FuzzStage(world, speaking: FuzzStage.Speech(toOrigins: true))
    let client = world.connect()
    let question = questions[Int(manner & 3)]
    client.incoming += Array(question.utf8)
    try stage.settle()
    while origin.go(on: world) { try stage.settle() }
    client.hasEnded = true
    world.tell(client, [.readable, .peerEnded])
    try stage.settle()
    try stage.rest()
    return try judge(client, String(question.prefix { $0 != " " }), stream)
  }

  /// The client gets one answer, well-formed, and whole only if the origin's was.
  private static func judge(_ client: FuzzLink, _ method: String, _ stream: [UInt8]) throws -> Answer? {
    let answers = Messages.responses(client.sent, to: [method], isOver: !client.isAborted)
    guard let answer = answers.all.first, answer.isWhole else { return nil }
    try require(answers.all.count == 1, "\(answers.all.count) answers to one request")
    try require(answers.rest.isEmpty, "behind the answer comes \(shown(answers.rest))")
    let isOwn = answer.value("proxy-status")?.hasPrefix("gatehouse; error") == true
    let found = Answer(status: answer.first, body: answer.body, isOwn: isOwn)
    if isOwn { return found }
    // Any of the streams that the attempts were made on.
    let said = FrameReading(stream).streams.values
    let isSaid = said.contains {
      $0.value(":status") == found.status && (method == "HEAD" || $0.body == found.body) && $0.isWhole
    }
    try require(isSaid, "an answer that the origin never gave: \(found)")
    return found
  }
}
