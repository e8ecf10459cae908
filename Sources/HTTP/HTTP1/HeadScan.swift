/// Looks for the end of a head that comes in pieces, each byte once, whatever the pieces.
///
/// It refuses what no head can hold (bare CR or LF, other controls); everything else is for `HeadParser`, once the
/// head is whole.
public struct HeadScan: Sendable, BitwiseCopyable {
  /// Offset past the final empty line, once it is in.
  public var length: Int { Int(end) }
  // 32 bits: each connection has a scan, and a head is bounded far below.
  private var end: Int32 = 0
  private var looked: Int32 = 0
  private var lineStart: Int32 = 0
  private var hasLine = false

  /// A scan that has seen nothing.
  public init() {}

  /// Looks at what is new among the `count` bytes that are there now, the ones of earlier calls included.
  ///
  /// `complete` once the final empty line is in; `targetTooLong` and `tooLarge` once the head, or its first line, must
  /// be longer than `sizeBound`.
  public mutating func advance(_ base: UnsafePointer<UInt8>, _ count: Int, sizeBound: Int) -> HeadOutcome {
    let limit = min(count, sizeBound)
    while true {
      let end = HeadParser.endOfLine(base, Int(looked), limit)
      looked = Int32(truncatingIfNeeded: end)
      guard end < limit, base[end] == Octet.carriageReturn else {
        return end < limit ? .bad : unfinished(count, sizeBound)
      }
      guard end &+ 1 < limit else { return unfinished(count, sizeBound) }
      guard base[end &+ 1] == Octet.lineFeed else { return .bad }
      let hasContent = looked > lineStart
      looked &+= 2
      if hasContent {
        hasLine = true
      } else if hasLine {
        self.end = looked
        return .complete
      } else if lineStart > 0 {
        return .bad
      }
      lineStart = looked
    }
  }

  private func unfinished(_ count: Int, _ sizeBound: Int) -> HeadOutcome {
    guard count >= sizeBound else { return .incomplete }
    return hasLine ? .tooLarge : .targetTooLong
  }
}
