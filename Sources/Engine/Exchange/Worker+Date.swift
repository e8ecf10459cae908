import Primitives

extension Worker where N: ~Copyable {
  /// Writes the date of this second as HTTP says it (RFC 9110, section 5.6.7).
  mutating func writeDate(_ writer: inout ByteWriter) {
    let second = network.wallClock() / .second
    if second != dateSecond {
      dateSecond = second
      var fresh = ByteWriter(date, capacity: 64)
      HTTPDate.write(second, to: &fresh)
    }
    writer.append(date, HTTPDate.count)
  }
}

/// The date format of HTTP fields.
enum HTTPDate {
  /// Bytes of a date.
  static let count = 29

  /// Writes `second` (since 1970) as in "Sun, 06 Nov 1994 08:49:37 GMT".
  static func write(_ second: Int64, to writer: inout ByteWriter) {
    let days = second / 86_400
    let rest = second % 86_400
    let weekdays: StaticString = "ThuFriSatSunMonTueWed"
    let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    let date = civil(days)
    writer.append(weekdays.utf8Start + 3 * Int(days % 7), 3)
    writer.append(", ")
    append(date.day, to: &writer)
    writer.append(" ")
    writer.append(months.utf8Start + 3 * Int(date.month - 1), 3)
    writer.append(" ")
    writer.append(decimal: date.year)
    writer.append(" ")
    append(rest / 3600, to: &writer)
    writer.append(":")
    append(rest / 60 % 60, to: &writer)
    writer.append(":")
    append(rest % 60, to: &writer)
    writer.append(" GMT")
  }

  private static func append(_ value: Int64, to writer: inout ByteWriter) {
    writer.append(byte: UInt8(ascii: "0") + UInt8(value / 10))
    writer.append(byte: UInt8(ascii: "0") + UInt8(value % 10))
  }

  /// The Gregorian date of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
  private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let z = day + 719_468
    let era = z / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
