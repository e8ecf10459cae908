import HTTP
import HTTPReference

/// Request heads: the parser, the slow parser, and the scan over pieces tell the same.
enum RequestHeads {
  private static let sizeBound = 4096
  private static let countBound = 100

  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count < sizeBound else { return }
    var parser = HeadParser(fieldCapacity: countBound)
    let whole = try compare(bytes, &parser)
    try bounds(bytes, whole, &parser)
    try beginnings(bytes, whole.outcome, &parser)
    try HeadScans.check(bytes, whole.outcome, length: whole.length, sizeBound: sizeBound)
  }

  private struct Whole {
    var outcome: HeadOutcome
    var length = 0
    var fields = 0
  }

  /// The whole head by both parsers.
  private static func compare(_ bytes: [UInt8], _ parser: inout HeadParser) throws -> Whole {
    let copy = PaddedCopy(bytes)
    let outcome = parser.parseRequest(copy.base, copy.count, sizeBound: sizeBound, countBound: countBound)
    let expected = ReferenceParser(kind: .request).parse(bytes)
    guard outcome == .complete else {
      try require(expected == nil, "\(outcome), but the slow parser reads it")
      return Whole(outcome: outcome)
    }
    try requireEqual(ReferenceHead(parser, request: copy.base), expected, "heads differ")
    let name = UnsafeBufferPointer(start: parser.hostName, count: Int(parser.request.hostNameCount))
    try require(name.allSatisfy { $0 > 32 && $0 < 127 && !($0 >= 65 && $0 <= 90) }, "host name \(shown(name))")
    return Whole(outcome: outcome, length: parser.request.length, fields: parser.request.fieldCount)
  }

  /// Tighter bounds change nothing but what is over them.
  private static func bounds(_ bytes: [UInt8], _ whole: Whole, _ parser: inout HeadParser) throws {
    let copy = PaddedCopy(bytes, tail: "x: y\r\n\r\n")
    let outcome = parser.parseRequest(copy.base, copy.count, sizeBound: 64, countBound: 3)
    if outcome == .complete {
      try require(whole.outcome == .complete && whole.length <= 64 && whole.fields <= 3, "over its bounds")
    } else if whole.outcome == .complete {
      let isOver = whole.length > 64 || whole.fields > 3
      try require(isOver && (outcome == .tooLarge || outcome == .targetTooLong), "\(outcome) within its bounds")
    }
  }

  /// A beginning is incomplete or has the outcome of the whole, and never goes back from that.
  private static func beginnings(_ bytes: [UInt8], _ whole: HeadOutcome, _ parser: inout HeadParser) throws {
    var last = HeadOutcome.incomplete
    for count in cuts(of: bytes.count) {
      let copy = PaddedCopy(bytes[..<count])
      let outcome = parser.parseRequest(copy.base, count, sizeBound: sizeBound, countBound: countBound)
      try require(outcome == whole || outcome == .incomplete, "\(outcome) after \(count), \(whole) in the end")
      try require(last == .incomplete || outcome == last, "\(outcome) after \(last)")
      last = outcome
    }
  }
}
