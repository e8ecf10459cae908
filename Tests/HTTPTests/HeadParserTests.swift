import HTTP
import Primitives
import Testing

struct HeadParserTests {
  private func parse(_ text: String, size: Int = 4096, count: Int = 50) -> (HeadOutcome, RequestHead, PaddedBytes) {
    let buffer = PaddedBytes(latin(text))
    var parser = HeadParser(fieldCapacity: 64)
    let outcome = parser.parseRequest(buffer.base, buffer.count, sizeBound: size, countBound: count)
    return (outcome, parser.request, buffer)
  }

  @Test func placesOfARequest() {
    let text =
      "POST /a?b=c HTTP/1.1\r\nHost: App.Acme.example.:8080\r\nX-A:  b c \t\r\nContent-Length: 3\r\nCookie: x=y\r\n\r\nabc"
    let buffer = PaddedBytes(text)
    var parser = HeadParser(fieldCapacity: 8)
    #expect(parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 8) == .complete)
    let head = parser.request
    #expect(head.method == .post && buffer.text(head.methodText) == "POST" && head.minorVersion == 1)
    #expect(buffer.text(head.target) == "/a?b=c" && head.path == head.target && !head.isAbsoluteForm)
    #expect(buffer.text(head.host) == "App.Acme.example.:8080")
    let name = UnsafeBufferPointer(start: parser.hostName, count: Int(head.hostNameCount))
    #expect(String(decoding: name, as: UTF8.self) == "app.acme.example")
    #expect(head.length == buffer.count - 3 && head.lineEnd == 22 && head.fieldCount == 4)
    #expect(head.framing == .length && head.contentLength == 3 && head.wantsKeepAlive)
    #expect(head.seen == [FieldSet(.host), FieldSet(.contentLength), FieldSet(.cookie)] && head.repeated == [])
    let field = parser.fields[1]
    #expect(buffer.text(field.name) == "X-A" && buffer.text(field.value) == "b c" && field.id == .other)
    #expect(buffer.text(field.line) == "X-A:  b c \t\r\n")
    #expect(parser.field(.cookie).map { buffer.text($0.value) } == "x=y")
    #expect(parser.field(.te) == nil && parser.field(.other) == nil)
  }

  @Test func linesFollowOneAnother() {
    let buffer = PaddedBytes("GET / HTTP/1.1\r\nHost: a\r\nA-Name-Of-More-Than-Sixteen:\r\nb:\tc\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 8)
    #expect(parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 8) == .complete)
    var at = parser.request.lineEnd
    for index in 0..<parser.request.fieldCount {
      #expect(parser.fields[index].line.start == at && parser.fields[index].name.start == at)
      at = parser.fields[index].line.end
    }
    #expect(Int(at) + 2 == parser.request.length)
    #expect(parser.fields[1].value.isEmpty && buffer.text(parser.fields[2].value) == "c")
  }

  @Test(arguments: [
    ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
    ("TRACE", .trace), ("PATCH", .patch), ("get", .other), ("GETS", .other), ("X", .other), ("M-SEARCH", .other),
    ("!#$%&'*+-.^_`|~09azAZ", .other), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", .other),
  ])
  func methods(name: String, method: Method) {
    let (outcome, head, _) = parse("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(outcome == .complete && head.method == method)
  }

  @Test(arguments: [
    ("GET", "/", "/", false), ("OPTIONS", "*", "*", false), ("GET", "//x", "//x", false),
    ("GET", "/a%20b?c=[d]&e=\"|\\^`{}", "/a%20b?c=[d]&e=\"|\\^`{}", false), ("GET", "http://a", "", true),
    ("GET", "HTTP://A:80/b?c", "/b?c", true), ("GET", "https://a:443/", "/", true), ("OPTIONS", "http://a", "", true),
    ("GET", "http://a?b=/c", "?b=/c", true),
    ("GET", "http://a./x", "/x", true), ("GET", "/http://b/", "/http://b/", false),
  ])
  func targets(method: String, target: String, path: String, isAbsolute: Bool) {
    let (outcome, head, buffer) = parse("\(method) \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(outcome == .complete)
    #expect(buffer.text(head.target) == target && buffer.text(head.path) == path)
    #expect(head.isAbsoluteForm == isAbsolute && buffer.text(head.host) == "a")
  }

  @Test(arguments: [
    ("http://a/", "a:80"), ("https://a/", "a:443"), ("http://a:8080/", "a:8080"), ("http://[::1]/", "[::1]:80"),
    ("http://a/", "A."), ("http://a:/", "a"), ("http://a/", "a:"), ("https://a:/", "a:443"),
  ])
  func absoluteFormAgrees(target: String, host: String) {
    #expect(parse("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n").0 == .complete)
  }

  @Test(arguments: [
    ("5", 5, false), (" 5  ", 5, false), ("\t5", 5, true), ("5\t ", 5, true), ("05", 5, true), ("0", 0, false),
    ("00", 0, true), ("0000000000000000000009223372036854775807", Int64.max, true),
  ])
  func lengths(value: String, length: Int64, isUnusual: Bool) {
    let buffer = PaddedBytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\(value)\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 8)
    #expect(parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 8) == .complete)
    let head = parser.request
    #expect(head.contentLength == length && parser.hasUnusualLength == isUnusual)
    #expect(head.framing == (length > 0 ? .length : .none))
  }

  @Test(arguments: [
    ("http://a/", "b"), ("http://a/", "a:81"), ("https://a/", "a:80"), ("http://a:81/", "a"), ("http://a.b/", "a"),
    ("http://a/", "aa"),
  ])
  func absoluteFormDisagrees(target: String, host: String) {
    #expect(parse("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n").0 == .bad)
  }

  @Test func oldVersionNeedsNoHost() {
    #expect(parse("GET / HTTP/1.0\r\n\r\n").1.host.isEmpty)
    #expect(parse("GET / HTTP/1.0\r\n\r\n").0 == .complete)
    let (outcome, head, buffer) = parse("GET http://B:80/ HTTP/1.0\r\n\r\n")
    #expect(outcome == .complete && buffer.text(head.host) == "B:80" && head.hostNameCount == 1)
    #expect(parse("GET http://b@c/ HTTP/1.0\r\n\r\n").0 == .bad)
  }

  @Test(arguments: [
    ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: CLOSE , x\r\n", false),
    ("1.1", "Connection: close-not\r\n", true), ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
    ("1.0", "", false), ("1.0", "Connection: Keep-Alive\r\n", true),
    ("1.0", "Connection: keep-alive, close\r\n", false),
    ("1.0", "Connection: ,, keep-alive ,\r\n", true), ("1.1", "Proxy-Connection: close\r\n", true),
  ])
  func persistence(version: String, fields: String, expected: Bool) {
    let (outcome, head, _) = parse("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
    #expect(outcome == .complete && head.wantsKeepAlive == expected)
  }

  @Test(arguments: [
    ("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true),
    ("1.1", "Connection: keep-alive, upgrade\r\nUpgrade: foo/2\r\n", true),
    ("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false), ("1.1", "Upgrade: websocket\r\n", false),
    ("1.1", "Connection: upgrade\r\n", false), ("1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: H2C\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: /x\r\n", false), ("1.1", "Connection: upgrade\r\nUpgrade:\r\n", false),
    ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", true),
  ])
  func upgrades(version: String, fields: String, expected: Bool) {
    let (outcome, head, _) = parse("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
    #expect(outcome == .complete && head.wantsUpgrade == expected)
  }

  @Test(arguments: [
    ("1.1", "Content-Length: 1\r\nExpect: 100-Continue\r\n", true), ("1.1", "Expect: 100-continue\r\n", false),
    ("1.0", "Content-Length: 1\r\nExpect: 100-continue\r\n", false),
    ("1.1", "Content-Length: 1\r\nExpect: x\r\n", false),
    ("1.1", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", true),
    ("1.1", "Content-Length: 0\r\nExpect: 100-continue\r\n", false),
  ])
  func expectations(version: String, fields: String, expected: Bool) {
    let (outcome, head, _) = parse("PUT / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
    #expect(outcome == .complete && head.expectsContinue == expected)
  }

  @Test func fieldsNamedByConnection() {
    let buffer = PaddedBytes(
      "GET / HTTP/1.1\r\nX-Foo: 1\r\nConnection: x-FOO, host, content-length\r\nHost: a\r\nx-foo: 2\r\nX-Bar: 3\r\n"
        + "Connection: x-bar,X-Tenant-ID\r\nX-Tenant-ID: t\r\nContent-Length: 1\r\nX-Foo-Not: 4\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 16)
    #expect(parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 16) == .complete)
    let named = (0..<parser.request.fieldCount).map { parser.fields[$0].isNamedByConnection }
    #expect(named == [true, false, false, true, true, false, true, false, false])
    #expect(parser.request.repeated == FieldSet(.connection))
  }

  @Test func connectionOptionsAreBounded() {
    func request(_ count: Int) -> String {
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + Array(repeating: "x", count: count).joined(separator: ",")
        + "\r\n\r\n"
    }
    #expect(parse(request(HeadParser.connectionOptionBound)).0 == .complete)
    #expect(parse(request(HeadParser.connectionOptionBound + 1)).0 == .bad)
  }

  @Test func lookAlikes() {
    let buffer = PaddedBytes("GET / HTTP/1.1\r\nHost: a\r\nX_Tenant_Id: b\r\nX-Tenant.ID: c\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 8)
    #expect(parser.parseRequest(buffer.base, buffer.count, sizeBound: 4096, countBound: 8) == .complete)
    #expect(parser.fields[1].id == .xTenantID && parser.fields[1].hasUnderscore)
    #expect(parser.fields[2].id == .xTenantID && parser.fields[2].hasUnderscore)
    #expect(parser.field(.xTenantID) == nil && parser.request.seen.contains(.xTenantID))
    for order in ["X-Tenant-ID: t\r\nX_Tenant_ID: u\r\n", "X_Tenant_ID: u\r\nX-Tenant-ID: t\r\n"] {
      let both = PaddedBytes("GET / HTTP/1.1\r\nHost: a\r\n\(order)\r\n")
      #expect(parser.parseRequest(both.base, both.count, sizeBound: 4096, countBound: 8) == .complete)
      #expect(parser.field(.xTenantID).map { both.text($0.value) } == "t")
    }
  }

  @Test func bounds() {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nb: c\r\n\r\n"
    #expect(parse(text, size: text.utf8.count).0 == .complete)
    #expect(parse(text, size: text.utf8.count - 1).0 == .tooLarge)
    #expect(parse(text, size: 16).0 == .tooLarge)
    #expect(parse(text, size: 15).0 == .targetTooLong)
    #expect(parse(String(text.prefix(10)), size: 10).0 == .targetTooLong)
    #expect(parse(String(text.prefix(10)), size: 11).0 == .incomplete)
    #expect(parse(text, count: 2).0 == .complete)
    #expect(parse(text, count: 1).0 == .tooLarge)
    let many = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a:b\r\n", count: 64) + "\r\n"
    #expect(parse(many, count: 1000).0 == .tooLarge)
  }

  @Test func tellsTheRequestLineOfARefusedHead() {
    var parser = HeadParser(fieldCapacity: 8)
    let refused = PaddedBytes("GET /a HTTP/1.1\r\nHost : b\r\n\r\n")
    #expect(parser.parseRequest(refused.base, refused.count, sizeBound: 100, countBound: 8) == .bad)
    #expect(parser.request.lineEnd == 17 && refused.text(parser.request.target) == "/a")
    let garbage = PaddedBytes("\u{16}\u{03}\u{01}")
    #expect(parser.parseRequest(garbage.base, garbage.count, sizeBound: 100, countBound: 8) == .bad)
    #expect(parser.request.lineEnd == 0 && parser.request.target.isEmpty)
  }

  @Test func leavesWhatFollows() {
    let first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    let buffer = PaddedBytes(first + "\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 8)
    #expect(parser.parseRequest(buffer.base, buffer.count, sizeBound: 100, countBound: 8) == .complete)
    #expect(parser.request.length == first.utf8.count)
    let rest = buffer.count - parser.request.length
    #expect(parser.parseRequest(buffer.base + parser.request.length, rest, sizeBound: 100, countBound: 8) == .complete)
    #expect(parser.request.length == rest)
  }
}
