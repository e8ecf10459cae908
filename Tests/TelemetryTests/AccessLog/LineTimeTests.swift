import Foundation
import Primitives
import Testing

@testable import Telemetry

@Suite struct LineTimeTests {
  private func text(_ body: (inout LineWriter) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { memory in
      var line = LineWriter(memory.baseAddress!)
      body(&line)
      return String(decoding: memory[..<line.count], as: UTF8.self)
    }
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z", "01/Jan/1970:00:00:00 +0000"),
      (951_782_400_999_999_999, "2000-02-29T00:00:00.999Z", "29/Feb/2000:00:00:00 +0000"),
      (1_709_251_199_000_000_000, "2024-02-29T23:59:59.000Z", "29/Feb/2024:23:59:59 +0000"),
      (1_709_251_200_000_000_000, "2024-03-01T00:00:00.000Z", "01/Mar/2024:00:00:00 +0000"),
      (1_798_761_599_999_000_000, "2026-12-31T23:59:59.999Z", "31/Dec/2026:23:59:59 +0000"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z", "01/Mar/2100:00:00:00 +0000"),
      (-1, "1969-12-31T23:59:59.999Z", "31/Dec/1969:23:59:59 +0000"),
    ] as [(Int64, String, String)])
  func momentsAreWritten(nanoseconds: Int64, standard: String, combined: String) {
    var time = LineTime()
    #expect(text { time.appendRFC3339(nanoseconds, to: &$0) } == standard)
    #expect(text { time.appendCombined(nanoseconds, to: &$0) } == combined)
  }

  @Test func everyDayOfFourCenturiesIsItsCalendars() {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(secondsFromGMT: 0)!
    for day in stride(from: 0, to: 146_097, by: 17) {
      let date = Date(timeIntervalSince1970: Double(day) * 86_400)
      let expected = calendar.dateComponents([.year, .month, .day], from: date)
      let found = LineTime.date(ofDay: day)
      #expect(found.year == expected.year && found.month == expected.month && found.day == expected.day)
    }
  }

  @Test func theRememberedSecondIsNotTakenForAnother() {
    var time = LineTime()
    let moments: [Int64] = [5_999_000_000, 5_000_000_000, 6_000_000_000, 5_500_000_000, 86_405_000_000_000]
    for moment in moments {
      var fresh = LineTime()
      #expect(text { time.appendRFC3339(moment, to: &$0) } == text { fresh.appendRFC3339(moment, to: &$0) })
    }
  }
}
