import HTTP
import HTTPReference

/// Response heads: the parser and the slow parser tell the same. The first byte says whether the request was a HEAD.
enum ResponseHeads {
  private static let sizeBound = 4096

  static func run(_ bytes: [UInt8]) throws {
    guard let first = bytes.first, bytes.count < sizeBound else { return }
    let (toHead, bytes) = (first & 1 != 0, Array(bytes.dropFirst()))
    var parser = HeadParser(fieldCapacity: 100)
    let copy = PaddedCopy(bytes)
    let whole = parser.parseResponse(copy.base, copy.count, sizeBound: sizeBound, countBound: 100, toHead: toHead)
    let expected = ReferenceParser(kind: .response(toHead: toHead)).parse(bytes)
    if whole == .complete {
      try requireEqual(ReferenceHead(parser, response: copy.base), expected, "heads differ")
    } else {
      try require(expected == nil, "\(whole), but the slow parser reads it")
    }
    var last = HeadOutcome.incomplete
    for count in cuts(of: bytes.count) {
      let copy = PaddedCopy(bytes[..<count])
      let outcome = parser.parseResponse(copy.base, count, sizeBound: sizeBound, countBound: 100, toHead: toHead)
      try require(outcome == whole || outcome == .incomplete, "\(outcome) after \(count), \(whole) in the end")
      try require(last == .incomplete || outcome == last, "\(outcome) after \(last)")
      last = outcome
    }
  }
}
