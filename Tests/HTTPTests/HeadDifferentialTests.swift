import HTTP
import HTTPReference
import Primitives
import Testing

/// The parser against a slow one, over many thousand heads that were broken at random.
struct HeadDifferentialTests {
  static let requests = [
    "GET /a/b?c=d HTTP/1.1\r\nHost: app.acme.example\r\nAccept: */*\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a:8080\r\nContent-Length: 12\r\nConnection: keep-alive, X-Long-Name-Of-A-Field\r\n"
      + "X-Long-Name-Of-A-Field: 1\r\n\r\n",
    "PUT /x HTTP/1.1\r\nhost: a.b.\r\ntransfer-encoding: chunked\r\nconnection: close\r\nExpect: 100-continue\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET http://a.example:80/x HTTP/1.1\r\nHost: A.example\r\nX_Tenant_Id: b\r\nContent-Type: text/plain\r\n\r\nrest",
    "DELETE /%41 HTTP/1.1\r\nHost:   a  \r\nContent-Length:0\r\nConnection: upgrade,te\r\nTE: trailers\r\n"
      + "Upgrade: websocket\r\n\r\n",
  ]
  static let responses = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello",
    "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Type: text/html\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\nETag: \"a\"\r\nX-Accel-Buffering-Of-It: no\r\n\r\n",
  ]
  static let pieces: [String] = [
    "\r", "\n", "\r\n", "\0", "\t", " ", ":", ",", ";", "\u{7F}", "\u{80}", "\u{FF}", "#", "_", "-", "0", "1", "5", "+",
    "chunked", "Host: a\r\n", "Host: b.c:80\r\n", "Content-Length: 5\r\n", "Content-Length: 05\r\n",
    "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Connection: host, accept\r\n", "\r\n\r\n", "\r\n ",
    "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http://a/", "https://a", "@", "[::1]", ".", "?", "*", "/",
    "Content_Length: 5\r\n",
  ]

  static func mutate(_ text: String, _ random: inout SeededRandom, among heads: [String]) -> [UInt8] {
    var bytes = latin(text)
    for _ in 0...random.below(3) {
      let at = random.below(bytes.count + 1)
      switch random.below(6) {
      case 0: bytes.insert(contentsOf: latin(pieces[random.below(pieces.count)]), at: at)
      case 1 where at < bytes.count: bytes[at] = UInt8(random.below(256))
      case 2 where at < bytes.count: bytes.remove(at: at)
      case 3 where at < bytes.count: bytes[at] ^= 1 << UInt8(random.below(8))
      case 4:
        let end = min(bytes.count, at + random.below(12))
        bytes.replaceSubrange(at..<end, with: latin(pieces[random.below(pieces.count)]))
      default:
        // A line of this head or of another, somewhere at the start of a line.
        let lines = heads[random.below(heads.count)].split(separator: "\r\n").dropFirst()
        guard let line = lines.randomElement(using: &random) else { continue }
        let places = bytes.indices.filter { $0 > 0 && bytes[$0 - 1] == 10 }
        guard let place = places.randomElement(using: &random) else { continue }
        bytes.insert(contentsOf: latin(line + "\r\n"), at: place)
      }
      if bytes.isEmpty { return [13] }
    }
    return bytes
  }

  @Test(arguments: 0..<8) func requestsAgree(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    var parser = HeadParser(fieldCapacity: 100)
    var accepted = 0
    for _ in 0..<2000 {
      let text = HeadDifferentialTests.requests[random.below(HeadDifferentialTests.requests.count)]
      let bytes = HeadDifferentialTests.mutate(text, &random, among: HeadDifferentialTests.requests)
      let expected = ReferenceParser(kind: .request).parse(bytes)
      let buffer = PaddedBytes(bytes)
      let outcome = parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 100)
      var found: ReferenceHead?
      if outcome == .complete {
        accepted += 1
        found = ReferenceHead(parser, request: buffer.base)
      }
      #expect(found == expected, "\(outcome) \(String(decoding: bytes, as: UTF8.self).debugDescription)")
      if found != expected { return }
    }
    #expect(accepted > 100)
  }

  @Test(arguments: 0..<8) func responsesAgree(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    var parser = HeadParser(fieldCapacity: 100)
    var accepted = 0
    for _ in 0..<2000 {
      let text = HeadDifferentialTests.responses[random.below(HeadDifferentialTests.responses.count)]
      let bytes = HeadDifferentialTests.mutate(text, &random, among: HeadDifferentialTests.responses)
      let toHead = random.below(4) == 0
      let expected = ReferenceParser(kind: .response(toHead: toHead)).parse(bytes)
      let buffer = PaddedBytes(bytes)
      let outcome = parser.parseResponse(buffer.base, buffer.count, sizeBound: 4096, countBound: 100, toHead: toHead)
      var found: ReferenceHead?
      if outcome == .complete {
        accepted += 1
        found = ReferenceHead(parser, response: buffer.base)
      }
      #expect(found == expected, "\(outcome) \(String(decoding: bytes, as: UTF8.self).debugDescription)")
      if found != expected { return }
    }
    #expect(accepted > 100)
  }
}
