import Primitives

@testable import Platform

/// What comes to the server's side of TLS, in pieces: any bytes at all, what a good client sends but for a few bytes
/// changed, or any bytes in place of what a good client would send next. Nothing comes through that no client has sent.
///
/// The first byte says which listener, how long the pieces are and what comes; the second is the seed of the pieces.
enum TLSRecords {
  private static let message = Array("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".utf8)

  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count >= 3, bytes.count <= 8 << 10 else { return }
    let sides = try TLSSides.made.get()
    let server = try TLSEnd(sides.servers[Int(bytes[0] & 3)], sides.client)
    var talk = Talk(
      client: try TLSEnd(nil, sides.client), server: server, longest: [1, 9, 150, 5_000][Int(bytes[0] >> 2 & 3)],
      random: SeededRandom(seed: UInt64(bytes[1])))
    let input = Array(bytes.dropFirst(2))
    switch bytes[0] >> 4 & 3 {
    case 2: try change(&talk, input)
    case 3: try continueWith(&talk, input)
    default:
      try server.take(input, longest: talk.longest, &talk.random)
      try require(!server.isOpen, "a handshake comes to its end without a client")
      try server.end()
      try require(server.received.isEmpty, "\(shown(server.received)) came from nowhere")
    }
  }

  /// A good client and a server, and how what the client sends is cut.
  private struct Talk {
    let client: TLSEnd
    let server: TLSEnd
    let longest: Int
    var random: SeededRandom
    /// By how much bytes of the client's are changed, by their places.
    var changes: [Int: UInt8] = [:]
    /// Bytes that the client has sent.
    var count = 0
    var isChanged = false

    /// Lets both go on until neither has anything for the other.
    mutating func goOn() throws {
      for _ in 0..<100 {
        try client.goOn()
        var bytes = client.sent()
        for index in bytes.indices {
          guard let change = changes[count + index], change != 0 else { continue }
          bytes[index] ^= change
          isChanged = true
        }
        count += bytes.count
        try server.take(bytes, longest: longest, &random)
        let answer = server.sent()
        if bytes.isEmpty, answer.isEmpty { return }
        try client.take(answer, longest: answer.count + 1, &random)
      }
      throw Mismatch(description: "the two don't come to an end")
    }
  }

  /// Three bytes are a place and what is changed there.
  private static func change(_ talk: inout Talk, _ input: [UInt8]) throws {
    for at in stride(from: 0, to: input.count - 2, by: 3) {
      talk.changes[Int(input[at]) << 8 | Int(input[at + 1])] = input[at + 2]
    }
    try talk.goOn()
    if talk.client.isOpen { _ = talk.client.channel.send(message, message.count) }
    try talk.goOn()
    let received = talk.server.received
    try require(message.starts(with: received), "\(shown(received)) came of \(shown(message))")
    try require(
      talk.isChanged || received == message, "a good client is not understood: \(talk.server.channel.failure.text)")
    _ = talk.client.channel.end()
    try talk.goOn()
    try talk.server.end()
  }

  /// The handshake is a good client's, the rest is not.
  private static func continueWith(_ talk: inout Talk, _ input: [UInt8]) throws {
    try talk.goOn()
    try require(talk.server.isOpen, "a good client is not understood: \(talk.server.channel.failure.text)")
    _ = talk.server.channel.send(message, message.count)
    try talk.server.take(input, longest: talk.longest, &talk.random)
    try require(!talk.server.hasEnded, "an end is taken that no client has sent")
    try talk.server.end()
    try require(talk.server.received.isEmpty, "\(shown(talk.server.received)) came from nowhere")
  }
}
