/// The wall clock as log lines write it; remembers the last second, since most lines share it with the one before.
struct LineTime {
  private var second = Int64.min
  /// Year, month, day, hour, minute, second of `second`, in UTC.
  private var parts = Parts()

  private struct Parts {
    var year = 0
    var month = 0
    var day = 0
    var hour = 0
    var minute = 0
    var second = 0
  }

  /// `2026-11-24T04:17:53.012Z`.
  mutating func appendRFC3339(_ nanoseconds: Int64, to line: inout LineWriter) {
    advance(to: nanoseconds)
    line.append(parts.year, digits: 4)
    line.append(byte: 0x2D)
    line.append(parts.month, digits: 2)
    line.append(byte: 0x2D)
    line.append(parts.day, digits: 2)
    line.append(byte: 0x54)
    appendTime(to: &line)
    line.append(byte: 0x2E)
    line.append(Int((nanoseconds - second * 1_000_000_000) / 1_000_000), digits: 3)
    line.append(byte: 0x5A)
  }

  /// `24/Nov/2026:04:17:53 +0000`.
  mutating func appendCombined(_ nanoseconds: Int64, to line: inout LineWriter) {
    advance(to: nanoseconds)
    line.append(parts.day, digits: 2)
    line.append(LineTime.monthName(parts.month))
    line.append(parts.year, digits: 4)
    line.append(byte: 0x3A)
    appendTime(to: &line)
    line.append(" +0000")
  }

  private func appendTime(to line: inout LineWriter) {
    line.append(parts.hour, digits: 2)
    line.append(byte: 0x3A)
    line.append(parts.minute, digits: 2)
    line.append(byte: 0x3A)
    line.append(parts.second, digits: 2)
  }

  private mutating func advance(to nanoseconds: Int64) {
    let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let now = remainder < 0 ? quotient - 1 : quotient
    guard now != second else { return }
    second = now
    let day = now >= 0 ? now / 86_400 : (now - 86_399) / 86_400
    let rest = Int(now - day * 86_400)
    (parts.year, parts.month, parts.day) = LineTime.date(ofDay: Int(day))
    (parts.hour, parts.minute, parts.second) = (rest / 3_600, rest / 60 % 60, rest % 60)
  }

  /// The Gregorian date of a day counted from 1970-01-01 (Hinnant's civil_from_days; years count from March).
  static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let ofEra = shifted - era * 146_097
    let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let isNextYear = month >= 10
    return (
      era * 400 + year + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3, ofYear - (153 * month + 2) / 5 + 1
    )
  }

  private static func monthName(_ month: Int) -> StaticString {
    switch month {
    case 1: "/Jan/"
    case 2: "/Feb/"
    case 3: "/Mar/"
    case 4: "/Apr/"
    case 5: "/May/"
    case 6: "/Jun/"
    case 7: "/Jul/"
    case 8: "/Aug/"
    case 9: "/Sep/"
    case 10: "/Oct/"
    case 11: "/Nov/"
    default: "/Dec/"
    }
  }
}
