/// Reads numbers with their units: whole decimal numbers, then the unit without a blank.
public enum Quantity {
  /// The units of spans of time, in nanoseconds.
  public static let timeUnits: [(name: String, size: Int64)] = [
    ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
  ]
  /// The units of amounts of bytes.
  public static let sizeUnits: [(name: String, size: Int64)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]

  /// A number and what follows it; `nil` when `text` doesn't start with a digit or the number is beyond 2^63.
  public static func split(_ text: String) -> (number: Int64, unit: String)? {
    var number: Int64 = 0
    var digits = 0
    for byte in text.utf8 {
      guard (0x30...0x39).contains(byte) else { break }
      let (shifted, isTooMuch) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOver) = shifted.addingReportingOverflow(Int64(byte - 0x30))
      guard !isTooMuch, !isOver else { return nil }
      number = sum
      digits += 1
    }
    guard digits > 0 else { return nil }
    return (number, String(decoding: text.utf8.dropFirst(digits), as: UTF8.self))
  }

  /// A bare number.
  public static func count(_ text: String) -> Int64? {
    guard let (number, unit) = split(text), unit.isEmpty else { return nil }
    return number
  }

  /// A span of time such as `250ms`, in nanoseconds; clamped to the largest Int64.
  public static func duration(_ text: String) -> Int64? { scaled(text, timeUnits) }

  /// An amount of bytes such as `64KiB`; clamped to the largest Int64.
  public static func size(_ text: String) -> Int64? { scaled(text, sizeUnits) }

  /// A rate such as `10/s`, `600/m` or `100/10s`: a count, and a period in nanoseconds.
  public static func rate(_ text: String) -> (count: Int64, period: Int64)? {
    guard let (number, rest) = split(text), rest.utf8.first == UInt8(ascii: "/") else { return nil }
    let unit = String(decoding: rest.utf8.dropFirst(), as: UTF8.self)
    if let bare = timeUnits.first(where: { $0.name == unit }) { return (number, bare.size) }
    guard let period = duration(unit), period > 0 else { return nil }
    return (number, period)
  }

  /// `nanoseconds` in the largest unit that divides them.
  public static func text(duration nanoseconds: Int64) -> String { text(nanoseconds, timeUnits, "0s", rest: "ns") }

  /// `bytes` in the largest unit that divides them.
  public static func text(size bytes: Int64) -> String { text(bytes, sizeUnits, "0B", rest: "B") }

  /// A rate as it is written.
  public static func text(rate count: Int64, per period: Int64) -> String {
    if let unit = timeUnits.first(where: { $0.size == period }) { return "\(count)/\(unit.name)" }
    return "\(count)/\(text(duration: period))"
  }

  private static func scaled(_ text: String, _ units: [(name: String, size: Int64)]) -> Int64? {
    guard let (number, unit) = split(text), let size = units.first(where: { $0.name == unit })?.size else { return nil }
    let (result, isTooMuch) = number.multipliedReportingOverflow(by: size)
    return isTooMuch ? .max : result
  }

  private static func text(
    _ value: Int64, _ units: [(name: String, size: Int64)], _ zero: String, rest: String
  ) -> String {
    if value == 0 { return zero }
    for unit in units.reversed() where value % unit.size == 0 { return "\(value / unit.size)\(unit.name)" }
    return "\(value)\(rest)"
  }
}
