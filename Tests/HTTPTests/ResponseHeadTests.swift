import HTTP
import Testing

struct ResponseHeadTests {
  private func parse(_ text: String, toHead: Bool = false) -> (outcome: HeadOutcome, head: ResponseHead) {
    let buffer = PaddedBytes(latin(text))
    var parser = HeadParser(fieldCapacity: 16)
    let outcome = parser.parseResponse(buffer.base, buffer.count, sizeBound: 1000, countBound: 16, toHead: toHead)
    return (outcome, parser.response)
  }

  struct Case: Sendable {
    var status: Int
    var lines: String
    var framing: BodyFraming
    var keepsAlive: Bool
    var length: Int64 = 0
    var version = "1.1"
    var toHead = false
  }

  @Test(arguments: [
    Case(status: 200, lines: "Content-Length: 5\r\n", framing: .length, keepsAlive: true, length: 5),
    Case(status: 200, lines: "Content-Length: 0\r\n", framing: .none, keepsAlive: true),
    Case(status: 200, lines: "Content-Length:\t005\t\r\n", framing: .length, keepsAlive: true, length: 5),
    Case(status: 200, lines: "Content-Length: 5 \r\n", framing: .length, keepsAlive: true, length: 5),
    Case(
      status: 200, lines: "Content-Length: 9223372036854775807\r\n", framing: .length, keepsAlive: true, length: .max),
    Case(status: 200, lines: "Transfer-Encoding: Chunked\r\n", framing: .chunked, keepsAlive: true),
    Case(status: 200, lines: "", framing: .untilClose, keepsAlive: false),
    Case(status: 200, lines: "Connection: keep-alive\r\n", framing: .untilClose, keepsAlive: false),
    Case(
      status: 200, lines: "Content-Length: 5\r\nConnection: close\r\n", framing: .length, keepsAlive: false, length: 5),
    Case(status: 200, lines: "Content-Length: 5\r\n", framing: .length, keepsAlive: false, length: 5, version: "1.0"),
    Case(
      status: 200, lines: "Content-Length: 5\r\nConnection: keep-alive\r\n", framing: .length, keepsAlive: true,
      length: 5, version: "1.0"),
    Case(status: 200, lines: "Content-Length: 5\r\n", framing: .none, keepsAlive: true, length: 5, toHead: true),
    Case(status: 200, lines: "Transfer-Encoding: chunked\r\n", framing: .none, keepsAlive: true, toHead: true),
    Case(status: 200, lines: "", framing: .none, keepsAlive: true, toHead: true),
    Case(status: 204, lines: "", framing: .none, keepsAlive: true),
    Case(status: 204, lines: "Content-Length: 0\r\n", framing: .none, keepsAlive: true),
    Case(status: 304, lines: "Content-Length: 5\r\n", framing: .none, keepsAlive: true, length: 5),
    Case(status: 304, lines: "", framing: .none, keepsAlive: true),
    Case(status: 100, lines: "", framing: .none, keepsAlive: true),
    Case(status: 103, lines: "Link: </a>\r\n", framing: .none, keepsAlive: true),
    Case(status: 205, lines: "", framing: .untilClose, keepsAlive: false),
    Case(status: 599, lines: "Content-Length: 1\r\n", framing: .length, keepsAlive: true, length: 1),
  ])
  func framing(_ row: Case) {
    let text = "HTTP/\(row.version) \(row.status) Reason\r\n\(row.lines)\r\n"
    let (outcome, head) = parse(text, toHead: row.toHead)
    #expect(outcome == .complete)
    #expect(head.status == UInt16(row.status) && head.framing == row.framing && head.contentLength == row.length)
    #expect(head.wantsKeepAlive == row.keepsAlive && !head.isUpgrade && head.length == text.utf8.count)
  }

  @Test func upgrade() {
    let (outcome, head) = parse("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    #expect(outcome == .complete && head.isUpgrade && head.framing == .none)
  }

  @Test(arguments: [
    ("HTTP/1.1 200\r\n", ""), ("HTTP/1.1 200 \r\n", ""), ("HTTP/1.1 200 a b\u{E9}\tc\r\n", "a b\u{E9}\tc"),
  ])
  func reasons(line: String, reason: String) {
    let buffer = PaddedBytes(latin(line + "\r\n"))
    var parser = HeadParser(fieldCapacity: 1)
    #expect(parser.parseResponse(buffer.base, buffer.count, sizeBound: 99, countBound: 1, toHead: false) == .complete)
    let range = parser.response.reason
    let bytes = UnsafeBufferPointer(start: buffer.base + Int(range.start), count: range.count)
    #expect(Array(bytes) == latin(reason))
  }

  @Test func bounds() {
    let text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    let buffer = PaddedBytes(text)
    var parser = HeadParser(fieldCapacity: 4)
    func outcome(_ size: Int, _ count: Int) -> HeadOutcome {
      parser.parseResponse(buffer.base, buffer.count, sizeBound: size, countBound: count, toHead: false)
    }
    #expect(outcome(text.utf8.count, 1) == .complete)
    #expect(outcome(text.utf8.count - 1, 1) == .tooLarge)
    #expect(outcome(5, 1) == .tooLarge)
    #expect(outcome(100, 0) == .tooLarge)
  }
}
