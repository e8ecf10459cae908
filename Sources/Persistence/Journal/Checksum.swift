/// The checksum of records: CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes at a time.
struct Checksum {
  /// What each byte does to the checksum, with none to seven bytes behind it.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for index in 0..<256 {
      tables[index] = (0..<8).reduce(UInt32(index)) { value, _ in value & 1 != 0 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
      }
    }
    for place in 256..<8 * 256 { tables[place] = tables[place - 256] >> 8 ^ tables[Int(tables[place - 256] & 0xFF)] }
    return tables
  }()

  private var state = UInt32.max

  /// The checksum of what was added.
  var value: UInt32 { ~state }

  /// Adds some bytes.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var value = state
    Checksum.tables.withUnsafeBufferPointer { tables in
      var place = 0
      while place + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian ^ UInt64(value)
        value = 0
        for byte in 0..<8 {
          value ^= tables[(7 - byte) << 8 | Int(truncatingIfNeeded: word >> UInt64(8 * byte) & 0xFF)]
        }
        place += 8
      }
      while place < bytes.count {
        value = value >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: value) ^ bytes[place])]
        place += 1
      }
    }
    state = value
  }

  /// The checksum of some bytes.
  static func of(_ bytes: [UInt8]) -> UInt32 {
    var checksum = Checksum()
    bytes.withUnsafeBytes { checksum.add($0) }
    return checksum.value
  }
}
