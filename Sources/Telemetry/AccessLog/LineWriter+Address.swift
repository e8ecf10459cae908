import Primitives

extension LineWriter {
  /// An address: IPv4 in dots, IPv6 as RFC 5952 has it.
  mutating func append(_ address: IPAddress) {
    guard !address.isV4 else { return appendV4(UInt32(truncatingIfNeeded: address.low)) }
    let zeros = LineWriter.longestZeros(address)
    var group = 0
    while group < 8 {
      if group == zeros.start, zeros.count > 1 {
        append("::")
        group += zeros.count
        continue
      }
      if group > 0, group != zeros.start + zeros.count || zeros.count < 2 { append(byte: 0x3A) }
      append(minimalHex: LineWriter.group(address, group))
      group += 1
    }
  }

  private mutating func appendV4(_ value: UInt32) {
    for shift in stride(from: UInt32(24), through: 0, by: -8) {
      append(decimal: UInt64(value >> shift & 0xFF))
      if shift > 0 { append(byte: 0x2E) }
    }
  }

  private mutating func append(minimalHex value: UInt16) {
    var isLeading = true
    for shift in stride(from: UInt16(12), through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
      if isLeading, digit == 0, shift > 0 { continue }
      isLeading = false
      append(hexDigit: digit)
    }
  }

  private static func group(_ address: IPAddress, _ index: Int) -> UInt16 {
    let half = index < 4 ? address.high : address.low
    return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index & 3)))
  }

  /// The first longest run of groups that are zero.
  private static func longestZeros(_ address: IPAddress) -> (start: Int, count: Int) {
    var best = (start: -1, count: 0)
    var run = 0
    for index in 0..<8 {
      run = group(address, index) == 0 ? run + 1 : 0
      if run > best.count { best = (index - run + 1, run) }
    }
    return best
  }
}
