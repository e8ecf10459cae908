import HTTP
import Primitives
import Testing

struct ChunkedDecoderTests {
  private struct End: Equatable {
    var data: [UInt8] = []
    var consumed = 0
    var state = ChunkedState.more
  }

  /// Decodes `bytes` in pieces that end at `splits` and at the end.
  private func decode(_ bytes: [UInt8], _ splits: [Int] = []) -> End {
    var decoder = ChunkedDecoder()
    var end = End()
    var start = 0
    for split in splits + [bytes.count] where end.state == .more {
      let piece = PaddedBytes(bytes[start..<split])
      let progress = decoder.compact(piece.base, piece.count)
      end.data += UnsafeBufferPointer(start: piece.base, count: progress.data)
      end.consumed += progress.consumed
      end.state = progress.state
      if progress.state == .more { #expect(progress.consumed == piece.count) }
      let rest = UnsafeBufferPointer(start: piece.base + progress.consumed, count: piece.count - progress.consumed)
      #expect(rest.elementsEqual(bytes[(start + progress.consumed)..<split]))
      start = split
    }
    return end
  }

  static let good: [(text: String, data: String, rest: Int)] = [
    ("0\r\n", "", 0), ("0\r\n\r\nGET", "", 5), ("5\r\nhello\r\n0\r\n\r\n", "hello", 2),
    ("1\r\na\r\n2\r\nbc\r\n000\r\nX: y\r\n\r\n", "abc", 8),
    ("A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n", "0123456789abcdefghij", 0),
    ("5;a=b\r\nhello\r\n0;x\r\n\r\n", "hello", 2), ("2; a=\"b;c\";d\r\n\r\n\r\n00\r\n", "\r\n", 0),
    ("0000000000000003\r\nabc\r\n0\r\n", "abc", 0),
    ("1;a=\u{FF}\r\n0\r\n0\r\n", "0", 0),
  ]

  @Test(arguments: good) func everySplit(text: String, data: String, rest: Int) {
    let bytes = latin(text)
    let expected = End(data: latin(data), consumed: bytes.count - rest, state: .trailers)
    #expect(decode(bytes) == expected)
    #expect(decode(bytes, Array(bytes.indices)) == expected)
    for first in bytes.indices {
      for second in first..<bytes.count { #expect(decode(bytes, [first, second]) == expected) }
    }
  }

  @Test(arguments: good) func everyBeginningAsksForMore(text: String, data: String, rest: Int) {
    let bytes = latin(text)
    for count in 0..<(bytes.count - rest) { #expect(decode(Array(bytes[..<count])).state == .more) }
  }

  @Test(arguments: [
    "\r\n", "\n", "g\r\n", "0x1\r\na\r\n", "-1\r\n", "+1\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "1 ;a\r\nb\r\n",
    "1\t\r\na\r\n", "1\na\r\n", "1\r\ra\r\n",
    "1\r\nab\r\n", "1\r\na\n", "1\r\na\r\r\n", "1\r\na0\r\n", "1\r\na\r\n\r\n", ";a\r\n", "1;\r\na\r\n", "1; \r\na\r\n",
    "1;;\r\na\r\n", "1;=\r\na\r\n",
    "1;a\na\r\n", "1;a\rb\r\n", "1;a\0\r\n", "1;a\u{7F}\r\n", "1;\ta\r\n", "1;a\tb\r\n", "1_0\r\n", "1,0\r\n", "1.\r\n",
    "\0", "0\n\r\n", "0\r\r\n", "0\rX",
    "00000000000000000\r\n", "1000000000000001\r\n", "ffffffffffffffff\r\n", "10000000000000001\r\na", "1\u{B2}\r\n",
    "1;" + String(repeating: "a", count: 255) + "\r\n", "2\r\na\r\n\r\n",
  ])
  func refused(text: String) {
    let bytes = latin(text)
    let expected = decode(bytes)
    #expect(expected.state == .bad)
    #expect(decode(bytes, Array(bytes.indices)) == expected)
    for split in bytes.indices { #expect(decode(bytes, [split]) == expected) }
  }

  @Test func bounds() {
    #expect(decode(latin("1000000000000000\r\nabc")) == End(data: latin("abc"), consumed: 21, state: .more))
    let longest = "1;" + String(repeating: "a", count: ChunkedDecoder.lineBound - 2)
    #expect(decode(latin(longest + "\r\na\r\n0\r\n")).state == .trailers)
  }

  @Test func staysBadAndStaysDone() {
    var decoder = ChunkedDecoder()
    let bad = PaddedBytes("x0\r\n")
    #expect(decoder.compact(bad.base, 1).state == .bad)
    #expect(decoder.compact(bad.base + 1, 3).state == .bad)
    decoder = ChunkedDecoder()
    #expect(decoder.compact(bad.base + 1, 3).state == .trailers)
    let after = decoder.compact(bad.base, 1)
    #expect(after.state == .trailers && after.consumed == 0 && after.data == 0)
  }

  @Test func whatIsWrittenCanBeRead() {
    var random = SeededRandom(seed: 3)
    var wire: [UInt8] = []
    var data: [UInt8] = []
    for size in [1, 15, 16, 255, 256, 4095, 4096, 65535, 65536] {
      let header = PaddedBytes([UInt8](repeating: 0, count: ChunkFraming.maximumHeaderCount))
      let count = ChunkFraming.writeHeader(size: size, into: header.base)
      wire += UnsafeBufferPointer(start: header.base, count: count)
      let run = (0..<size).map { _ in UInt8(random.below(256)) }
      wire += run + [13, 10]
      data += run
    }
    wire += latin("0\r\n")
    for _ in 0..<20 {
      let splits = (0..<random.below(40)).map { _ in random.below(wire.count) }.sorted()
      #expect(decode(wire, splits) == End(data: data, consumed: wire.count, state: .trailers))
    }
  }
}

struct ChunkFramingTests {
  @Test(arguments: [0, 1, 9, 10, 15, 16, 255, 256, 65536, 1 << 60, .max]) func headers(size: Int) {
    let place = PaddedBytes([UInt8](repeating: 0, count: ChunkFraming.maximumHeaderCount))
    let count = ChunkFraming.writeHeader(size: size, into: place.base)
    #expect(place.text(ByteRange(0, Int32(count))) == String(size, radix: 16) + "\r\n")
  }
}
