/// Writes bytes one after another into memory that somebody else owns.
///
/// Never writes past `capacity`: a run of bytes that doesn't fit is left out, and `hasOverflowed` tells of it for good.
public struct ByteWriter: BitwiseCopyable {
  /// Where the first byte goes.
  public let base: UnsafeMutablePointer<UInt8>
  /// How many bytes the memory holds.
  public let capacity: Int
  /// Whether something did not fit; the text is then unusable.
  public var hasOverflowed: Bool
  @usableFromInline var written: Int

  /// A writer to the `capacity` bytes from `base` on, with nothing written yet.
  @inlinable public init(_ base: UnsafeMutablePointer<UInt8>, capacity: Int) {
    self.base = base
    self.capacity = capacity
    hasOverflowed = false
    written = 0
  }

  /// How many bytes are written.
  @inlinable public var count: Int { written }

  /// Makes room for `count` bytes; nil, and overflowed, where there is none.
  @inlinable @inline(__always)
  mutating func reserve(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
    guard count <= capacity &- written else {
      hasOverflowed = true
      return nil
    }
    let place = base + written
    written &+= count
    return place
  }

  /// Appends the bytes of a literal.
  @inlinable @inline(__always)
  public mutating func append(_ literal: StaticString) {
    append(literal.utf8Start, literal.utf8CodeUnitCount)
  }

  /// Appends `count` bytes from `bytes` on; they must not lie in the memory written to.
  @inlinable @inline(__always)
  public mutating func append(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    guard let place = reserve(count) else { return }
    place.initialize(from: bytes, count: count)
  }

  /// Appends one byte.
  @inlinable @inline(__always)
  public mutating func append(byte: UInt8) {
    guard let place = reserve(1) else { return }
    place.pointee = byte
  }

  /// Appends a number in decimal digits, with `-` before a negative one.
  public mutating func append(decimal: Int64) {
    if decimal >= 0, decimal < 10 { return append(byte: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: decimal)) }
    if decimal < 0 { append(byte: UInt8(ascii: "-")) }
    var rest = decimal.magnitude
    var digits = 1
    var power: UInt64 = 10
    while digits < 19, rest >= power {
      digits &+= 1
      power &*= 10
    }
    guard let place = reserve(digits) else { return }
    while digits > 0 {
      digits &-= 1
      place[digits] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
      rest /= 10
    }
  }

  /// Appends a number in lower-case hexadecimal digits, without leading zeros.
  public mutating func append(hex: UInt64) {
    append(hex: hex, digits: max(1, (67 &- hex.leadingZeroBitCount) >> 2))
  }

  /// Appends a number in sixteen lower-case hexadecimal digits.
  public mutating func append(hex16: UInt64) {
    guard let place = reserve(16) else { return }
    let raw = UnsafeMutableRawPointer(place)
    raw.storeBytes(of: ByteWriter.digits(UInt32(truncatingIfNeeded: hex16 >> 32)).bigEndian, as: UInt64.self)
    raw.storeBytes(
      of: ByteWriter.digits(UInt32(truncatingIfNeeded: hex16)).bigEndian, toByteOffset: 8, as: UInt64.self)
  }

  /// The eight hexadecimal digits of a number, the first in the highest byte: a nibble spread to each byte at once.
  @inline(__always)
  private static func digits(_ value: UInt32) -> UInt64 {
    var spread = UInt64(value)
    spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
    spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
    spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
    let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
  }

  private mutating func append(hex: UInt64, digits: Int) {
    guard let place = reserve(digits) else { return }
    var rest = hex
    var index = digits
    while index > 0 {
      index &-= 1
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      place[index] = digit &+ (digit < 10 ? 0x30 : 0x57)
      rest >>= 4
    }
  }
}
