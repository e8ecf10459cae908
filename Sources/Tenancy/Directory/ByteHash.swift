/// A quick hash of short names for tables whose keys the operator chose: two multiplications for sixteen bytes.
enum ByteHash {
  /// The hash of `count` bytes.
  @inline(__always)
  static func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let raw = UnsafeRawPointer(bytes)
    var hash = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: count)
    var place = 0
    while place + 8 <= count {
      hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: place, as: UInt64.self), 0xA076_1D64_78BD_642F)
      place += 8
    }
    if place < count {
      var last: UInt64 = 0
      if count >= 8 {
        last = raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      } else {
        for index in place..<count { last = last << 8 | UInt64(bytes[index]) }
      }
      hash = mix(hash ^ last, 0xE703_7ED1_A0B4_28DB)
    }
    return mix(hash, 0x8EBC_6AF0_9C88_C6E3)
  }

  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}
