import Testing

@testable import Tenancy

struct MoveGuardTests {
  private func sample(_ requests: UInt64, _ errors: UInt64, _ p99: Int64 = 0) -> MoveSample {
    MoveSample(requests: requests, errors: errors, p99: p99 * 1_000_000)
  }

  @Test(arguments: [
    (MoveSample(requests: 100), MoveSample(requests: 100, errors: 1), false),
    (MoveSample(requests: 100), MoveSample(requests: 100, errors: 2), true),
    (MoveSample(requests: 100, errors: 10), MoveSample(requests: 100, errors: 11), false),
    (MoveSample(requests: 100, errors: 10), MoveSample(requests: 100, errors: 12), true),
    (MoveSample(), MoveSample(requests: 20, errors: 1), true),
    (MoveSample(), MoveSample(requests: 19, errors: 19), false),
  ])
  func errorsOverTheMarginAreTooMany(_ base: MoveSample, _ now: MoveSample, _ isBad: Bool) {
    #expect((MoveGuard(errors: 10_000).verdict(on: now, base: base) != nil) == isBad)
    #expect(MoveGuard(p99: 1_500).verdict(on: now, base: base) == nil)
  }

  @Test func timeOverTheMarginIsTooLong() {
    let rule = MoveGuard(p99: 1_500)
    #expect(rule.verdict(on: sample(100, 0, 30), base: sample(100, 0, 20)) == nil)
    #expect(
      rule.verdict(on: sample(100, 0, 31), base: sample(100, 0, 20))
        == "guard: p99 is 31.0 ms at the new shard, 20.0 ms before")
    #expect(rule.verdict(on: sample(99, 0, 31), base: sample(100, 0, 20)) == nil)
    #expect(rule.verdict(on: sample(100, 0, 31), base: sample(99, 0, 20)) == nil)
  }
}
