import HTTP

/// The search for the end of a head that comes in pieces.
enum HeadScans {
  /// Checks that pieces don't matter, and that the scan and a parser with that outcome agree.
  static func check(_ bytes: [UInt8], _ parsed: HeadOutcome, length: Int, sizeBound: Int) throws {
    let whole = scan(bytes, [bytes.count], sizeBound)
    switch whole.outcome {
    case .complete: try require(parsed != .incomplete, "the scan is complete, the parser wants more")
    case .incomplete: try require(parsed != .complete, "the parser is complete, the scan wants more")
    default: try require(parsed != .complete && parsed != .incomplete, "scan \(whole.outcome), parser \(parsed)")
    }
    if parsed == .complete { try requireEqual(whole.length, length, "lengths differ") }
    for cut in cuts(of: bytes.count) {
      let pieces = scan(bytes, [cut, bytes.count], sizeBound)
      try require(pieces == whole, "cut at \(cut): \(pieces), in one: \(whole)")
    }
    try require(scan(bytes, Array(cuts(of: bytes.count)) + [bytes.count], sizeBound) == whole, "byte by byte")
  }

  private static func scan(_ bytes: [UInt8], _ ends: [Int], _ sizeBound: Int) -> (outcome: HeadOutcome, length: Int) {
    var scan = HeadScan()
    var outcome = HeadOutcome.incomplete
    let copy = PaddedCopy(bytes)
    for end in ends where outcome == .incomplete { outcome = scan.advance(copy.base, end, sizeBound: sizeBound) }
    return (outcome, scan.length)
  }
}
