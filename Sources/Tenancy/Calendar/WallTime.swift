/// Moments as RFC 3339 writes them, in milliseconds since 1970.
public enum WallTime {
  /// The moment that a text such as `2026-12-01T08:00:00Z`, `…T08:00:00.250Z` or `…T08:00:00+02:00` names; `nil` when it
  /// names none.
  public static func milliseconds(_ text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    guard rest.count <= 40, let year = number(&rest, 4), take("-", &rest), let month = number(&rest, 2),
      take("-", &rest), let day = number(&rest, 2), take("T", &rest) || take("t", &rest) || take(" ", &rest),
      let hour = number(&rest, 2), take(":", &rest), let minute = number(&rest, 2), take(":", &rest),
      let second = number(&rest, 2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    let date = CivilDate(year: year, month: month, day: day)
    // Of a month's days only those that are there name the date they came from.
    guard year >= 1970, CivilDate(days: date.days) == date else { return nil }
    var milliseconds: Int64 = 0
    if take(".", &rest) {
      let digits = rest.prefix { $0 &- 0x30 < 10 }
      guard !digits.isEmpty else { return nil }
      for place in 0..<3 {
        let digit = place < digits.count ? Int64(digits[digits.startIndex + place] - 0x30) : 0
        milliseconds = milliseconds * 10 + digit
      }
      rest = rest.dropFirst(digits.count)
    }
    guard let offset = offset(&rest), rest.isEmpty else { return nil }
    let seconds = ((date.days * 24 + hour) * 60 + minute - offset) * 60 + second
    return seconds * 1000 + milliseconds
  }

  /// The text of a moment in UTC, with milliseconds.
  public static func text(_ milliseconds: Int64) -> String {
    let seconds = floorDivide(milliseconds, 1000)
    let days = floorDivide(seconds, 86_400)
    let (date, time) = (CivilDate(days: days), seconds - days * 86_400)
    let clock = "\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60))"
    let fraction = String(1000 + milliseconds - seconds * 1000).dropFirst()
    let year = String(10_000 + date.year).dropFirst()
    return "\(year)-\(two(date.month))-\(two(date.day))T\(clock).\(fraction)Z"
  }

  private static func two(_ number: Int64) -> String { String(String(100 + number).dropFirst()) }

  private static func take(_ character: Character, _ rest: inout ArraySlice<UInt8>) -> Bool {
    guard rest.first == character.asciiValue else { return false }
    rest.removeFirst()
    return true
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, _ digits: Int) -> Int64? {
    let text = rest.prefix(digits)
    guard text.count == digits, text.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    rest = rest.dropFirst(digits)
    return text.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
  }

  /// Minutes that the local time is ahead of UTC.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    if take("Z", &rest) || take("z", &rest) { return 0 }
    let isBehind = rest.first == UInt8(ascii: "-")
    guard take("+", &rest) || take("-", &rest), let hours = number(&rest, 2), take(":", &rest),
      let minutes = number(&rest, 2), hours < 24, minutes < 60
    else { return nil }
    return (hours * 60 + minutes) * (isBehind ? -1 : 1)
  }
}
