import ConfigLanguage
import FoundationEssentials
import Platform
import Primitives

/// Times as the admin API writes them: RFC 3339, UTC, milliseconds.
enum AdminTime {
  /// The text of a time in nanoseconds since 1970.
  static func text(_ nanoseconds: Int64) -> String {
    let milliseconds = nanoseconds / .millisecond
    let seconds = Date(timeIntervalSince1970: Double(milliseconds / 1000)).ISO8601Format()
    let rest = String(milliseconds % 1000)
    return seconds.dropLast() + "." + String(repeating: "0", count: 3 - rest.count) + rest + "Z"
  }

  /// Now, as text.
  static var now: String { text(Clock.wall()) }

  /// The nanoseconds since 1970 of a text, with or without a fraction, in UTC or with an offset; `nil` when it is none.
  static func nanoseconds(_ text: String) -> Int64? {
    guard text.utf8.count <= 40 else { return nil }
    var (whole, fraction) = (text, Int64(0))
    if let dot = text.firstIndex(of: ".") {
      let digits = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }
      guard (1...9).contains(digits.count), let value = Int64(digits) else { return nil }
      fraction = (digits.count..<9).reduce(value) { sum, _ in sum * 10 }
      whole = String(text[..<dot]) + text[text.index(dot, offsetBy: digits.count + 1)...]
    }
    guard let date = try? Date(whole, strategy: .iso8601), abs(date.timeIntervalSince1970) < 9e9 else { return nil }
    return Int64(date.timeIntervalSince1970) * .second + fraction
  }

  /// A time that is told as one, or as a span from now on, such as `2h`.
  static func end(_ text: String, from now: Int64) -> Int64? {
    if let span = Quantity.duration(text) { return now.addingReportingOverflow(span).overflow ? nil : now + span }
    return nanoseconds(text)
  }
}
