/// Sixteen bytes of a buffer, looked at all at once. Loading may reach past the bytes that count: never act on those.
struct ByteBlock {
  private let bytes: SIMD16<UInt8>

  @inline(__always)
  init(_ p: UnsafePointer<UInt8>) {
    bytes = UnsafeRawPointer(p).loadUnaligned(as: SIMD16<UInt8>.self)
  }

  /// Sixteen times the same byte. Comparing with a vector is one instruction, with a scalar it is a loop.
  @inline(__always)
  private static func all(_ byte: UInt8) -> SIMD16<UInt8> { SIMD16(repeating: byte) }

  /// Index of the first byte that is a control, 16 without one.
  @inline(__always)
  var firstControl: Int { ByteBlock.first((bytes .< ByteBlock.all(0x20)) .| (bytes .== ByteBlock.all(0x7F))) }

  /// Index of the first byte that is no visible ASCII character, or is `#`; 16 without one.
  @inline(__always)
  var firstOutsideTarget: Int {
    // Everything but 0x21 ... 0x7E wraps round to 0x5E and above.
    let isOutside = (bytes &- ByteBlock.all(0x21)) .>= ByteBlock.all(0x5E)
    return ByteBlock.first(isOutside .| (bytes .== ByteBlock.all(UInt8(ascii: "#"))))
  }

  /// Index of the first byte that is neither letter, digit nor hyphen; 16 without one.
  @inline(__always)
  var firstOutsideName: Int {
    let isLetter = ((bytes | ByteBlock.all(0x20)) &- ByteBlock.all(0x61)) .< ByteBlock.all(26)
    let isDigit = (bytes &- ByteBlock.all(0x30)) .< ByteBlock.all(10)
    let isHyphen = bytes .== ByteBlock.all(UInt8(ascii: "-"))
    return ByteBlock.first(.!(isLetter .| isDigit .| isHyphen))
  }

  /// The first and second eight bytes in lower case, where they are letters, digits or hyphens; the first byte lowest.
  @inline(__always)
  var lowercaseWords: (UInt64, UInt64) {
    let words = unsafeBitCast(bytes | ByteBlock.all(0x20), to: SIMD2<UInt64>.self)
    return (UInt64(littleEndian: words[0]), UInt64(littleEndian: words[1]))
  }

  @inline(__always)
  private static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
    let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    let low = UInt64(littleEndian: words[0])
    if low != 0 { return low.trailingZeroBitCount >> 3 }
    return 8 &+ UInt64(littleEndian: words[1]).trailingZeroBitCount >> 3
  }
}
