import HTTP
import Testing

/// A breach of a rule: what was said before, the breach, and how it ends.
struct Breach: Sendable, CustomTestStringConvertible {
  var section: String
  var what: String
  var bytes: [UInt8]
  /// Frames that must be among those sent.
  var answer: String

  init(_ section: String, _ what: String, _ bytes: [UInt8], _ answer: String) {
    self.section = section
    self.what = what
    self.bytes = bytes
    self.answer = answer
  }

  var testDescription: String { "§\(section) \(what)" }
}

/// Every rule of RFC 9113, sections 3.4 to 8.3, whose breach a server must notice.
struct HTTP2RulesTests {
  private static func away(_ last: UInt32 = 0, _ code: HTTP2ErrorCode = .protocolError) -> String {
    "goAway \(last) \(code)"
  }
  private static func reset(_ id: UInt32, _ code: HTTP2ErrorCode = .protocolError) -> String { "reset \(id) \(code)" }
  private static let open = Frames.headers(1, Frames.post, ends: false)
  private static let ended = Frames.headers(1)
  private static let block = Frames.block(Frames.get)
  private static func post(_ length: String) -> [UInt8] {
    Frames.headers(1, Frames.post + [("content-length", length)], ends: false)
  }

  static let frames: [Breach] = [
    Breach(
      "4.1", "a frame longer than announced", Frames.frame(0xF0, 0, 0, [UInt8](repeating: 0, count: 16_385)),
      away(0, .frameSizeError)),
    Breach(
      "4.2", "DATA longer than announced", open + Frames.frame(0, 0, 1, [UInt8](repeating: 0, count: 16_385)),
      away(1, .frameSizeError)),
    Breach("4.3", "a block that can't be decoded", Frames.frame(1, 5, 1, [0x80]), away(1, .compressionError)),
    Breach(
      "4.3", "a block that ends within a field", Frames.frame(1, 5, 1, block.dropLast()), away(1, .compressionError)),
    Breach("4.3", "trailers that can't be decoded", open + Frames.frame(1, 5, 1, [0xFF]), away(1, .compressionError)),
    Breach("4.3", "another frame within a block", Frames.frame(1, 1, 1, block) + Frames.ping, away()),
    Breach("4.3", "an unknown frame within a block", Frames.frame(1, 1, 1, block) + Frames.frame(0xF0), away()),
    Breach("4.3", "another stream's HEADERS within a block", Frames.frame(1, 1, 1, block) + Frames.headers(3), away()),
    Breach("4.3", "another stream's CONTINUATION", Frames.frame(1, 1, 1, block) + Frames.frame(9, 4, 3), away()),
  ]

  static let states: [Breach] = [
    Breach("5.1", "idle: DATA", Frames.data(1), away()),
    Breach("5.1", "idle: RST_STREAM", Frames.reset(1), away()),
    Breach("5.1", "idle: WINDOW_UPDATE", Frames.windowUpdate(1, 1), away()),
    Breach("5.1", "idle: CONTINUATION", Frames.frame(9, 4, 1, block), away()),
    Breach("5.1", "half closed: DATA", ended + Frames.data(1), reset(1, .streamClosed)),
    Breach("5.1", "half closed: HEADERS", ended + Frames.headers(1), reset(1, .streamClosed)),
    Breach("5.1", "half closed: CONTINUATION", ended + Frames.frame(9, 4, 1, block), away(1)),
    Breach("5.1", "closed by RST_STREAM: DATA", open + Frames.reset(1) + Frames.data(1), reset(1, .streamClosed)),
    Breach("5.1", "closed by RST_STREAM: HEADERS", open + Frames.reset(1) + Frames.headers(1), reset(1, .streamClosed)),
    // Whatever comes for it, a stream is reset once (§5.4.2).
    Breach(
      "5.1", "closed by RST_STREAM: DATA and HEADERS",
      open + Frames.reset(1) + Frames.data(1) + Frames.headers(1) + Frames.data(1), reset(1, .streamClosed)),
    Breach("5.1", "closed by RST_STREAM: CONTINUATION", open + Frames.reset(1) + Frames.frame(9, 4, 1), away(1)),
    Breach("5.1.1", "an even number", Frames.headers(2), away()),
    Breach("5.1.1", "a number below one that was used", Frames.headers(5) + Frames.headers(3), away(5)),
    Breach("5.3.1", "HEADERS that depend on themselves", Frames.frame(1, 0x25, 1, [0, 0, 0, 1, 0] + block), away()),
    Breach("5.3.1", "PRIORITY that depends on itself", Frames.frame(2, 0, 1, [0, 0, 0, 1, 0]), away()),
  ]

  static let types: [Breach] = [
    Breach("6.1", "DATA on stream 0", Frames.data(0), away()),
    Breach("6.1", "DATA with padding as long as itself", open + Frames.frame(0, 8, 1, [1]), away(1)),
    Breach("6.1", "padded DATA without a length", open + Frames.frame(0, 8, 1), away(1, .frameSizeError)),
    Breach("6.2", "HEADERS on stream 0", Frames.headers(0), away()),
    Breach("6.2", "HEADERS with too much padding", Frames.frame(1, 0xD, 1, [200] + block), away()),
    Breach("6.2", "HEADERS without their priority", Frames.frame(1, 0x25, 1, [0, 0, 0, 0]), away(0, .frameSizeError)),
    Breach("6.2", "padded HEADERS without a length", Frames.frame(1, 0xD, 1), away(0, .frameSizeError)),
    Breach("6.3", "PRIORITY on stream 0", Frames.frame(2, 0, 0, [0, 0, 0, 1, 0]), away()),
    Breach("6.3", "PRIORITY of another size", open + Frames.frame(2, 0, 1, [0, 0, 0, 1]), reset(1, .frameSizeError)),
    Breach("6.4", "RST_STREAM on stream 0", Frames.reset(0), away()),
    Breach("6.4", "RST_STREAM of another size", open + Frames.frame(3, 0, 1, [0, 0, 0]), away(1, .frameSizeError)),
    Breach("6.5", "SETTINGS on a stream", Frames.frame(4, 0, 1), away()),
    Breach(
      "6.5", "an acknowledgement with settings", Frames.frame(4, 1, 0, [0, 0, 0, 0, 0, 0]), away(0, .frameSizeError)),
    Breach("6.5", "SETTINGS of another size", Frames.frame(4, 0, 0, [0, 0, 0]), away(0, .frameSizeError)),
    Breach("6.5.2", "ENABLE_PUSH of 2", Frames.settings([(2, 2)]), away()),
    Breach("6.5.2", "a window of 2^31", Frames.settings([(4, 0x8000_0000)]), away(0, .flowControlError)),
    Breach("6.5.2", "frames too small", Frames.settings([(5, 16_383)]), away()),
    Breach("6.5.2", "frames too large", Frames.settings([(5, 1 << 24)]), away()),
    Breach("6.5.2", "ENABLE_CONNECT_PROTOCOL of 2", Frames.settings([(8, 2)]), away()),
    Breach("6.6", "PUSH_PROMISE", Frames.frame(5, 4, 1, [0, 0, 0, 2] + block), away()),
    Breach("6.7", "PING on a stream", Frames.frame(6, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0]), away()),
    Breach("6.7", "PING of another size", Frames.frame(6, 0, 0, [0, 0, 0, 0, 0, 0]), away(0, .frameSizeError)),
    Breach("6.8", "GOAWAY on a stream", Frames.frame(7, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0]), away()),
    Breach("6.8", "GOAWAY too short", Frames.frame(7, 0, 0, [0, 0, 0, 0]), away(0, .frameSizeError)),
    Breach("6.9", "WINDOW_UPDATE of 0", Frames.windowUpdate(0, 0), away()),
    Breach("6.9", "WINDOW_UPDATE of 0 on a stream", open + Frames.windowUpdate(1, 0), reset(1)),
    Breach("6.9", "WINDOW_UPDATE of another size", Frames.frame(8, 0, 0, [0, 0, 1]), away(0, .frameSizeError)),
    Breach("6.9.1", "a window above 2^31 - 1", Frames.windowUpdate(0, 0x7FFF_FFFF), away(0, .flowControlError)),
    Breach(
      "6.9.1", "a stream's window above 2^31 - 1", open + Frames.windowUpdate(1, 0x7FFF_FFFF),
      reset(1, .flowControlError)),
    Breach(
      "6.9.2", "an initial window that makes a stream's too large",
      open + Frames.windowUpdate(1, 0x7FFF_0000) + Frames.settings([(4, 0x7FFF_FFFF)]), away(1, .flowControlError)),
    Breach("6.10", "CONTINUATION without HEADERS", Frames.frame(9, 4, 1, block), away()),
    Breach("6.10", "CONTINUATION behind the end of a block", open + Frames.frame(9, 4, 1, block), away(1)),
    Breach("6.10", "CONTINUATION on stream 0", Frames.frame(1, 1, 1, block) + Frames.frame(9, 4, 0), away()),
  ]

  static let messages: [Breach] = [
    Breach("8.1", "trailers that don't end the stream", open + Frames.headers(1, [("a", "b")], ends: false), reset(1)),
    Breach("8.1", "a pseudo-field in trailers", open + Frames.headers(1, [(":method", "GET")]), reset(1)),
    Breach("8.1.1", "less data than announced", post("4") + Frames.data(1, [1, 2, 3], ends: true), reset(1)),
    Breach("8.1.1", "more data than announced", post("4") + Frames.data(1, [1, 2, 3, 4, 5]), reset(1)),
    Breach("8.1.1", "no data, but announced", Frames.headers(1, Frames.post + [("content-length", "1")]), reset(1)),
    Breach("8.1.1", "trailers before the data announced", post("4") + Frames.headers(1, [("a", "b")]), reset(1)),
  ]

  @Test(arguments: frames + states + types + messages) func everyBreach(breach: Breach) {
    for size in [Int.max, 1, 5] {
      let talk = Talk.open()
      talk.say(breach.bytes, pieces: size)
      #expect(talk.frames.contains(breach.answer), "\(talk.frames)")
      #expect(talk.hasFailed == breach.answer.hasPrefix("goAway"))
    }
  }

  @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "X"])
  func anotherPreface(text: String) {
    let talk = Talk()
    talk.say(Array(text.utf8))
    #expect(talk.frames.last == HTTP2RulesTests.away())
  }

  /// SETTINGS come first (RFC 9113 §3.4).
  @Test(arguments: [
    Frames.ping, Frames.headers(1), Frames.acknowledgement, Frames.frame(0xF0), Frames.windowUpdate(0, 1),
  ])
  func anotherFirstFrame(frame: [UInt8]) {
    let talk = Talk()
    talk.say(Frames.preface + frame)
    #expect(talk.frames.last == HTTP2RulesTests.away())
  }

  /// A stream that ended in order on both sides: what comes then is an error of the connection.
  @Test func closedByItsEnd() {
    for (frame, answer) in [
      (Frames.headers(1), HTTP2RulesTests.away(1, .streamClosed)),
      (Frames.data(1), HTTP2RulesTests.reset(1, .streamClosed)),
      (Frames.frame(9, 4, 1), HTTP2RulesTests.away(1)),
    ] {
      let talk = Talk.open()
      talk.say(Frames.headers(1))
      talk.answer(1)
      talk.say(frame)
      #expect(talk.frames.contains(answer), "\(talk.frames)")
    }
  }

  @Test func moreThanAWindow() {
    let talk = Talk.open()
    talk.say(HTTP2RulesTests.open)
    for _ in 0..<16 { talk.say(Frames.data(1, [UInt8](repeating: 0, count: 16_384))) }
    #expect(talk.frames == [])
    talk.say(Frames.data(1, [0]))
    #expect(talk.frames == ["reset 1 flowControlError", "windowUpdate 0 262144"])
  }

  @Test func moreThanTheWindowOfTheConnection() {
    let talk = Talk.open()
    for id in [1, 3, 5, 7, 9] as [UInt32] { talk.say(Frames.headers(id, Frames.post, ends: false)) }
    for id in [1, 3, 5, 7] as [UInt32] {
      for _ in 0..<16 { talk.say(Frames.data(id, [UInt8](repeating: 0, count: 16_384))) }
    }
    #expect(talk.frames == [])
    talk.say(Frames.data(9, [0]))
    #expect(talk.frames == [HTTP2RulesTests.away(9, .flowControlError)])
  }

  /// A breach of one stream leaves the others alone, and the decoder in step.
  @Test func othersGoOn() {
    let talk = Talk.open()
    let indexed = Frames.frame(1, 5, 1, [0x40, 1, 0x78, 1, 0x79] + Frames.block(Frames.get))
    talk.say(indexed + Frames.frame(1, 5, 3, Frames.block(Frames.get) + [0xBE]))
    #expect(talk.log == ["malformed", "request 3 end"])
    #expect(talk.head.hasSuffix("x: y\r\n\r\n"))
    #expect(talk.frames == ["reset 1 protocolError"])
  }
}
