/// A stream's place among those that could be sent on (RFC 9218 §4): lower ones come first.
public struct StreamRank: RawRepresentable, Equatable, Sendable, BitwiseCopyable {
  /// Twice the urgency, and one more for streams that share in turn.
  public let rawValue: UInt8

  /// The rank of this number, 0 ... 15.
  public init(rawValue: UInt8) { self.rawValue = rawValue & 15 }

  /// That of streams of which nothing was said: urgency 3, in turn.
  public static let unsaid = StreamRank(rawValue: 7)

  /// Whether streams of the rank are sent in turn, rather than one after the other.
  public var isInTurn: Bool { rawValue & 1 == 1 }

  /// What a Priority field, or the value in a PRIORITY_UPDATE, says: `u`, 0 ... 7, and `i`. Other members of the
  /// dictionary and values that are none count for nothing.
  public init(priority p: UnsafePointer<UInt8>, _ count: Int) {
    var (urgency, isIncremental): (UInt8, Bool) = (3, false)
    var at = 0
    while at < count {
      var (start, end) = (at, at)
      while end < count, p[end] != UInt8(ascii: ",") { end &+= 1 }
      at = end &+ 1
      while start < end, Octet.isBlank(p[start]) { start &+= 1 }
      var stop = start
      while stop < end, p[stop] != UInt8(ascii: ";"), !Octet.isBlank(p[stop]) { stop &+= 1 }
      let (member, length) = (p + start, stop &- start)
      if length == 3, member[0] == UInt8(ascii: "u"), member[1] == UInt8(ascii: "="), member[2] &- 0x30 < 8 {
        urgency = member[2] &- 0x30
      } else if length >= 1, member[0] == UInt8(ascii: "i") {
        if length == 1 || ByteComparison.areEqual(member, length, "i=?1") { isIncremental = true }
        if ByteComparison.areEqual(member, length, "i=?0") { isIncremental = false }
      }
    }
    rawValue = 2 &* urgency &+ (isIncremental ? 1 : 0)
  }
}
