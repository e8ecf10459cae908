import Primitives
import Testing

@Suite struct InstantTests {
  private let start = Instant(nanoseconds: 1_000)

  @Test(arguments: [0, 1, -1, .microsecond, .millisecond, .second, -3_600 * .second] as [Int64])
  func whatIsAddedIsTheDistance(nanoseconds: Int64) {
    let later = start.advanced(by: nanoseconds)
    #expect(later - start == nanoseconds)
    #expect(start - later == -nanoseconds)
    #expect((later > start) == (nanoseconds > 0))
    #expect((later == start) == (nanoseconds == 0))
  }

  @Test func theUnitsAreNanoseconds() {
    #expect(Int64.microsecond == 1_000)
    #expect(Int64.millisecond == 1_000_000)
    #expect(Int64.second == 1_000_000_000)
  }

  @Test func theDistantMomentsLieOutsideOfEveryClock() {
    let century = Instant(nanoseconds: 100 * 366 * 86_400 * .second)
    #expect(Instant.distantPast < Instant(nanoseconds: 0) && century < Instant.distantFuture)
    // Their distances still fit, so a timer may be compared with either.
    #expect(century - Instant.distantPast > 0)
    #expect(Instant.distantFuture - Instant.distantPast == .max)
  }
}
