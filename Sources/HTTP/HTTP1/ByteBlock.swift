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

  /// The controls.
  @inline(__always)
  var controls: ByteMask { ByteMask((bytes .< ByteBlock.all(0x20)) .| (bytes .== ByteBlock.all(0x7F))) }

  /// The bytes that are no visible ASCII characters, or are `#`.
  @inline(__always)
  var outsideTarget: ByteMask {
    // Everything but 0x21 ... 0x7E wraps round to 0x5E and above.
    let isOutside = (bytes &- ByteBlock.all(0x21)) .>= ByteBlock.all(0x5E)
    return ByteMask(isOutside .| (bytes .== ByteBlock.all(UInt8(ascii: "#"))))
  }

  /// The bytes that are neither letters, digits nor hyphens.
  @inline(__always)
  var outsideName: ByteMask {
    let isLetter = ((bytes | ByteBlock.all(0x20)) &- ByteBlock.all(0x61)) .< ByteBlock.all(26)
    let isDigit = (bytes &- ByteBlock.all(0x30)) .< ByteBlock.all(10)
    let isHyphen = bytes .== ByteBlock.all(UInt8(ascii: "-"))
    return ByteMask(.!(isLetter .| isDigit .| isHyphen))
  }

  /// The bytes that are neither letters, digits, hyphens nor dots.
  @inline(__always)
  var outsideHost: ByteMask {
    let isLetter = ((bytes | ByteBlock.all(0x20)) &- ByteBlock.all(0x61)) .< ByteBlock.all(26)
    let isDigit = (bytes &- ByteBlock.all(0x30)) .< ByteBlock.all(10)
    let isMark = (bytes &- ByteBlock.all(0x2D)) .< ByteBlock.all(2)
    return ByteMask(.!(isLetter .| isDigit .| isMark))
  }

  /// The bytes that are this one.
  @inline(__always)
  func occurrences(of byte: UInt8) -> ByteMask { ByteMask(bytes .== ByteBlock.all(byte)) }

  /// The bytes that no name of HTTP/2 holds: anything but lower-case letters, digits and hyphens.
  @inline(__always)
  var outsideLowercaseName: ByteMask {
    let isLetter = (bytes &- ByteBlock.all(0x61)) .< ByteBlock.all(26)
    let isDigit = (bytes &- ByteBlock.all(0x30)) .< ByteBlock.all(10)
    return ByteMask(.!(isLetter .| isDigit .| (bytes .== ByteBlock.all(UInt8(ascii: "-")))))
  }

  /// Writes the bytes with their capital letters lowered to the sixteen bytes at `place`.
  @inline(__always)
  func writeLowercase(to place: UnsafeMutablePointer<UInt8>) {
    let isCapital = (bytes &- ByteBlock.all(0x41)) .< ByteBlock.all(26)
    let lowered = bytes.replacing(with: bytes | ByteBlock.all(0x20), where: isCapital)
    UnsafeMutableRawPointer(place).storeBytes(of: lowered, as: SIMD16<UInt8>.self)
  }

  /// The first and second eight bytes in lower case, where they are letters, digits, hyphens or dots; the first byte lowest.
  @inline(__always)
  var lowercaseWords: (UInt64, UInt64) {
    let words = unsafeBitCast(bytes | ByteBlock.all(0x20), to: SIMD2<UInt64>.self)
    return (UInt64(littleEndian: words[0]), UInt64(littleEndian: words[1]))
  }
}

/// Which of sixteen bytes were found: one byte of 0xFF for each that was, 0 for the others.
struct ByteMask {
  private let low: UInt64
  private let high: UInt64

  @inline(__always)
  init(_ mask: SIMDMask<SIMD16<Int8>>) {
    let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    low = UInt64(littleEndian: words[0])
    high = UInt64(littleEndian: words[1])
  }

  /// Whether none was found. Asked first in loops, so that a block need not wait for the place in the one before.
  @inline(__always)
  var isEmpty: Bool { low | high == 0 }

  /// Index of the first that was found and whose neighbour behind it was too, 16 without one.
  @inline(__always)
  var firstPair: Int {
    let pairs = (low & (low &>> 8 | high &<< 56), high & high &>> 8)
    return pairs.0 != 0 ? pairs.0.trailingZeroBitCount >> 3 : 8 &+ pairs.1.trailingZeroBitCount >> 3
  }

  /// Index of the first that was found, 16 without one.
  @inline(__always)
  var first: Int {
    low != 0 ? low.trailingZeroBitCount >> 3 : 8 &+ high.trailingZeroBitCount >> 3
  }
}
