import HTTPReference
import Primitives

@testable import Engine

/// What clients send, in whole and in pieces, with an origin that does as it should.
///
/// The first byte is the seed of the pieces, the second says how the client ends and how much a send takes.
enum ClientStreams {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2, bytes.count <= 8 << 10 else { return }
    let stream = Array(bytes.dropFirst(2))
    let whole = try play(stream, [stream.count], ending: bytes[1])
    let pieces = try play(stream, cuts(stream.count, seed: bytes[0]), ending: bytes[1])
    try agree(pieces, whole)
  }

  /// Pieces make no difference, but for one: a request that is refused before its body is in whole is the last one.
  private static func agree(_ pieces: Played, _ whole: Played) throws {
    let count = pieces.statuses.count
    if count > 0, count < whole.statuses.count, whole.haveBodies[count - 1], pieces.statuses[count - 1] >= "400" {
      try require(whole.statuses.starts(with: pieces.statuses), "\(pieces.statuses) for \(whole.statuses)")
      try require(whole.requests.starts(with: pieces.requests), "\(pieces.requests) for \(whole.requests)")
      return
    }
    try requireEqual(pieces.requests, whole.requests, "in pieces the origin gets something else")
    try requireEqual(pieces.statuses, whole.statuses, "in pieces the client gets something else")
  }

  private static func cuts(_ count: Int, seed: UInt8) -> [Int] {
    var random = SeededRandom(seed: UInt64(seed))
    let longest = [1, 3, 20, 200][Int(seed & 3)]
    var ends: [Int] = []
    var end = 0
    while end < count {
      end = min(count, end + 1 + random.below(longest))
      ends.append(end)
    }
    return ends
  }

  private struct Played {
    /// Requests that the origin got in whole, by method, target, tenant and body.
    var requests: [String] = []
    /// Statuses that the client got.
    var statuses: [String] = []
    /// Which of the requests that were asked have bodies.
    var haveBodies: [Bool] = []
  }

  private static func play(_ stream: [UInt8], _ ends: [Int], ending: UInt8) throws -> Played {
    let origin = GoodOrigin()
    let world = FuzzWorld(origin: origin, sendBound: ending & 2 == 0 ? .max : 37)
    let stage = FuzzStage(world)
    let client = world.connect()
    try stage.settle()
    var start = 0
    for end in ends {
      client.incoming += stream[start..<end]
      world.tell(client, .readable)
      try stage.settle()
      start = end
    }
    client.hasEnded = ending & 1 == 0
    if client.hasEnded { world.tell(client, [.readable, .peerEnded]) }
    try stage.settle()
    try stage.rest()
    return try judge(stream, client, origin)
  }

  /// What the origin got is what the slow readers see in the stream, in its order and never twice.
  private static func judge(_ stream: [UInt8], _ client: FuzzLink, _ origin: GoodOrigin) throws -> Played {
    if let fault = origin.fault { throw Mismatch(description: fault) }
    let asked = Messages.requests(stream)
    var played = Played()
    played.haveBodies = asked.all.map { $0.head.framing != .none }
    var next = asked.all[...]
    for request in origin.requests where request.isWhole {
      let text = summary(request)
      guard let place = next.firstIndex(where: { $0.isWhole && summary($0) == text }) else {
        throw Mismatch(description: "the origin got \(text), which nobody sent")
      }
      next = next[(place + 1)...]
      played.requests.append(text + " for \(request.value("x-tenant-id") ?? "nobody")")
    }
    let answers = Messages.responses(client.sent, to: asked.all.map(\.first), isOver: !client.isAborted)
    try require(answers.rest.isEmpty, "the client gets \(shown(answers.rest))")
    try require(answers.all.count <= asked.all.count + 1, "more answers than requests")
    // A head that never came to its end may be refused, or nobody may be left to tell.
    let told = asked.hasWholeHead ? answers.all.count : min(answers.all.count, asked.all.count)
    played.statuses = answers.all.prefix(told).map(\.first)
    return played
  }

  private static func summary(_ request: Message) -> String {
    var target = String(decoding: request.head.first[1], as: UTF8.self)
    // The absolute form becomes the path.
    for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
      target = String(target.dropFirst(scheme.count).drop { $0 != "/" })
      if target.isEmpty { target = request.first == "OPTIONS" ? "*" : "/" }
    }
    return "\(request.first) \(target) with \(request.body)"
  }
}
