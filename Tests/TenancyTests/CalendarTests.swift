import Primitives
import Testing

@testable import Tenancy

@Suite struct CalendarTests {
  /// Berlin in the years from 2019 to 2030: forward on the last Sunday of March at 01:00 UTC, back on that of October.
  static let berlin: TimeZoneTable = {
    var transitions: [TimeZoneTable.Transition] = []
    for year in Int64(2019)...2030 {
      for (month, offset) in [(Int64(3), Int64(7_200)), (10, 3_600)] {
        let last = CivilDate(year: year, month: month, day: 31).days
        let sunday = last - (last + 4) % 7
        transitions.append(TimeZoneTable.Transition(time: sunday * 86_400 + 3_600, offset: offset))
      }
    }
    return TimeZoneTable(firstOffset: 3_600, transitions: transitions)
  }()

  private func utc(_ year: Int64, _ month: Int64, _ day: Int64, _ hour: Int64 = 0, _ minute: Int64 = 0) -> Int64 {
    CivilDate(year: year, month: month, day: day).days * 86_400 + hour * 3_600 + minute * 60
  }

  @Test func datesGoBothWays() {
    var date = CivilDate(year: 1899, month: 12, day: 31)
    let first = date.days
    let lengths: [Int64] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    for days in (first + 1)...(first + 80_000) {
      let isLeap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0)
      let length = lengths[Int(date.month) - 1] + (isLeap && date.month == 2 ? 1 : 0)
      if date.day < length { date.day += 1 } else { date = date.startOfNextMonth }
      #expect(CivilDate(days: days) == date)
      #expect(date.days == days)
    }
    #expect(CivilDate(year: 1970, month: 1, day: 1).days == 0)
  }

  @Test(arguments: [
    (2024, 2, 29), (2023, 2, 28), (2000, 2, 29), (2100, 2, 28), (2024, 4, 30), (2024, 12, 31), (2025, 1, 31),
  ])
  func monthsEndWhereTheyEnd(_ year: Int64, _ month: Int64, _ day: Int64) {
    let span = CalendarPeriod.month.span(at: utc(year, month, day, 23, 59), in: .utc)
    #expect(span.start == utc(year, month, 1))
    #expect(span.end == utc(year, month, day) + 86_400)
  }

  @Test func daysOfClockChanges() {
    let forward = CalendarPeriod.day.span(at: utc(2024, 3, 31, 12), in: CalendarTests.berlin)
    #expect(forward.start == utc(2024, 3, 30, 23))
    #expect(forward.end - forward.start == 23 * 3_600)
    let back = CalendarPeriod.day.span(at: utc(2024, 10, 27, 12), in: CalendarTests.berlin)
    #expect(back.start == utc(2024, 10, 26, 22))
    #expect(back.end - back.start == 25 * 3_600)
    let march = CalendarPeriod.month.span(at: utc(2024, 3, 15), in: CalendarTests.berlin)
    #expect(march.end - march.start == 31 * 86_400 - 3_600)
  }

  /// Zones that change at midnight, over it, by half an hour, and by a whole day.
  private static let zones: [(String, TimeZoneTable)] = [
    ("utc", .utc), ("berlin", berlin),
    (
      "forward over midnight",
      TimeZoneTable(firstOffset: -10_800, transitions: [.init(time: 1_700_017_200, offset: -7_200)])
    ),
    (
      "back over midnight",
      TimeZoneTable(firstOffset: 3_600, transitions: [.init(time: 1_700_003_700, offset: 0)])
    ),
    ("half an hour", TimeZoneTable(firstOffset: 37_800, transitions: [.init(time: 1_700_000_000, offset: 39_600)])),
    ("a day skipped", TimeZoneTable(firstOffset: -36_000, transitions: [.init(time: 1_700_020_800, offset: 50_400)])),
    ("a quarter", TimeZoneTable(firstOffset: 20_700, transitions: [])),
  ]

  @Test func periodsFollowEachOtherWithoutAGap() {
    for (name, zone) in CalendarTests.zones {
      for period in CalendarPeriod.allCases {
        var time: Int64 = period == .month ? 1_690_000_000 : 1_699_900_000
        let end: Int64 = period == .month ? 1_800_000_000 : 1_700_150_000
        var last: CalendarPeriod.Span?
        while time < end {
          let span = period.span(at: time, in: zone)
          #expect(span.contains(time), "\(name) \(period) at \(time)")
          if let last, span != last { #expect(span.start == last.end, "\(name) \(period) at \(time)") }
          last = span
          time += period == .month ? 3_600 : 300
        }
      }
    }
  }

  @Test func hoursStayHoursWhenClocksGoBack() {
    for hour in Int64(0)...3 {
      let span = CalendarPeriod.hour.span(at: utc(2024, 10, 27, hour, 30), in: CalendarTests.berlin)
      #expect(span == CalendarPeriod.Span(start: utc(2024, 10, 27, hour), end: utc(2024, 10, 27, hour + 1)))
    }
  }

  @Test func aQuotaThatWasKeptGoesOnInItsPeriodOnly() {
    let noon = utc(2024, 5, 5, 12)
    var same = QuotaMeter(start: utc(2024, 5, 5), used: 7)
    same.advance(to: noon, of: .day, in: .utc)
    #expect(same.used == 7)
    #expect(same.span.end == utc(2024, 5, 6))
    var old = QuotaMeter(start: utc(2024, 5, 4), used: 7)
    old.advance(to: noon, of: .day, in: .utc)
    #expect(old.used == 0)
    // The line was crossed before the restart.
    var near = QuotaMeter(start: utc(2024, 5, 5), used: 9)
    near.advance(to: noon, of: .day, in: .utc)
    let uses = [near.use(1, of: 10, soft: 80), same.use(1, of: 10, soft: 80), same.use(1, of: 10, soft: 80)]
    #expect(uses == [false, true, false])
  }

  @Test func largeAmountsDoNotOverflow() {
    var meter = QuotaMeter()
    meter.advance(to: 5, of: .hour, in: .utc)
    let uses = [meter.use(Int64.max / 2, of: .max, soft: 80), meter.use(Int64.max, of: .max, soft: 80)]
    #expect(uses == [false, true])
    #expect(meter.used == .max)
  }
}
