import HTTP
import Testing

/// Heads that two readers might understand differently: every one is refused.
struct StrictnessTests {
  static let firstLines: [String] = [
    "GET / HTTP/1.1\n", "GET / HTTP/1.1\r", "GET  / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n",
    " GET / HTTP/1.1\r\n", "\tGET / HTTP/1.1\r\n", "GET\t/ HTTP/1.1\r\n", "GET /\tHTTP/1.1\r\n", "GET /\r\n", "GET\r\n",
    "GET / http/1.1\r\n", "GET / HTTP/1.1x\r\n", "GET / HTTP/11\r\n", "GET / HTTP/1.\r\n", "GET / HTTP/1,1\r\n",
    "GET / HTTP/01.1\r\n", "GET / HTTP/1.10\r\n", "GET / HTTP /1.1\r\n", "GET / HTTP/+1.1\r\n", "G\0T / HTTP/1.1\r\n",
    "GET /\0 HTTP/1.1\r\n", "GET /\u{7F} HTTP/1.1\r\n", "GET /\u{80} HTTP/1.1\r\n", "GET /\u{FF} HTTP/1.1\r\n",
    "GET /a#b HTTP/1.1\r\n", "GET # HTTP/1.1\r\n", "GET a HTTP/1.1\r\n", "GET * HTTP/1.1\r\n",
    "OPTIONS ** HTTP/1.1\r\n",
    "OPTIONS *x HTTP/1.1\r\n", "GET ?a HTTP/1.1\r\n", "CONNECT a:80 HTTP/1.1\r\n", "CONNECT / HTTP/1.1\r\n",
    "G(T / HTTP/1.1\r\n", "G:T / HTTP/1.1\r\n", "G\u{C9}T / HTTP/1.1\r\n", "\"GET\" / HTTP/1.1\r\n",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n", "GET ftp://a/ HTTP/1.1\r\n", "GET http:/a HTTP/1.1\r\n",
    "GET http:// HTTP/1.1\r\n", "GET http:///x HTTP/1.1\r\n",
    "GET http://u@a/ HTTP/1.1\r\n",
    "GET http://a:0/ HTTP/1.1\r\n", "GET http://a:x/ HTTP/1.1\r\n", "GET http://a::/ HTTP/1.1\r\n", "GET //a",
    "GET http://a\\b/ HTTP/1.1\r\n", "GET httpx://a/ HTTP/1.1\r\n", "\r\n\r\nGET / HTTP/1.1\r\n",
    "\nGET / HTTP/1.1\r\n",
    "\rGET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\r\n", "GET / HTTP/1.1\n\r\n", "GET /\r/ HTTP/1.1\r\n",
    "GET /\n/ HTTP/1.1\r\n",
    "GET / HTTPS/1.1\r\n", "GET / / HTTP/1.1\r\n", "\u{16}\u{03}\u{01}\u{02}\0\u{01}\0",
  ]

  @Test(arguments: firstLines) func requestLine(line: String) {
    #expect(request(line + "Host: a\r\n\r\n") == .bad)
  }

  @Test(arguments: ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0", "HTTP/1.9", "HTTP/2.1"])
  func versions(version: String) {
    #expect(request("GET / \(version)\r\nHost: a\r\n\r\n") == .unsupportedVersion)
  }

  static let fieldLines: [String] = [
    // Lines
    "a: b\n", "a: b\r", "a: b\r\r\n", "a: b\0\r\n", "a: \u{01}\r\n", "a: \u{0B}b\r\n", "a: \u{0C}\r\n", "a: \u{7F}\r\n",
    "a: b\u{1B}[0m\r\n", "a: b\n\r\n", "a: b\rc: d\r\n", "a: b\nc: d\r\n", "a\n", "a\r\n", "\n",
    // Folding and blanks before names
    " a: b\r\n", "\ta: b\r\n", "a: b\r\n c\r\n", "a: b\r\n\tc\r\n", "a:\r\n b\r\n", " \r\n", "\t\r\n",
    // Names
    ": b\r\n", "a : b\r\n", "a\t: b\r\n", "a b: c\r\n", "\0: b\r\n", "a\0: b\r\n", "a(: b\r\n", "a\": b\r\n",
    "a/b: c\r\n",
    "a,b: c\r\n", "a;b: c\r\n", "a=b: c\r\n", "a?: b\r\n", "a@b: c\r\n", "[a]: b\r\n", "{a}: b\r\n", "a\\: b\r\n",
    "\u{E9}: b\r\n", "a\u{80}: b\r\n", "a\u{7F}: b\r\n", "abcdefghijklmnopqrstuvwxyz : b\r\n", "<a>: b\r\n",
    "Content-Length : 1\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n",
    // Lengths
    "Content-Length:\r\n", "Content-Length: \r\n", "Content-Length: +1\r\n", "Content-Length: -1\r\n",
    "Content-Length: 0x1\r\n", "Content-Length: 1, 1\r\n", "Content-Length: 1,1\r\n", "Content-Length: 1 1\r\n",
    "Content-Length: 0\t1\r\n", "Content-Length: 0 1\r\n", "Content-Length: 1.0\r\n", "Content-Length: 1e3\r\n",
    "Content-Length: a\r\n", "Content-Length: 1;\r\n", "Content-Length: \"1\"\r\n", "Content-Length: 1,\r\n",
    "Content-Length: 9223372036854775808\r\n", "Content-Length: 18446744073709551617\r\n", "Content-Length: 1_0\r\n",
    "Content-Length: 99999999999999999999999\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
    "Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: 0\r\ncontent-length: 0\r\n",
    "Content-Length:\t\r\n", "Content-Length: 09223372036854775808\r\n", "Content-Length:\u{0B}1\r\n",
    "Content_Length: 1\r\n", "Content.Length: 1\r\n",
    "Content-Length: 1\r\nContent_Length: 1\r\n",
    "Content-Length: \u{B2}\r\n",
    // Encodings
    "Transfer-Encoding:\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: chunked,\r\n",
    "Transfer-Encoding: , chunked\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunkedx\r\n",
    "Transfer-Encoding: chunked;x=y\r\n", "Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding: 'chunked'\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "Transfer-Encoding:\tchunked\r\n",
    "Transfer-Encoding: chunked\t\r\n", "Transfer-Encoding: \u{0B}chunked\r\n", "Transfer-Encoding: chunk\u{0}ed\r\n",
    "Transfer_Encoding: chunked\r\n", "Transfer.Encoding: chunked\r\n", "Transfer-Encoding: ch\u{FF}nked\r\n",
    "Transfer-Encoding: chun\u{212A}ed".replacing("\u{212A}", with: "\u{CB}") + "\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nTransfer-Encoding: x\r\n",
    // Connection
    "Connection: a b\r\n", "Connection: a;b\r\n", "Connection: \"close\"\r\n", "Connection: close\u{80}\r\n",
    "Connection: close\r\nConnection: (x)\r\n",
  ]

  @Test(arguments: fieldLines) func fieldsOfRequest(lines: String) {
    #expect(request("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n") == .bad)
    #expect(request("POST / HTTP/1.1\r\nAccept: */*\r\nHost: a\r\n\(lines)X: y\r\n\r\n") == .bad)
  }

  @Test(arguments: fieldLines) func fieldsOfResponse(lines: String) {
    #expect(response("HTTP/1.1 200 OK\r\n\(lines)\r\n") == .bad)
    #expect(response("HTTP/1.1 304 Not Modified\r\n\(lines)\r\n", toHead: true) == .bad)
  }

  static let hosts: [String] = [
    "", "Host:\r\n", "Host: \r\n", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "Host: a b\r\n", "Host: a,b\r\n",
    "Host: a\tb\r\n", "Host:\ta\r\n", "Host: a\t\r\n", "Host: u@a\r\n", "Host: a::\r\n", "Host: :\r\n", "Host: a:0\r\n",
    "Host: a:080\r\n",
    "Host: a:65536\r\n", "Host: a:999999\r\n", "Host: a:+80\r\n", "Host: a:80:80\r\n", "Host: a:80x\r\n",
    "Host: :80\r\n",
    "Host: a/b\r\n", "Host: http://a\r\n", "Host: a?b\r\n", "Host: a#b\r\n", "Host: a\\b\r\n", "Host: %61\r\n",
    "Host: .\r\n",
    "Host: a..b\r\n", "Host: .a\r\n", "Host: a..\r\n", "Host: \u{E9}\r\n", "Host: a\0\r\n", "Host: [::1\r\n",
    "Host: ::1\r\n",
    "Host: [::1]x\r\n", "Host: []\r\n", "Host: [1.2.3.4]\r\n", "Host: [::1%25e]\r\n", "Host: [v1.a]\r\n",
    "Host: a'b\r\n",
    "Host: *\r\n", "Host: a;b\r\n", "Host : a\r\n", " Host: a\r\n", "H\u{6F}st : a\r\n", "Host: a:80, b\r\n",
    "Host: " + String(repeating: "a", count: 256) + "\r\n", "X-Host: a\r\n",
  ]

  @Test(arguments: hosts) func host(lines: String) {
    #expect(request("GET / HTTP/1.1\r\n\(lines)\r\n") == .bad)
    #expect(request("GET / HTTP/1.1\r\nAccept: */*\r\n\(lines)X: y\r\n\r\n") == .bad)
  }

  @Test(arguments: [
    "Transfer-Encoding: chunked\r\n", "Host: a\r\nHost: a\r\n", "Host: \r\n", "Host: a b\r\n",
    "Content-Length: 1\r\nContent-Length: 1\r\n",
  ])
  func oldRequests(lines: String) {
    #expect(request("POST / HTTP/1.0\r\n\(lines)\r\n") == .bad)
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 099 OK\r\n",
    "HTTP/1.1 600 OK\r\n", "HTTP/1.1 999 OK\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 +20 OK\r\n", "HTTP/1.1\t200 OK\r\n",
    "HTTP/1.1 200\tOK\r\n", "HTTP/1.1 200 O\0K\r\n", "HTTP/1.1 200 O\u{7F}K\r\n", "HTTP/1.1 200 O\rK\r\n",
    "HTTP/1.1 200OK\r\n",
    "HTTP/1.1 \r\n", "HTTP/1.1\r\n", "HTTP/1.x 200 OK\r\n", "http/1.1 200 OK\r\n", "ICY 200 OK\r\n",
    " HTTP/1.1 200 OK\r\n",
    "\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\r\n", "HTTP/1.1 000 OK\r\n", "HTTP/1.0 101 Switching Protocols\r\n",
    "200 OK\r\n",
  ])
  func statusLine(line: String) {
    #expect(response(line + "Content-Length: 0\r\n\r\n") == .bad)
  }

  @Test(arguments: [
    ("1.0", 200, "Transfer-Encoding: chunked\r\n"), ("1.1", 100, "Content-Length: 1\r\n"),
    ("1.1", 103, "Transfer-Encoding: chunked\r\n"), ("1.1", 101, "Content-Length: 5\r\n"),
    ("1.1", 204, "Content-Length: 5\r\n"), ("1.1", 204, "Transfer-Encoding: chunked\r\n"),
  ])
  func responseFraming(version: String, status: Int, lines: String) {
    #expect(response("HTTP/\(version) \(status) X\r\n\(lines)\r\n") == .bad)
  }

  private func request(_ text: String) -> HeadOutcome {
    let buffer = PaddedBytes(latin(text))
    var parser = HeadParser(fieldCapacity: 64)
    return parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 64)
  }

  private func response(_ text: String, toHead: Bool = false) -> HeadOutcome {
    let buffer = PaddedBytes(latin(text))
    var parser = HeadParser(fieldCapacity: 64)
    return parser.parseResponse(buffer.base, buffer.count, sizeBound: 4096, countBound: 64, toHead: toHead)
  }
}
