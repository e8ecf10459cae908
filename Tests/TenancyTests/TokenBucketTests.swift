import Primitives
import Synchronization
import Tenancy
import Testing

@Suite struct TokenBucketTests {
  static let rates: [RequestRate] = [
    RequestRate(count: 10, period: .second, burst: 1),
    RequestRate(count: 3, period: .second, burst: 5),
    RequestRate(count: 7, period: .second, burst: 100),
    RequestRate(count: 999, period: .second, burst: 10),
    RequestRate(count: 99_991, period: .second, burst: 1000),
    RequestRate(count: 600, period: 60 * .second, burst: 20),
    RequestRate(count: 1, period: 3600 * .second, burst: 3),
  ]

  /// Tokens that a rate makes in `span` nanoseconds, rounded down.
  private func made(_ rate: RequestRate, _ span: Int64) -> Int64 {
    let product = rate.count.multipliedFullWidth(by: span)
    return rate.period.dividingFullWidth((product.high, product.low)).quotient
  }

  @Test(arguments: rates) func admitsBurstAndRateTimesTimeToTheToken(_ rate: RequestRate) {
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    let start = Instant(nanoseconds: 123_456_789_012_345)
    var random = SeededRandom(seed: UInt64(rate.count))
    var now = start
    var admitted: Int64 = 0
    for _ in 0..<400 {
      // A hungry client: it takes all there is, then waits for about a token or two.
      while bucket.take(rule, at: now).isAdmitted { admitted += 1 }
      #expect(admitted == rate.burst + made(rate, now - start))
      now = now.advanced(by: Int64(random.below(Int(2 * rate.period / rate.count))) + 1)
    }
  }

  @Test(arguments: rates) func aTokenIsThereWhenItWasPromisedAndNotBefore(_ rate: RequestRate) {
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    let now = Instant(nanoseconds: 77_777)
    while bucket.take(rule, at: now).isAdmitted {}
    let refusal = bucket.take(rule, at: now)
    #expect(!refusal.isAdmitted && refusal.wait > 0 && refusal.remaining == 0)
    #expect(!bucket.take(rule, at: now.advanced(by: refusal.wait - 1)).isAdmitted)
    #expect(bucket.take(rule, at: now.advanced(by: refusal.wait)).isAdmitted)
  }

  @Test func workersWhoseClocksLagNeverAdmitMore() {
    let rate = RequestRate(count: 999, period: .second, burst: 50)
    let rule = TokenBucketRule(rate)
    var random = SeededRandom(seed: 3)
    for _ in 0..<20 {
      let bucket = TokenBucket()
      let start = Instant(nanoseconds: 10 * .second)
      var now = start
      var admitted: Int64 = 0
      for _ in 0..<5_000 {
        now = now.advanced(by: Int64(random.below(400_000)))
        let lag = Int64(random.below(50_000_000))
        if bucket.take(rule, at: now.advanced(by: -min(lag, now - start))).isAdmitted { admitted += 1 }
      }
      #expect(admitted <= rate.burst + made(rate, now - start))
      #expect(admitted >= made(rate, now - start) / 2)
    }
  }

  @Test func threadsShareOneBucketExactly() async {
    let rule = TokenBucketRule(RequestRate(count: 1, period: 3600 * .second, burst: 10_000))
    let ledger = TenantLedger()
    ledger.ensure(capacity: 1)
    let admitted = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var mine = 0
          for _ in 0..<5_000
          where ledger.account(0).pointee.bucket.take(rule, at: Instant(nanoseconds: 1_000)).isAdmitted { mine += 1 }
          return mine
        }
      }
      return await group.reduce(0, +)
    }
    #expect(admitted == 10_000)
  }

  @Test func anIdleBucketIsFullAgainHoweverLongItRested() {
    let rule = TokenBucketRule(RequestRate(count: 99_991, period: .second, burst: 7))
    let bucket = TokenBucket()
    var now = Instant(nanoseconds: 1)
    for days in [0, 1, 2, 3, 7, 365, 3650] as [Int64] {
      now = now.advanced(by: days * 86_400 * .second + 1_000_003)
      #expect(bucket.level(rule, at: now) == 7)
      while bucket.take(rule, at: now).isAdmitted {}
      #expect(bucket.level(rule, at: now) == 0)
    }
  }

  @Test(arguments: [(10, 40), (40, 10), (3, 7)]) func anEditKeepsTheFillAndRefundsNothing(_ from: Int64, _ to: Int64) {
    let old = TokenBucketRule(RequestRate(count: from, period: .second, burst: from * 10))
    let new = TokenBucketRule(RequestRate(count: to, period: .second, burst: to * 10))
    let bucket = TokenBucket()
    let now = Instant(nanoseconds: 5 * .second)
    for _ in 0..<from * 5 { #expect(bucket.take(old, at: now).isAdmitted) }
    bucket.refit(from: old, to: new, at: now)
    #expect(abs(bucket.level(new, at: now) - to * 5) <= 1)
    // There and back again does not fill it.
    bucket.refit(from: new, to: old, at: now)
    #expect(bucket.level(old, at: now) <= from * 5 + 1)
    bucket.refit(from: old, to: TokenBucketRule(), at: now)
    bucket.refit(from: TokenBucketRule(), to: new, at: now)
    #expect(bucket.level(new, at: now) == to * 10)
  }

  @Test func noRuleIsUnlimited() {
    #expect(TokenBucketRule().isUnlimited)
    #expect(TokenBucketRule(RequestRate(count: 0, period: .second, burst: 1)).isUnlimited)
    #expect(!TokenBucketRule(RequestRate(count: 1, period: .second, burst: 1)).isUnlimited)
  }
}
