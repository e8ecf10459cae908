import HTTP
import Testing

/// Heads of HTTP/1.1 as field blocks.
struct FieldBlockTests {
  private func fields(_ make: (inout FieldBlock) -> Void) -> [String]? {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    let block = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      var block = FieldBlock(at: buffer.baseAddress!, &encoder)
      make(&block)
      count = block.count
    }
    return HPACKDecoderTests.decode(&decoder, block)
  }

  @Test func aParsedResponse() {
    let head = PaddedBytes("HTTP/1.1 404 Not Found\r\nContent-Type:text/plain \r\nX-A: b\r\n\r\n")
    var parser = HeadParser(fieldCapacity: 16)
    #expect(parser.parseResponse(head.base, head.count, sizeBound: 4096, countBound: 16, toHead: false) == .complete)
    let found = fields { block in
      block.add(status: parser.response.status)
      for index in 0..<parser.response.fieldCount { block.add(parser.fields[index], in: head.base) }
    }
    #expect(found == [":status: 404", "content-type: text/plain", "x-a: b"])
  }

  @Test func linesWithoutWhatIsBetweenNeighbours() {
    let lines = PaddedBytes(
      "Content-Length: 3\r\nConnection: close\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n"
        + "Upgrade: h2c\r\nEmpty:\r\nX:  y \r\n\r\nignored: x\r\n")
    #expect(fields { $0.add(lines: lines.base, lines.count) } == ["content-length: 3", "empty: ", "x: y"])
  }

  /// The room that is promised is enough for the worst of heads: names of one byte and values that Huffman can't shorten.
  @Test func room() {
    for text in ["a:\r\n", "a:~\r\n", "abc: \u{1}\u{2}\r\n", String(repeating: "{", count: 200) + ":\r\n"] {
      let lines = PaddedBytes(String(repeating: text, count: 500))
      var encoder = HPACKEncoder()
      let room = FieldBlock.room(lines.count)
      _ = [UInt8](unsafeUninitializedCapacity: 2 * room) { buffer, count in
        var block = FieldBlock(at: buffer.baseAddress!, &encoder)
        block.add(lines: lines.base, lines.count)
        count = block.count
        #expect(block.count <= room)
      }
    }
  }
}
