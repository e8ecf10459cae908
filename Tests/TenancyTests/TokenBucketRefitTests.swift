import Primitives
import Testing

@testable import Tenancy

@Suite struct TokenBucketRefitTests {
  private func bucket(_ rule: TokenBucketRule, taking tokens: Int) -> SharedBucket {
    let shared = SharedBucket()
    for _ in 0..<tokens { #expect(shared.bucket.take(rule, at: someTime).isAdmitted) }
    return shared
  }

  @Test(arguments: [
    (100, 50, 10, 5), (10, 5, 100, 50), (100, 100, 10, 10), (100, 0, 10, 0), (10, 0, 1000, 0), (3, 1, 9, 3),
    (9, 4, 3, 1), (1000, 999, 10, 9), (1, 1, 1000, 1000), (1, 0, 1000, 0),
  ])
  func theShareOfTheDepthIsKept(burst: Int64, level: Int64, newBurst: Int64, newLevel: Int64) {
    for (count, newCount) in [(10, 10), (10, 999), (99_991, 7), (7, 99_991), (3, 600)] as [(Int64, Int64)] {
      let old = TokenBucketRule(.perSecond(count, burst: burst))
      let new = TokenBucketRule(.perSecond(newCount, burst: newBurst))
      let shared = bucket(old, taking: Int(burst - level))
      #expect(shared.bucket.level(old, at: someTime) == level)
      shared.bucket.refit(from: old, to: new, at: someTime)
      #expect(shared.bucket.level(new, revision: 1, at: someTime) == newLevel, "\(count)/s to \(newCount)/s")
    }
  }

  /// Whatever the rules, a bucket is never fuller than it was, and by less than a token emptier than the share says.
  @Test func noRefitRefunds() {
    var random = SeededRandom(seed: 8)
    let rates = sampleRates + [RequestRate(count: .second, period: .second, burst: 1)]
    for _ in 0..<5_000 {
      func rule() -> TokenBucketRule {
        var rate = rates[random.below(rates.count)]
        rate.burst = Int64(1 + random.below(1000))
        return TokenBucketRule(rate)
      }
      let (old, new) = (rule(), rule())
      let shared = SharedBucket()
      for _ in 0..<random.below(Int(old.rate.burst) + 1) { _ = shared.bucket.take(old, at: someTime) }
      let now = someTime.advanced(by: Int64(random.below(1_000_000_000)))
      let debt = Double(old.depth) - Double(shared.bucket.level(old, at: now)) * Double(old.cost)
      shared.bucket.refit(from: old, to: new, at: now)
      let level = shared.bucket.level(new, revision: 1, at: now)
      let most = Double(new.rate.burst) * (1 - (debt - Double(old.cost)) / Double(old.depth))
      let least = Double(new.rate.burst) * (1 - debt / Double(old.depth))
      #expect(Double(level) <= most + 1e-6 && Double(level) > least - 1 - 1e-6)
    }
  }

  @Test func debtIsRoundedUp() {
    // One of two tokens is gone: of three tokens of one unit each, that is one and a half.
    let old = TokenBucketRule(.perSecond(1, burst: 2))
    let new = TokenBucketRule(RequestRate(count: .second, period: .second, burst: 3))
    let shared = bucket(old, taking: 1)
    shared.bucket.refit(from: old, to: new, at: someTime)
    #expect(shared.bucket.level(new, revision: 1, at: someTime) == 1)
  }

  @Test func loweringAndRaisingAgainWinsNothing() {
    let wide = TokenBucketRule(.perSecond(99_991, burst: 1000))
    let narrow = TokenBucketRule(.perSecond(7, burst: 3))
    let shared = bucket(wide, taking: 600)
    var last: Int64 = 400
    for change in 0..<50 as Range<UInt8> {
      let revision = 2 * change % 16
      shared.bucket.refit(from: wide, to: narrow, revision: revision, at: someTime)
      shared.bucket.refit(from: narrow, to: wide, revision: revision + 1, at: someTime)
      let level = shared.bucket.level(wide, revision: (revision + 2) % 16, at: someTime)
      #expect(level <= last)
      last = level
    }
    #expect(last >= 390)
  }

  @Test func aLimitOfOneThatHadNoneStartsFull() {
    let none = TokenBucketRule()
    let some = TokenBucketRule(.perSecond(99_991, burst: 20))
    let shared = bucket(some, taking: 20)
    shared.bucket.refit(from: some, to: none, at: someTime)
    #expect(none.isUnlimited && shared.bucket.level(none, at: someTime) == .max)
    shared.bucket.refit(from: none, to: some, revision: 1, at: someTime.advanced(by: 1))
    #expect(shared.bucket.level(some, revision: 2, at: someTime.advanced(by: 1)) == 20)
  }

  @Test func theSameRuleChangesNothing() {
    let rule = TokenBucketRule(.perSecond(999, burst: 100))
    let shared = bucket(rule, taking: 37)
    shared.bucket.refit(from: rule, to: rule, at: someTime)
    #expect(shared.bucket.level(rule, revision: 1, at: someTime) == 63)
    #expect(shared.bucket.take(rule, revision: 1, at: someTime)?.remaining == 62)
  }

  /// A bucket that was left alone until its count of units has come round is full for a refit too.
  @Test func anIdleBucketIsRefittedFull() {
    let old = TokenBucketRule(.perSecond(999_983, burst: 50))
    let new = TokenBucketRule(.perSecond(7, burst: 10))
    for second in -70...70 as ClosedRange<Int64> {
      let shared = bucket(old, taking: 50)
      let now = someTime.advanced(by: Int64(UInt64.max / old.scale) + second * .second)
      shared.bucket.refit(from: old, to: new, at: now)
      #expect(shared.bucket.level(new, revision: 1, at: now) == 10)
    }
  }
}

@Suite struct TokenBucketRuleTests {
  @Test func aRateOfNoneIsUnlimited() {
    #expect(TokenBucketRule().isUnlimited)
    #expect(TokenBucketRule(RequestRate(count: 0, period: .second, burst: 5)).isUnlimited)
    #expect(!TokenBucketRule(.perSecond(1, burst: 1)).isUnlimited)
  }

  @Test func aBurstBelowOneIsOne() {
    #expect(TokenBucketRule(.perSecond(5, burst: 0)).rate.burst == 1)
    #expect(TokenBucketRule(.perSecond(5, burst: -3)).rate.burst == 1)
  }

  @Test func aDepthThatIsTooGreatIsCut() {
    let rule = TokenBucketRule(RequestRate(count: 1, period: 3_600 * .second, burst: .max))
    #expect(rule.depth <= 1 << 62 && rule.depth > 1 << 61)
    #expect(rule.rate.burst == Int64((1 << 62) / rule.cost))
  }

  @Test func aPeriodOfAnyLengthIsARule() {
    let rule = TokenBucketRule(RequestRate(count: 1, period: .max, burst: .max))
    #expect(rule.rate.burst == 2 && rule.rate.period == 1 << 57 && rule.depth == 1 << 62)
    let bucket = TokenBucket()
    for now in [0, .max, .min] as [Int64] {
      for _ in 0..<3 { _ = bucket.take(rule, at: Instant(nanoseconds: now)) }
      _ = bucket.level(rule, at: Instant(nanoseconds: now))
    }
  }

  /// A rate that is rounded admits less, by less than a millionth.
  @Test(arguments: [1_048_583, 9_999_991, 99_999_989, 999_999_937] as [Int64])
  func aRoundedRateAdmitsALittleLess(count: Int64) {
    let rule = TokenBucketRule(.perSecond(count, burst: 1))
    let exact = Double(Int64.second) / Double(count)
    let rounded = Double(rule.cost) / Double(rule.scale)
    #expect(rule.scale <= 1 << 24)
    #expect(rounded >= exact && rounded < exact * (1 + 1e-6))
  }
}
