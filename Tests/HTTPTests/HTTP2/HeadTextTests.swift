import HTTP
import Testing

/// Requests of HTTP/2 as heads of HTTP/1.1: what passes looks as if it had come that way, all else is refused.
struct HeadTextTests {
  private static let base = Frames.get

  /// What becomes of a request with these fields.
  private func head(_ fields: [(String, String)], ends: Bool = true, bounds: HTTP2Bounds = HTTP2Bounds()) -> String {
    let talk = Talk.open(bounds)
    talk.say(Frames.headers(1, fields, ends: ends))
    guard talk.log.first?.hasPrefix("request") == true else { return talk.log.first ?? "" }
    let outcome = talk.ask { _ in talk.text.outcome }
    return outcome == .complete ? talk.head : "\(outcome)"
  }

  @Test func aRequest() {
    let fields = [
      (":scheme", "https"), (":path", "/a?b=c"), (":authority", "A.example:8080"), (":method", "PATCH"),
      ("accept", "*/*"), ("x-empty", ""), ("te", "trailers"), ("x_y", "z\t1"), ("latin", "\u{E9}"),
    ]
    #expect(
      head(fields) == "PATCH /a?b=c HTTP/1.1\r\nhost: A.example:8080\r\naccept: */*\r\nx-empty: \r\nte: trailers\r\n"
        + "x_y: z\t1\r\nlatin: \u{FFFD}\r\n\r\n")
  }

  @Test func bodies() {
    let line = "POST / HTTP/1.1\r\nhost: a.example\r\n"
    #expect(head(Frames.post, ends: false) == line + "transfer-encoding: chunked\r\n\r\n")
    #expect(head(Frames.post) == line + "\r\n")
    #expect(head(Frames.post + [("content-length", "5")], ends: false) == line + "content-length: 5\r\n\r\n")
    #expect(head(Frames.post + [("content-length", "0")]) == line + "content-length: 0\r\n\r\n")
  }

  @Test func hosts() {
    let bare = Array(HeadTextTests.base.dropLast())
    #expect(head(bare + [("host", "b.example")]) == "GET / HTTP/1.1\r\nhost: b.example\r\n\r\n")
    #expect(head(HeadTextTests.base + [("host", "A.example")]) == "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
    #expect(head(bare) == "GET / HTTP/1.1\r\n\r\n")
  }

  @Test func cookies() {
    let crumbs = [("cookie", "a=b"), ("x", "y"), ("cookie", "c=d; e=f"), ("cookie", "g=h")]
    #expect(
      head(HeadTextTests.base + crumbs)
        == "GET / HTTP/1.1\r\nhost: a.example\r\nx: y\r\ncookie: a=b; c=d; e=f; g=h\r\n\r\n")
  }

  @Test func aWebSocket() {
    let connect = [
      (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"),
      (":authority", "a.example"), ("sec-websocket-version", "13"),
    ]
    #expect(
      head(connect, ends: false) == "GET /chat HTTP/1.1\r\nhost: a.example\r\nsec-websocket-version: 13\r\n"
        + "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    #expect(head([(":method", "GET")] + connect[1...], ends: false) == "malformed")
    #expect(head(connect[..<1] + [(":protocol", "other")] + connect[2...], ends: false) == "malformed")
    #expect(head(connect.filter { $0.0 != ":authority" }, ends: false) == "malformed")
  }

  static let pseudo: [[(String, String)]] = [
    [], [(":method", "GET")], [(":method", "GET"), (":scheme", "http")], [(":method", "GET"), (":path", "/")],
    [(":scheme", "http"), (":path", "/")], Frames.get + [(":method", "GET")], Frames.get + [(":path", "/")],
    Frames.get + [(":scheme", "http")], Frames.get + [(":authority", "a.example")], Frames.get + [(":status", "200")],
    Frames.get + [(":other", "x")], Frames.get + [(":", "x")], [("a", "b")] + Frames.get,
    Frames.get[..<3] + [("a", "b")] + Frames.get[3...],
    [(":method", "CONNECT"), (":authority", "a.example:443")],
    [(":method", "CONNECT"), (":scheme", "http"), (":path", "/"), (":authority", "a.example")],
    Frames.get + [(":protocol", "websocket")], Frames.get + [("host", "b.example")],
    Frames.get + [("host", "a.example"), ("host", "b.example")],
    Array(Frames.get.dropLast()) + [("host", "a"), ("host", "a")],
  ]

  @Test(arguments: pseudo.indices) func pseudoFields(index: Int) {
    #expect(head(HeadTextTests.pseudo[index]) == "malformed")
  }

  @Test(arguments: ["", "G T", "G\tT", "GET ", "G\r\nT", "G\0T", "\u{E9}", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"])
  func methods(method: String) { #expect(head([(":method", method)] + Frames.get[1...]) == "malformed") }

  @Test(arguments: ["", "ftp", "HTTP", "http ", "httpss"]) func schemes(scheme: String) {
    #expect(head([(":method", "GET"), (":scheme", scheme)] + Frames.get[2...]) == "malformed")
  }

  @Test(arguments: [
    "", "a", "*", "?a", "/a b", "/ HTTP/1.1\r\nx: y", "/\r", "/\n", "/\0", "/\t", "/a#b", "/\u{80}", "/\u{E9}",
    "/\u{7F}",
    "http://a.example/", "/0123456789abcde ", "/0123456789abcdef0123456789abcd\u{1}",
  ])
  func paths(path: String) {
    #expect(
      head([(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a.example")]) == "malformed")
  }

  @Test func theServerAsAWhole() {
    let fields = [(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "a.example")]
    #expect(head(fields) == "OPTIONS * HTTP/1.1\r\nhost: a.example\r\n\r\n")
  }

  @Test(arguments: ["", "a b", "a\r\nx: y", "a\0", "\u{E9}", "a\t"]) func authorities(authority: String) {
    #expect(head(Frames.get[..<3] + [(":authority", authority)]) == "malformed")
  }

  @Test(arguments: [
    "", "A", "aB", "a b", "a:", "a\0", "a\r", "a\n", "\u{E9}", "a(", "x-0123456789abcdefG", "x-0123456789abcdef g",
    "a\u{7F}",
    "0123456789abcdeF", "0123456789abcdef:", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
    "upgrade",
    "http2-settings",
  ])
  func names(name: String) { #expect(head(Frames.get + [(name, "x")]) == "malformed") }

  @Test(arguments: [
    " a", "a ", "\ta", "a\t", "a\r\nb: c", "a\rb", "a\nb", "a\0b", "\r", "\n", "\0", " ", "a\u{1}", "a\u{7F}",
    "0123456789abcdef0123456789abcde\n",
  ])
  func values(value: String) {
    #expect(head(Frames.get + [("x", value)]) == "malformed")
    #expect(head(Frames.get + [("cookie", value)]) == "malformed")
  }

  @Test(arguments: [
    ("te", "gzip"), ("te", "trailers, gzip"), ("te", ""), ("te", "Trailers"), ("content-length", ""),
    ("content-length", "-1"), ("content-length", "01"), ("content-length", "1, 1"),
    ("content-length", "9223372036854775808"),
    ("content-length", "1"),
  ])
  func oneField(name: String, value: String) { #expect(head(Frames.get + [(name, value)]) == "malformed") }

  @Test func lengthsTwice() {
    #expect(head(Frames.post + [("content-length", "1"), ("content-length", "1")], ends: false) == "malformed")
  }

  @Test func bounds() {
    var bounds = HTTP2Bounds()
    bounds.headerSize = 1024
    bounds.headerCount = 3
    let long = String(repeating: "a", count: 900)
    func head(_ more: [(String, String)]) -> String { self.head(Frames.get + more, bounds: bounds) }
    #expect(head([("a", "b"), ("c", "d")]).hasSuffix("c: d\r\n\r\n"))
    #expect(head([("a", "b"), ("c", "d"), ("e", "f")]) == "tooLarge")
    #expect(head([("x", long)]) == "tooLarge")
    #expect(head([("cookie", "a=b"), ("cookie", "a=b"), ("cookie", "a=b")]).contains("a=b; a=b; a=b"))
    #expect(head([("cookie", "a"), ("cookie", "a"), ("cookie", "a"), ("cookie", "a")]) == "tooLarge")
    let path = [(":method", "GET"), (":scheme", "http"), (":path", "/" + long + long), (":authority", "a.example")]
    #expect(self.head(path, bounds: bounds) == "targetTooLong")
  }

  /// What the machine lets through the parser takes, but for what only it knows of hosts.
  @Test func theParserAgrees() {
    var parser = HeadParser(fieldCapacity: 128)
    for more in [[], [("cookie", "a=b"), ("x", "y")], [("content-length", "3")]] as [[(String, String)]] {
      let padded = PaddedBytes(head(Frames.post + more, ends: false))
      #expect(parser.parseRequest(padded.base, padded.count, sizeBound: 4096, countBound: 128) == .complete)
      #expect(parser.request.framing == (more.count == 1 ? .length : .chunked))
    }
  }

  static let responses: [[(String, String)]] = [
    [], [("a", "b")], [(":status", "20")], [(":status", "2000")], [(":status", "099")], [(":status", "600")],
    [(":status", "2 0")], [(":status", "101")], [(":status", "200"), (":status", "200")],
    [("a", "b"), (":status", "200")],
    [(":status", "200"), (":path", "/")], [(":status", "200"), ("Upper", "x")],
    [(":status", "200"), ("connection", "close")],
    [(":status", "200"), ("a", "b\r\nc: d")], [(":status", "200"), ("content-length", "x")],
  ]

  @Test(arguments: responses.indices) func malformedResponses(index: Int) {
    let talk = Talk(.client)
    talk.say(Frames.settings())
    _ = talk.ask { $0.openStream(owner: 0) }
    talk.say(Frames.headers(1, HeadTextTests.responses[index]))
    #expect(talk.log == ["reset 1 protocolError"])
  }
}
