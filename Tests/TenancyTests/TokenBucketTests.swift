import Dispatch
import Primitives
import Synchronization
import Testing

@testable import Tenancy

@Suite struct TokenBucketTests {
  /// Asks once, and again each time the bucket says it will have a token, for `count` tokens in all.
  private func times(of count: Int, _ bucket: borrowing TokenBucket, _ rule: TokenBucketRule) -> [Int64] {
    var now = someTime
    var times: [Int64] = []
    while times.count < count {
      let answer = bucket.take(rule, at: now)
      if answer.isAdmitted { times.append(now - someTime) } else { now = now.advanced(by: answer.wait) }
    }
    return times
  }

  /// The nth token behind the burst is there once rate × t has reached n, at the next whole nanosecond.
  @Test(arguments: sampleRates, [2, 3, 10, 100, 999, 1000] as [Int64])
  func tokensComeAtTheirTimesExactly(rate: RequestRate, burst: Int64) {
    var rate = rate
    rate.burst = burst
    let times = times(of: Int(burst) + 500, TokenBucket(), TokenBucketRule(rate))
    #expect(times.prefix(Int(burst)).allSatisfy { $0 == 0 })
    for (place, time) in times.dropFirst(Int(burst)).enumerated() {
      let token = Int64(place + 1)
      #expect(rate.tokens(in: time) == token && rate.tokens(in: time - 1) == token - 1)
    }
  }

  /// A bucket of one token is full when its token comes, so what the nanosecond is late is lost each time.
  @Test(arguments: sampleRates)
  func aBurstOfOneStartsAnewWithEachToken(rate: RequestRate) {
    let times = times(of: 500, TokenBucket(), TokenBucketRule(rate))
    let step = (rate.period + rate.count - 1) / rate.count
    for (place, time) in times.enumerated() { #expect(time == Int64(place) * step) }
  }

  /// Asked at random times by more than it may admit, a bucket that was never full again admits burst + floor(rate × t).
  @Test(arguments: sampleRates, [2, 5, 1000] as [Int64])
  func aBusyBucketAdmitsBurstAndRateTimesTime(rate: RequestRate, burst: Int64) {
    var rate = rate
    rate.burst = burst
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    var random = SeededRandom(seed: UInt64(rate.count &* 31 &+ burst))
    var now = someTime
    var admitted: Int64 = 0
    for _ in 0..<2_000 {
      // Emptied each time, so nothing is lost at the brim.
      while bucket.take(rule, at: now).isAdmitted { admitted += 1 }
      #expect(admitted == burst + rate.tokens(in: now - someTime))
      // Less than a token is left over, and fewer than `burst - 1` come.
      let step = rate.period * (min(burst, 4) - 1) / rate.count
      now = now.advanced(by: Int64(random.below(Int(step) + 1)))
    }
  }

  @Test func everyBurstIsWholeAndNoMore() {
    for rate in sampleRates {
      for burst in 1...1000 as ClosedRange<Int64> {
        let rule = TokenBucketRule(RequestRate(count: rate.count, period: rate.period, burst: burst))
        let bucket = TokenBucket()
        var admitted: Int64 = 0
        while bucket.take(rule, at: someTime).isAdmitted { admitted += 1 }
        if admitted != burst { Issue.record("\(rate) burst \(burst): \(admitted)") }
      }
    }
  }

  @Test(arguments: sampleRates)
  func aTokenIsThereAfterTheWaitAndNotBefore(rate: RequestRate) {
    var rate = rate
    rate.burst = 4
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    var random = SeededRandom(seed: 3)
    var now = someTime
    for _ in 0..<500 {
      while bucket.take(rule, at: now).isAdmitted {}
      let wait = bucket.take(rule, at: now).wait
      #expect(wait > 0)
      #expect(!bucket.take(rule, at: now.advanced(by: wait - 1)).isAdmitted)
      #expect(bucket.level(rule, at: now.advanced(by: wait - 1)) == 0)
      #expect(bucket.level(rule, at: now.advanced(by: wait)) == 1)
      #expect(bucket.take(rule, at: now.advanced(by: wait)).isAdmitted)
      now = now.advanced(by: wait + Int64(random.below(Int(rate.period / rate.count))))
    }
  }

  @Test func anAdmissionTellsWhatIsLeftAndWhenItIsFull() {
    let rule = TokenBucketRule(.perSecond(10, burst: 5))
    let bucket = TokenBucket()
    for left in [4, 3, 2, 1, 0] as [Int64] {
      let answer = bucket.take(rule, at: someTime)
      #expect(answer.isAdmitted && answer.remaining == left)
      #expect(answer.wait == (5 - left) * 100 * .millisecond)
    }
    let refused = bucket.take(rule, at: someTime)
    #expect(!refused.isAdmitted && refused.remaining == 0 && refused.wait == 100 * .millisecond)
  }

  @Test(arguments: sampleRates)
  func aRefusalLeavesNoDebt(rate: RequestRate) {
    var rate = rate
    rate.burst = 2
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    while bucket.take(rule, at: someTime).isAdmitted {}
    let wait = bucket.take(rule, at: someTime).wait
    for step in 0..<1000 as Range<Int64> {
      let answer = bucket.take(rule, at: someTime.advanced(by: wait * step / 1000))
      #expect(!answer.isAdmitted && answer.wait == wait - wait * step / 1000)
    }
    #expect(bucket.take(rule, at: someTime.advanced(by: wait)).isAdmitted)
  }

  @Test func aBucketIsFullWheneverItIsFirstUsed() {
    var random = SeededRandom(seed: 17)
    for rate in sampleRates {
      let rule = TokenBucketRule(RequestRate(count: rate.count, period: rate.period, burst: 20))
      for start in [0, 1, 1_000, .second, 86_400 * .second] + (0..<500).map({ _ in Int64(random.below(1 << 58)) }) {
        let bucket = TokenBucket()
        #expect(bucket.level(rule, at: Instant(nanoseconds: start)) == 20, "\(rate) at \(start)")
        #expect(bucket.take(rule, at: Instant(nanoseconds: start)).remaining == 19, "\(rate) at \(start)")
      }
    }
  }
}

@Suite struct TokenBucketIdleTests {
  /// Idle spans of all sizes, and those after which the scaled time has come round, are a full bucket, no more, no less.
  @Test(arguments: sampleRates + [.perSecond(999_983, burst: 1), .perSecond(10_000_019, burst: 1)])
  func anIdleBucketIsFull(rate: RequestRate) {
    let rule = TokenBucketRule(RequestRate(count: rate.count, period: rate.period, burst: 50))
    let full = Int64(rule.depth / rule.scale) + 1
    var spans = [full, 61 * .second + full, 3_600 * .second + full] + (1...400).map { $0 * 86_400 * .second + full }
    let wrap = UInt64.max / rule.scale
    for turns in 1...3 as ClosedRange<UInt64> {
      let (place, isOver) = wrap.multipliedReportingOverflow(by: turns)
      guard !isOver, place < UInt64(50 * 366 * 86_400 * Int64.second) else { continue }
      for step in -130...130 as ClosedRange<Int64> {
        spans.append(Int64(place) + step * .second)
        spans.append(Int64(place) + step * full / 120)
      }
    }
    for span in spans where span >= full {
      let bucket = TokenBucket()
      while bucket.take(rule, at: someTime).isAdmitted {}
      let later = someTime.advanced(by: span)
      #expect(bucket.level(rule, at: later) == 50, "\(rate) after \(span)")
      #expect(bucket.take(rule, at: later).remaining == 49, "\(rate) after \(span)")
    }
  }

  @Test func aBucketThatIsOftenAskedStaysExactOverManyTurns() {
    // 2^24 units a nanosecond: the count of units comes round within 19 minutes.
    let rate = RequestRate.perSecond(999_983, burst: 1)
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    var now = someTime
    for _ in 0..<20_000 {
      #expect(bucket.take(rule, at: now).isAdmitted)
      #expect(!bucket.take(rule, at: now).isAdmitted)
      now = now.advanced(by: 7 * .second)
    }
  }
}
