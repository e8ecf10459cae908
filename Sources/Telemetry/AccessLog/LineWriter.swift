/// Writes one line into memory that its owner made large enough: `AccessLogFormatter.lineBound` bytes.
struct LineWriter {
  private let base: UnsafeMutablePointer<UInt8>
  private(set) var count = 0

  init(_ base: UnsafeMutablePointer<UInt8>) { self.base = base }

  @inline(__always) mutating func append(_ literal: StaticString) {
    (base + count).update(from: literal.utf8Start, count: literal.utf8CodeUnitCount)
    count &+= literal.utf8CodeUnitCount
  }

  @inline(__always) mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress else { return }
    (base + count).update(from: start, count: bytes.count)
    count &+= bytes.count
  }

  @inline(__always) mutating func append(byte: UInt8) {
    base[count] = byte
    count &+= 1
  }

  /// A number in decimal digits.
  mutating func append(decimal value: UInt64) {
    var rest = value
    var digits = 1
    while rest >= 10 {
      rest /= 10
      digits &+= 1
    }
    rest = value
    var place = count &+ digits
    count = place
    repeat {
      place &-= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      base[place] = 0x30 | UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while rest > 0
  }

  /// A number of exactly `digits` decimal digits, zeros in front.
  mutating func append(_ value: Int, digits: Int) {
    var rest = value
    for place in stride(from: count &+ digits &- 1, through: count, by: -1) {
      base[place] = 0x30 | UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count &+= digits
  }

  /// Nanoseconds as milliseconds, to the microsecond: `12.345`.
  mutating func append(milliseconds nanoseconds: Int64) {
    let microseconds = UInt64(max(nanoseconds, 0)) / 1_000
    append(decimal: microseconds / 1_000)
    append(byte: 0x2E)
    append(Int(microseconds % 1_000), digits: 3)
  }

  /// A byte as two hexadecimal digits, upper case if asked for.
  mutating func append(hex byte: UInt8, isUpper: Bool = false) {
    append(hexDigit: byte >> 4, isUpper: isUpper)
    append(hexDigit: byte & 15, isUpper: isUpper)
  }

  /// A number below 16 as a hexadecimal digit.
  @inline(__always) mutating func append(hexDigit digit: UInt8, isUpper: Bool = false) {
    append(byte: digit < 10 ? 0x30 &+ digit : (isUpper ? 0x37 : 0x57) &+ digit)
  }
}
