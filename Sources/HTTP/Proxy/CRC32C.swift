/// The checksum of PROXY protocol 2: CRC-32C (Castagnoli).
enum CRC32C {
  /// The checksum of `count` bytes from `bytes` on.
  static func of(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
    var sum: UInt32 = .max
    for index in 0..<count {
      sum ^= UInt32(bytes[index])
      for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
    return ~sum
  }
}
