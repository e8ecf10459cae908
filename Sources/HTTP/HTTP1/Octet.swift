/// The bytes that heads are made of.
enum Octet {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let colon: UInt8 = 0x3A

  /// Whether a token may hold `byte` (RFC 9110 §5.6.2).
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    // One bit for each of 0x00 ... 0x3F: ! # $ % & ' * + - . 0-9, and of 0x40 ... 0x7F: A-Z ^ _ ` a-z | ~
    let low: UInt64 = 0x03FF_6CFA_0000_0000
    let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
    return byte < 0x80 && (byte < 0x40 ? low : high) >> UInt64(byte & 63) & 1 != 0
  }

  /// Whether `byte` is optional white space around a value (RFC 9110 §5.6.3).
  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  /// Whether `byte` is a control that no line may hold: any but HTAB.
  @inline(__always)
  static func isControl(_ byte: UInt8) -> Bool { (byte < 0x20 && byte != tab) || byte == 0x7F }

  /// Whether the bytes from `p` on are `text`, which is in lower case, in any case.
  @inline(__always)
  static func matches(_ p: UnsafePointer<UInt8>, _ count: Int, _ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where lower(p[index]) != text.utf8Start[index] { return false }
    return true
  }

  /// The lower-case form of an ASCII letter; other bytes as they are.
  @inline(__always)
  static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  /// `range` without the blanks at its ends.
  @inline(__always)
  static func trimmed(_ base: UnsafePointer<UInt8>, _ range: (start: Int, end: Int)) -> (start: Int, end: Int) {
    var (start, end) = range
    while start < end, isBlank(base[start]) { start &+= 1 }
    while end > start, isBlank(base[end &- 1]) { end &-= 1 }
    return (start, end)
  }
}
