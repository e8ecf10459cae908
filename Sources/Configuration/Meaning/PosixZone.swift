import Tenancy

/// The rule at the end of a time zone file, such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX `TZ`, RFC 8536 section 3.3.1).
struct PosixZone {
  /// When a year's clocks change.
  private enum Day {
    /// Day 1 ... 365, never counting 29 February.
    case julian(Int64)
    /// Day 0 ... 365.
    case zeroBased(Int64)
    /// The weekday of a week of a month; week 5 is the last.
    case weekday(month: Int64, week: Int64, day: Int64)
  }

  private struct Change {
    var day: Day
    /// Seconds after midnight by the clocks until then.
    var time: Int64 = 7_200
  }

  /// Seconds that standard time is ahead of UTC by.
  let standard: Int64
  private var summer: Int64?
  private var start: Change?
  private var end: Change?

  /// The rule that `text` tells; `nil` when it is none.
  init?(_ text: String) {
    var reader = Reader(bytes: Array(text.utf8))
    guard reader.skipName(), let offset = reader.offset() else { return nil }
    standard = -offset
    guard !reader.isAtEnd else { return }
    guard reader.skipName() else { return nil }
    summer = standard + 3_600
    if !reader.isAtEnd, reader.next != UInt8(ascii: ",") {
      guard let offset = reader.offset() else { return nil }
      summer = -offset
    }
    start = reader.change()
    end = reader.change()
    guard start != nil, end != nil, reader.isAtEnd else { return nil }
  }

  /// The changes from 1970 to the end of `year`.
  func transitions(to year: Int64) -> [TimeZoneTable.Transition] {
    guard let summer, let start, let end else { return [TimeZoneTable.Transition(time: 0, offset: standard)] }
    var found: [TimeZoneTable.Transition] = []
    for year in 1_970...year {
      found.append(
        TimeZoneTable.Transition(time: PosixZone.moment(start, year) - standard, offset: summer))
      found.append(TimeZoneTable.Transition(time: PosixZone.moment(end, year) - summer, offset: standard))
    }
    return found.sorted { $0.time < $1.time }
  }

  /// The change of a year, in seconds of local time.
  private static func moment(_ change: Change, _ year: Int64) -> Int64 {
    let first = CivilDate(year: year, month: 1, day: 1).days
    let days: Int64
    switch change.day {
    case .julian(let day):
      let isLeap = CivilDate(year: year, month: 3, day: 1).days - first == 60
      days = first + day - 1 + (isLeap && day >= 60 ? 1 : 0)
    case .zeroBased(let day): days = first + day
    case .weekday(let month, let week, let weekday):
      let begin = CivilDate(year: year, month: month, day: 1)
      // 1970-01-01 was a Thursday.
      var day = begin.days + ((weekday - (begin.days + 4)) % 7 + 7) % 7 + 7 * (week - 1)
      if day >= begin.startOfNextMonth.days { day -= 7 }
      days = day
    }
    return days * 86_400 + change.time
  }

  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    var isAtEnd: Bool { place == bytes.count }
    var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
      guard next == byte else { return false }
      place += 1
      return true
    }

    /// Skips a name of three letters or more, or one in angle brackets.
    mutating func skipName() -> Bool {
      let begin = place
      if take(UInt8(ascii: "<")) {
        while let byte = next, byte != UInt8(ascii: ">") { place += 1 }
        return take(UInt8(ascii: ">"))
      }
      while let byte = next, (byte | 0x20) &- 0x61 < 26 { place += 1 }
      return place - begin >= 3
    }

    mutating func number() -> Int64? {
      var value: Int64 = 0
      let begin = place
      while let byte = next, byte &- 0x30 < 10, place - begin < 6 {
        value = value * 10 + Int64(byte - 0x30)
        place += 1
      }
      return place > begin ? value : nil
    }

    /// Hours, minutes and seconds, in seconds.
    mutating func offset() -> Int64? {
      let isNegative = take(UInt8(ascii: "-"))
      if !isNegative { _ = take(UInt8(ascii: "+")) }
      guard var value = number().map({ $0 * 3_600 }) else { return nil }
      for unit in [Int64(60), 1] where take(UInt8(ascii: ":")) {
        guard let part = number() else { return nil }
        value += part * unit
      }
      return value <= 168 * 3_600 ? (isNegative ? -value : value) : nil
    }

    mutating func change() -> Change? {
      guard take(UInt8(ascii: ",")) else { return nil }
      var change: Change
      if take(UInt8(ascii: "M")) {
        guard let month = number(), take(UInt8(ascii: ".")), let week = number(), take(UInt8(ascii: ".")),
          let day = number(), (1...12).contains(month), (1...5).contains(week), (0...6).contains(day)
        else { return nil }
        change = Change(day: .weekday(month: month, week: week, day: day))
      } else if take(UInt8(ascii: "J")) {
        guard let day = number(), (1...365).contains(day) else { return nil }
        change = Change(day: .julian(day))
      } else {
        guard let day = number(), day <= 365 else { return nil }
        change = Change(day: .zeroBased(day))
      }
      if take(UInt8(ascii: "/")) {
        guard let time = offset() else { return nil }
        change.time = time
      }
      return change
    }
  }
}
