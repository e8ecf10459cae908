import Primitives
import Testing

@testable import Tenancy

@Suite struct SpentBucketTests {
  private static let rates = sampleRates + [RequestRate(count: 1, period: 3_600 * .second, burst: 100)]

  private func bucket(_ rule: TokenBucketRule, taking tokens: Int) -> SharedBucket {
    let shared = SharedBucket()
    for _ in 0..<tokens { _ = shared.bucket.take(rule, at: someTime) }
    return shared
  }

  /// To the unit: what is admitted after, and when, is what the first bucket would have.
  @Test func anotherProcessGoesOnToTheUnit() throws {
    var random = SeededRandom(seed: 4)
    for rate in SpentBucketTests.rates {
      let rule = TokenBucketRule(rate)
      let first = bucket(rule, taking: random.below(Int(min(rule.rate.burst, 500))) + 1)
      let later = someTime.advanced(by: Int64(random.below(50_000_000)))
      let known = RevisedRule(rule: rule, revision: 0)
      let second = SharedBucket()
      if let spent = first.bucket.spent(known, at: later) { second.bucket.restore(spent, as: known, at: later) }
      for step in 0..<200 as Range<Int64> {
        let now = later.advanced(by: step * 7_000_003)
        let (one, other) = (first.bucket.take(rule, at: now), second.bucket.take(rule, at: now))
        #expect(one.isAdmitted == other.isAdmitted && one.remaining == other.remaining && one.wait == other.wait)
      }
    }
  }

  @Test func byAnotherRateItIsAsFull() throws {
    let old = TokenBucketRule(RequestRate(count: 1, period: 3_600 * .second, burst: 100))
    let new = TokenBucketRule(RequestRate(count: 10, period: 3_600 * .second, burst: 10))
    let first = bucket(old, taking: 40)
    let owed = first.bucket.spent(RevisedRule(rule: old, revision: 0), at: someTime)
    let spent = try #require(owed)
    let second = SharedBucket()
    second.bucket.restore(spent, as: RevisedRule(rule: new, revision: 0), at: someTime)
    #expect(second.bucket.level(new, at: someTime) == 6)
  }

  @Test func aFullBucketOwesNothing() {
    let rule = TokenBucketRule(RequestRate(count: 1, period: .second, burst: 5))
    for rule in [rule, TokenBucketRule()] {
      let spent = SharedBucket().bucket.spent(RevisedRule(rule: rule, revision: 0), at: someTime)
      #expect(spent == nil)
    }
  }

  @Test func anyNumbersAreTaken() {
    let rule = TokenBucketRule(RequestRate(count: 1, period: .second, burst: 5))
    for rate in [
      RequestRate(count: .max, period: .min, burst: .max), RequestRate(count: -1, period: 0, burst: -1), rule.rate,
    ] {
      for debt in [0, 1, 1 << 62, UInt64.max] {
        for time in [Int64.min, 0, .max] {
          let other = SharedBucket()
          let spent = SpentBucket(rate: rate, debt: debt, time: time)
          other.bucket.restore(spent, as: RevisedRule(rule: rule, revision: 0), at: someTime)
          #expect((0...5).contains(other.bucket.level(rule, at: someTime)))
        }
      }
    }
  }

  /// What is taken later is told to the token, as long as the bucket is not full meanwhile.
  @Test func whatIsTakenLaterIsTold() {
    let rule = TokenBucketRule(RequestRate(count: 1, period: 3_600 * .second, burst: 1_000))
    let known = RevisedRule(rule: rule, revision: 0)
    let shared = bucket(rule, taking: 5)
    var told = shared.bucket.spent(known, at: someTime)
    var random = SeededRandom(seed: 5)
    for step in 1...100 as ClosedRange<Int64> {
      let now = someTime.advanced(by: step * 20 * .millisecond)
      let tokens = random.below(4)
      for _ in 0..<tokens { _ = shared.bucket.take(rule, at: now) }
      let later = shared.bucket.spent(since: told, known, at: now.advanced(by: .millisecond))
      #expect(later.tokens == Int64(tokens))
      if later.tokens > 0 { told = later.spent }
    }
  }

  @Test func metersOfLimitsGoOn() {
    let rule = TokenBucketRule(RequestRate(count: 1, period: 3_600 * .second, burst: 10))
    var old = MeterBook()
    var new = MeterBook()
    var fixed = LimitLevel(.fixed, number: 0)
    (fixed.identity, fixed.rule) = (1, rule)
    var keyed = LimitLevel(.keyed, number: 1)
    (keyed.identity, keyed.rule, keyed.key) = (2, rule, 99)
    for _ in 0..<4 {
      old.look(&fixed, 1, 7, at: someTime)
      old.take(&fixed, 1, at: someTime)
      old.look(&keyed, 1, 7, at: someTime)
      old.take(&keyed, 1, at: someTime)
    }
    old.adopt(3, start: 100, used: 50)
    for line in old.handedLines(at: someTime) { new.restore(line) }
    for key in old.handedKeys() { new.restore(key) }
    for quota in old.quotas { new.adopt(quota.identity, start: quota.meter.span.start, used: quota.meter.used) }
    new.adopt(3, start: 100, used: 20)
    new.look(&fixed, 1, 1, at: someTime)
    new.look(&keyed, 1, 1, at: someTime)
    #expect(fixed.admission.remaining == 5 && keyed.admission.remaining == 5)
    #expect(new.used(of: 3) == 50)
  }
}
