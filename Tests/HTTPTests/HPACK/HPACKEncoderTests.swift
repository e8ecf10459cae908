import HTTP
import Primitives
import Testing

/// What is encoded is what is decoded.
struct HPACKEncoderTests {
  /// A block that `make` fills.
  private func block(_ encoder: inout HPACKEncoder, room: Int = 65_536, _ make: (inout HPACKEncoder) -> Void) -> [UInt8]
  {
    [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      encoder.begin(at: buffer.baseAddress!)
      make(&encoder)
      count = encoder.count
    }
  }

  private func add(_ fields: [(String, String)], to encoder: inout HPACKEncoder) {
    for (name, value) in fields {
      let (name, value) = (PaddedBytes(latin(name)), PaddedBytes(latin(value)))
      encoder.add(name.base, name.count, value.base, value.count)
    }
  }

  @Test func statuses() {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    for status in UInt16(100)...599 {
      let bytes = block(&encoder) { $0.add(status: status) }
      #expect(HPACKDecoderTests.decode(&decoder, bytes) == [":status: \(status)"])
    }
    #expect(block(&encoder) { $0.add(status: 200) } == hex("88"))
  }

  @Test func fieldsRoundTrip() {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    var fields: [(String, String)] = []
    for index in 1...StaticTable.count {
      let name = String(decoding: StaticTable.shared.name(index), as: UTF8.self)
      let value = String(decoding: StaticTable.shared.value(index), as: UTF8.self)
      fields.append((name, value))
      fields.append((name.uppercased(), "\u{1}\u{2}~~{}{}\\"))
    }
    fields += [
      ("X", ""), ("X-Tenant_ID", "acme"), (String(repeating: "Ab-", count: 40), "long name"),
      ("value", String(repeating: "0", count: 5000)), ("raw", String(repeating: "\u{7F}", count: 300)), ("q[", "]"),
      (String(repeating: "N", count: 64), "a"), (String(repeating: "N", count: 65), "b"),
    ]
    for _ in 0..<3 {
      let decoded = HPACKDecoderTests.decode(&decoder, block(&encoder) { add(fields, to: &$0) })
      #expect(decoded == fields.map { "\($0.0.lowercased()): \($0.1)" })
    }
  }

  /// What answers repeat costs one byte from the second time on; what may be a secret is never indexed.
  @Test func repeatedFields() {
    var encoder = HPACKEncoder()
    let fields = [("Content-Type", "text/plain"), ("Server", "x"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")]
    let first = block(&encoder) { add(fields, to: &$0) }
    #expect(block(&encoder) { add(fields, to: &$0) } == hex("c0bfbe"))
    #expect(first.count > 30)
    let secret = block(&encoder) { add([("Set-Cookie", "a=b"), ("X-Secret", "c"), ("Authorization", "d")], to: &$0) }
    #expect(
      block(&encoder) { add([("Set-Cookie", "a=b"), ("X-Secret", "c"), ("Authorization", "d")], to: &$0) } == secret)
  }

  /// Thousands of values that come and go: the peer always reads what was meant, whatever the size of its table.
  @Test(arguments: [65_536, 4096, 2000, 1024, 200, 50, 0]) func manyRepeatedFields(size: Int) {
    let talk = Talk.open(settings: [(1, UInt32(size))])
    var decoder = HPACKDecoder(tableSize: min(size, 4096))
    var random = SeededRandom(seed: 11)
    for round in 0..<2000 {
      let values = (0..<1 + random.below(6)).map { _ in
        (
          ["vary", "Server", "CONTENT-TYPE", "x-other"][random.below(4)],
          String(repeating: "v", count: random.below(40)) + "\(random.below(12))"
        )
      }
      let bytes = talk.ask { connection in block(&connection.encoder.pointee) { add(values, to: &$0) } }
      // A smaller table is told of before anything is said in it.
      #expect((bytes[0] & 0xE0 == 0x20) == (round == 0 && size < 4096))
      #expect(HPACKDecoderTests.decode(&decoder, bytes) == values.map { "\($0.0.lowercased()): \($0.1)" })
    }
  }

  /// Of several sizes announced between two blocks the smallest must be told (RFC 7541 §4.2): a table that had grown again
  /// was told at its last size only.
  @Test func sizesThatGoUpAndDown() {
    let talk = Talk.open()
    talk.say(Frames.settings([(1, 512)]) + Frames.settings([(1, 4096)]) + Frames.settings([(1, 2048)]))
    let bytes = talk.ask { connection in block(&connection.encoder.pointee) { add([("vary", "a")], to: &$0) } }
    let size = bytes.withUnsafeBufferPointer { buffer in
      var place = buffer.baseAddress!
      return HPACKInteger.read(&place, place + buffer.count, prefix: 5)
    }
    #expect(bytes[0] & 0xE0 == 0x20 && size <= 512)
  }

  @Test func aParsedResponse() {
    let head = PaddedBytes("HTTP/1.1 404 Not Found\r\nContent-Type:text/plain \r\nX-A: b\r\nContent-Length: 3\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 16)
    #expect(parser.parseResponse(head.base, head.count, sizeBound: 4096, countBound: 16, toHead: false) == .complete)
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    let bytes = block(&encoder) { encoder in
      encoder.add(status: parser.response.status)
      for index in 0..<parser.response.fieldCount { encoder.add(parser.fields[index], in: head.base) }
    }
    #expect(
      HPACKDecoderTests.decode(&decoder, bytes) == [
        ":status: 404", "content-type: text/plain", "x-a: b", "content-length: 3",
      ])
  }

  @Test func linesWithoutWhatIsBetweenNeighbours() {
    let lines = PaddedBytes(
      "Content-Length: 3\r\nConnection: close\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n"
        + "Upgrade: h2c\r\nEmpty:\r\nX:  y \r\n\r\nignored: x\r\n")
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    let bytes = block(&encoder) { $0.add(lines: lines.base, lines.count) }
    #expect(HPACKDecoderTests.decode(&decoder, bytes) == ["content-length: 3", "empty: ", "x: y"])
  }

  @Test func requests() {
    let head = PaddedBytes(
      "PUT /a?b HTTP/1.1\r\nX: y\r\nHost: a.example:80\r\nTE: x\r\nTransfer-Encoding: chunked\r\nZ: 1\r\n\r\n")
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    let bytes = block(&encoder) { $0.add(request: head.base, head.count, isSecure: true, takesTrailers: true) }
    #expect(
      HPACKDecoderTests.decode(&decoder, bytes) == [
        ":method: PUT", ":scheme: https", ":path: /a?b", ":authority: a.example:80", "te: trailers", "x: y", "z: 1",
      ])
    let least = PaddedBytes("GET / HTTP/1.1\r\nHost:\r\n\r\n")
    let second = block(&encoder) { $0.add(request: least.base, least.count, isSecure: false, takesTrailers: false) }
    #expect(second == hex("828684"))
  }

  /// The room that is promised is enough for the worst of heads: names of one byte and values that Huffman can't shorten.
  @Test func room() {
    for text in ["a:\r\n", "a:~\r\n", "abc: \u{1}\u{2}\r\n", String(repeating: "{", count: 200) + ":\r\n"] {
      let lines = PaddedBytes(String(repeating: text, count: 500))
      var encoder = HPACKEncoder()
      let bytes = block(&encoder, room: 4 * lines.count) { $0.add(lines: lines.base, lines.count) }
      #expect(bytes.count <= HPACKEncoder.room(lines.count))
    }
  }

  @Test func names() {
    let table = StaticTable.shared
    for index in 1...StaticTable.count {
      let name = table.name(index)
      let first = table.index(ofName: name.baseAddress!, name.count)
      #expect(first <= index && Array(table.name(first)) == Array(name))
    }
    #expect(table.index(ofName: PaddedBytes("x-tenant-id").base, 11) == 0)
  }
}
