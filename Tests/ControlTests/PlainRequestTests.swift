import Testing

@testable import Control

@Suite struct PlainRequestTests {
  private func read(_ head: String) -> PlainRequest? { PlainRequest(head: Array(head.utf8)[...]) }

  @Test func aHeadIsTakenApart() throws {
    let request = try #require(read("GET /slow?ms=5&x=a=b HTTP/1.1\r\nHost: a\r\nX-A:  one \t\r\nx-a: two\r\n\r\n"))
    #expect(request.method == "GET")
    #expect(request.path == "/slow")
    #expect(request.query == "ms=5&x=a=b")
    #expect(request.parameter("ms") == "5")
    #expect(request.parameter("x") == "a=b")
    #expect(request.parameter("s") == nil)
    #expect(request.field("x-a") == "one, two")
    #expect(request.field("x-b") == nil)
    #expect(request.framing == .none)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", PlainRequest.Framing.none),
    ("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", .none),
    ("PUT / HTTP/1.1\r\nContent-Length: 12\r\n\r\n", .length(12)),
    ("PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n", .chunked),
  ])
  func framingFollowsTheFields(head: String, framing: PlainRequest.Framing) {
    #expect(read(head)?.framing == framing)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", true), ("GET / HTTP/1.0\r\n\r\n", false),
    ("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n", false),
    ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
  ])
  func keepAliveFollowsVersionAndField(head: String, keepsAlive: Bool) {
    #expect(read(head)?.keepsAlive == keepsAlive)
  }

  @Test(arguments: [
    "\r\n\r\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
    "GET / http/1.1\r\n\r\n", "GET x HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n", " / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\nA: \u{0}\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: \r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n",
  ])
  func malformedHeadsAreRefused(head: String) {
    #expect(read(head) == nil)
  }

  @Test func whatIsNotUTF8IsRefused() {
    #expect(PlainRequest(head: (Array("GET /".utf8) + [0xFF] + Array(" HTTP/1.1\r\n\r\n".utf8))[...]) == nil)
  }
}
