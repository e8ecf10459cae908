import HTTP
import Testing

struct TrailerTests {
  private func parse(_ text: String, size: Int = 200, count: Int = 4) -> (HeadOutcome, Int, Int) {
    let buffer = PaddedBytes(latin(text))
    var parser = HeadParser(fieldCapacity: 8)
    let outcome = parser.parseTrailers(buffer.base, buffer.count, sizeBound: size, countBound: count)
    return (outcome, parser.trailerCount, parser.trailerLength)
  }

  @Test func lengths() {
    #expect(parse("\r\nGET") == (.complete, 0, 2))
    #expect(parse("A: b\r\n\r\nGET") == (.complete, 1, 8))
    #expect(parse("A: b\r\nC:d\r\n\r\n") == (.complete, 2, 13))
  }

  @Test(arguments: [
    "A: b\n\r\n", "\n", "\rx", "A : b\r\n\r\n", " A: b\r\n\r\n", "A\r\n\r\n", ": b\r\n\r\n", "A: b\r\n c\r\n\r\n",
    "A: \0\r\n\r\n",
    "Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "Host: a\r\n\r\n", "content_length: 5\r\n\r\n",
  ])
  func refused(text: String) {
    #expect(parse(text).0 == .bad)
  }

  @Test func bounds() {
    #expect(parse("A: b\r\n\r\n", size: 8).0 == .complete)
    #expect(parse("A: b\r\n\r\n", size: 7).0 == .tooLarge)
    #expect(parse("A: b\r\n\r\n", count: 0).0 == .tooLarge)
    for count in 0..<8 { #expect(parse(String("A: b\r\n\r\n".unicodeScalars.prefix(count))).0 == .incomplete) }
  }

  @Test func tenantFieldsAreKnownThere() {
    let buffer = PaddedBytes("x_tenant_id: a\r\nX-Checksum: 1\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 8)
    #expect(parser.parseTrailers(buffer.base, buffer.count, sizeBound: 100, countBound: 8) == .complete)
    #expect(FieldSet.forbiddenInTrailers.contains(parser.fields[0].id))
    #expect(!FieldSet.forbiddenInTrailers.contains(parser.fields[1].id))
  }
}
