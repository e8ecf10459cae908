import Primitives

/// Numbers and rates of a table, read from bytes.
enum TableNumber {
  /// The largest count or burst of a rate.
  static let largestCount: Int64 = 1_000_000_000

  /// The decimal number these bytes spell (digits only, no sign), or `nil` when it is none or above `bound`.
  static func decimal(_ text: UnsafePointer<UInt8>, _ count: Int, bound: Int64) -> Int64? {
    guard count > 0, count <= 19 else { return nil }
    var value: UInt64 = 0
    for index in 0..<count {
      let digit = text[index] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt64(digit)
    }
    return value <= UInt64(bound) ? Int64(value) : nil
  }

  /// A rate as `50/s`, `600/m+100` or `5/10s+5`: count, period in nanoseconds, burst (the count when not given).
  struct Rate: BitwiseCopyable, Equatable {
    var count: Int64
    var period: Int64
    var burst: Int64
  }

  /// The rate these bytes spell, or `nil`.
  static func rate(_ text: UnsafePointer<UInt8>, _ count: Int) -> Rate? {
    guard let slash = find(0x2F, text, 0, count),
      let amount = decimal(text, slash, bound: largestCount), amount > 0
    else { return nil }
    let plus = find(0x2B, text, slash + 1, count) ?? count
    guard let period = period(text + slash + 1, plus - slash - 1) else { return nil }
    guard plus < count else { return Rate(count: amount, period: period, burst: amount) }
    guard let burst = decimal(text + plus + 1, count - plus - 1, bound: largestCount), burst > 0 else { return nil }
    return Rate(count: amount, period: period, burst: burst)
  }

  /// A span as `s`, `10s`, `1m`, `250ms`: a unit with an optional number before it, at most 31 days.
  private static func period(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    var digits = 0
    while digits < count, text[digits] &- 0x30 < 10 { digits += 1 }
    guard let unit = unit(text + digits, count - digits) else { return nil }
    if digits == 0 { return unit }
    guard let number = decimal(text, digits, bound: 31 * 86_400_000), number > 0 else { return nil }
    let (span, isOver) = number.multipliedReportingOverflow(by: unit)
    return isOver || span > 31 * 86_400 * .second ? nil : span
  }

  private static func unit(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    if count == 2 { return text[0] == 0x6D && text[1] == 0x73 ? .millisecond : nil }
    guard count == 1 else { return nil }
    switch text[0] {
    case UInt8(ascii: "s"): return .second
    case UInt8(ascii: "m"): return 60 * .second
    case UInt8(ascii: "h"): return 3_600 * .second
    case UInt8(ascii: "d"): return 86_400 * .second
    default: return nil
    }
  }

  private static func find(_ byte: UInt8, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var at = start
    while at < end {
      if text[at] == byte { return at }
      at += 1
    }
    return nil
  }
}
