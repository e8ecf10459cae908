import HTTP
import HTTPReference

/// Trailer sections: the parser and the slow parser tell the same.
enum Trailers {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count < 4096 else { return }
    var parser = HeadParser(fieldCapacity: 100)
    let copy = PaddedCopy(bytes)
    let whole = parser.parseTrailers(copy.base, copy.count, sizeBound: 4096, countBound: 100)
    let expected = ReferenceParser.trailers(bytes)
    if whole == .complete {
      try requireEqual(ReferenceHead(parser, trailers: copy.base).lines, expected?.lines, "lines differ")
      try requireEqual(parser.trailerLength, expected?.length, "lengths differ")
    } else {
      try require(expected == nil, "\(whole), but the slow parser reads it")
    }
    for count in cuts(of: bytes.count) {
      let copy = PaddedCopy(bytes[..<count])
      let outcome = parser.parseTrailers(copy.base, count, sizeBound: 4096, countBound: 100)
      try require(outcome == whole || outcome == .incomplete, "\(outcome) after \(count), \(whole) in the end")
    }
  }
}
