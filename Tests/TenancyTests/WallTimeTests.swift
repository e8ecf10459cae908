import Tenancy
import Testing

@Suite struct WallTimeTests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("2026-12-01T08:00:00Z", 1_796_112_000_000),
      ("2026-12-01t08:00:00.25z", 1_796_112_000_250), ("2026-12-01T10:00:00+02:00", 1_796_112_000_000),
      ("2026-12-01 03:30:00.9999-04:30", 1_796_112_000_999), ("2028-02-29T00:00:00Z", 1_835_395_200_000),
    ] as [(String, Int64)])
  func moments(_ text: String, _ milliseconds: Int64) { #expect(WallTime.milliseconds(text) == milliseconds) }

  @Test(arguments: [
    "", "2026", "2026-12-01", "2026-12-01T08:00Z", "2026-12-01T08:00:00", "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-12-00T00:00:00Z", "2026-12-32T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01T08:60:00Z",
    "2026-12-01T08:00:61Z", "2026-12-01T08:00:00.Z", "2026-12-01T08:00:00Zx", "1969-12-31T23:59:59Z",
    "2026-12-01T08:00:00+2", "+026-12-01T08:00:00Z", "2026-12-01T08:00:00.00000000000000000000000000000000Z",
  ])
  func noMoments(_ text: String) { #expect(WallTime.milliseconds(text) == nil) }

  @Test(arguments: [0, 1, 999, 86_399_999, 1_796_112_000_250, 4_102_444_800_000] as [Int64])
  func textsAreReadBack(_ milliseconds: Int64) {
    let text = WallTime.text(milliseconds)
    #expect(text.utf8.count == 24)
    #expect(WallTime.milliseconds(text) == milliseconds)
  }
}

@Suite struct TenantConditionTests {
  @Test func aStateEndsByTheClock() {
    let condition = TenantCondition(.maintenance, until: 100)
    #expect(condition.change == 100)
    #expect(condition.at(99) == condition)
    #expect(condition.at(100) == TenantCondition())
    #expect(TenantCondition(.suspended).at(.max) == TenantCondition(.suspended))
    #expect(TenantCondition(.suspended).change == 0)
  }

  @Test func aTenantOfTestsIsGoneInTheEnd() {
    let condition = TenantCondition(.readOnly, until: 50, isTest: true, expiry: 100)
    #expect(condition.change == 50)
    let later = condition.at(60)
    #expect(later == TenantCondition(.active, isTest: true, expiry: 100))
    #expect(later.change == 100)
    let gone = later.at(100)
    #expect(gone.state == .gone && gone.isTest && gone.change == 0)
    #expect(gone.at(200) == gone)
  }
}
