import ConfigLanguage
import Testing

@Suite struct QuantityTests {
  @Test(
    arguments: [
      ("250ms", 250_000_000), ("5s", 5_000_000_000), ("0s", 0), ("2m", 120_000_000_000), ("12h", 43_200_000_000_000),
      ("1d", 86_400_000_000_000), ("9999999999999d", Int64.max), ("5", nil), ("s", nil), ("", nil), ("5 s", nil),
      ("-5s", nil), ("5S", nil), ("1.5s", nil), ("99999999999999999999s", nil), ("5us", nil),
    ] as [(String, Int64?)])
  func durations(_ text: String, _ nanoseconds: Int64?) { #expect(Quantity.duration(text) == nanoseconds) }

  @Test(
    arguments: [
      ("0B", 0), ("64KiB", 65_536), ("10MiB", 10_485_760), ("1GiB", 1 << 30), ("2TiB", 2 << 40), ("64", nil),
      ("64KB", nil), ("KiB", nil), ("9223372036854775807TiB", Int64.max),
    ] as [(String, Int64?)])
  func sizes(_ text: String, _ bytes: Int64?) { #expect(Quantity.size(text) == bytes) }

  @Test(
    arguments: [
      ("10/s", 10, 1_000_000_000), ("600/m", 600, 60_000_000_000), ("100/10s", 100, 10_000_000_000),
      ("1/ms", 1, 1_000_000), ("7/2h", 7, 7_200_000_000_000), ("0/s", 0, 1_000_000_000),
    ] as [(String, Int64, Int64)])
  func rates(_ text: String, _ count: Int64, _ period: Int64) throws {
    let rate = try #require(Quantity.rate(text))
    #expect(rate.count == count)
    #expect(rate.period == period)
    #expect(Quantity.rate(Quantity.text(rate: count, per: period))?.period == period)
  }

  @Test(arguments: ["", "10", "/s", "10/", "10/0s", "10/x", "ten/s", "10/s/s", "10s", "1/-1s"])
  func noRates(_ text: String) { #expect(Quantity.rate(text) == nil) }

  @Test func textsAreReadBack() {
    for value: Int64 in [1_000_000, 90_000_000_000, 3_600_000_000_000, 1_500_000_000, 86_400_000_000_000] {
      #expect(Quantity.duration(Quantity.text(duration: value)) == value)
    }
    for value: Int64 in [0, 1, 1023, 1024, 3 << 20, 5 << 30] {
      #expect(Quantity.size(Quantity.text(size: value)) == value)
    }
    #expect(Quantity.text(duration: 90_000_000_000) == "90s")
    #expect(Quantity.text(size: 32 << 10) == "32KiB")
  }
}
