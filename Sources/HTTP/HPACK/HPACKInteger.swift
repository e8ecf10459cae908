/// Integers of HPACK (RFC 7541 §5.1): the low bits of a byte, then seven bits a byte, the lowest first.
///
/// Values stay below 2^32 and take at most five bytes after the first.
public enum HPACKInteger {
  /// The most bytes that `write` writes.
  public static let maximumCount = 6

  /// Reads an integer whose prefix has `bits` bits; `p` is left behind it. -1 when it is cut off or too large.
  @inline(__always)
  public static func read(
    _ p: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, prefix bits: UInt8
  ) -> Int {
    guard p < end else { return -1 }
    let mask = UInt8(truncatingIfNeeded: 1 << Int(bits) &- 1)
    let first = p.pointee & mask
    p += 1
    return first < mask ? Int(first) : readRest(&p, end, Int(mask))
  }

  @inline(never)
  private static func readRest(_ p: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ start: Int) -> Int {
    var value = UInt64(start)
    var shift: UInt64 = 0
    while p < end, shift <= 28 {
      let byte = p.pointee
      p += 1
      value &+= UInt64(byte & 0x7F) &<< shift
      if byte < 0x80 { return value <= 0xFFFF_FFFF ? Int(value) : -1 }
      shift &+= 7
    }
    return -1
  }

  /// Writes `value`, below 2^32, behind the `flags` above a prefix of `bits` bits; returns the place behind it.
  @inline(__always)
  public static func write(
    _ value: Int, prefix bits: UInt8, flags: UInt8, to place: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let mask = 1 << Int(bits) &- 1
    if value < mask {
      place.pointee = flags | UInt8(truncatingIfNeeded: value)
      return place + 1
    }
    place.pointee = flags | UInt8(truncatingIfNeeded: mask)
    var place = place + 1
    var rest = value &- mask
    while rest >= 0x80 {
      place.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
      rest >>= 7
      place += 1
    }
    place.pointee = UInt8(truncatingIfNeeded: rest)
    return place + 1
  }
}
