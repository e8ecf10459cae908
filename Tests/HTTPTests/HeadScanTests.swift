import HTTP
import Primitives
import Testing

/// What the pieces are that a head comes in makes no difference.
struct HeadScanTests {
  static let heads: [String] =
    HeadDifferentialTests.requests + StrictnessTests.firstLines.map { $0 + "Host: a\r\n\r\n" }
    + StrictnessTests.fieldLines.map { "GET / HTTP/1.1\r\nHost: a\r\n\($0)\r\n" } + [
      "", "\r\n", "GET", "GET / HTTP/1.1\r\n",
    ]

  private func parse(_ parser: inout HeadParser, _ bytes: ArraySlice<UInt8>, _ size: Int, _ padding: Int = 0)
    -> HeadOutcome
  {
    let buffer = PaddedBytes(bytes, padding: PaddedBytes.paddings[padding % PaddedBytes.paddings.count])
    return parser.parseRequest(buffer.base, buffer.count, sizeBound: size, countBound: 3)
  }

  /// A beginning of a head is incomplete, or has the outcome of the whole already; and never goes back from that.
  @Test(arguments: [4096, 40, 17], PaddedBytes.paddings.indices) func everyBeginningOfEveryHead(size: Int, padding: Int)
  {
    var parser = HeadParser(fieldCapacity: 16)
    for head in HeadScanTests.heads {
      let bytes = latin(head)
      let whole = parse(&parser, bytes[...], size)
      var last = HeadOutcome.incomplete
      for count in 0...bytes.count {
        let outcome = parse(&parser, bytes[..<count], size, padding)
        #expect(outcome == whole || outcome == .incomplete, "\(count) of \(head.debugDescription)")
        #expect(last == .incomplete || outcome == last, "\(count) of \(head.debugDescription)")
        last = outcome
      }
    }
  }

  /// Byte by byte and in every two pieces, the scan ends as it does in one, and agrees with the parser.
  @Test(arguments: [4096, 40, 17]) func everySplit(size: Int) {
    var parser = HeadParser(fieldCapacity: 16)
    for head in HeadScanTests.heads {
      let bytes = latin(head)
      let whole = parse(&parser, bytes[...], size)
      let expected = scan(bytes, [], size)
      switch expected.outcome {
      case .complete: #expect(whole != .incomplete, "\(head.debugDescription)")
      case .incomplete: #expect(whole != .complete, "\(head.debugDescription)")
      default: #expect(whole != .complete && whole != .incomplete, "\(head.debugDescription)")
      }
      if whole == .complete { #expect(expected.length == parser.request.length, "\(head.debugDescription)") }
      #expect(scan(bytes, Array(bytes.indices), size) == expected, "\(head.debugDescription)")
      for split in bytes.indices {
        #expect(scan(bytes, [split], size, padding: split) == expected, "\(split) of \(head.debugDescription)")
      }
    }
  }

  private struct End: Equatable {
    var outcome: HeadOutcome
    var length: Int
  }

  private func scan(_ bytes: [UInt8], _ splits: [Int], _ size: Int, padding: Int = 0) -> End {
    var scan = HeadScan()
    var outcome = HeadOutcome.incomplete
    for (index, count) in (splits + [bytes.count]).enumerated() {
      // Each time another buffer: a connection may have been given a new one.
      let buffer = PaddedBytes(bytes[..<count], padding: PaddedBytes.paddings[(padding + index) % 6])
      outcome = scan.advance(buffer.base, buffer.count, sizeBound: size)
      if outcome != .incomplete { break }
    }
    return End(outcome: outcome, length: scan.length)
  }

  @Test func looksAtEachByteOnce() {
    let bytes = latin("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 1000))
    let buffer = PaddedBytes(bytes)
    var scan = HeadScan()
    #expect(scan.advance(buffer.base, bytes.count, sizeBound: 2000) == .incomplete)
    // What was seen may change behind its back.
    for index in 0..<bytes.count { buffer.base[index] = 0 }
    #expect(scan.advance(buffer.base, bytes.count, sizeBound: 2000) == .incomplete)
  }
}
