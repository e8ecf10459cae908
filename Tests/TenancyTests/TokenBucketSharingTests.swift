import Dispatch
import Primitives
import Synchronization
import Testing

@testable import Tenancy

@Suite struct TokenBucketSharingTests {
  /// Workers whose clocks lag by up to 50 ms, in random order: together never more than burst + rate × t.
  @Test(arguments: sampleRates, [1, 30] as [Int64])
  func laggingWorkersTakeNoMoreThanOneWould(rate: RequestRate, burst: Int64) {
    var rate = rate
    rate.burst = burst
    let rule = TokenBucketRule(rate)
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let bucket = TokenBucket()
      var clocks = [Int64](repeating: 0, count: 8)
      var real: Int64 = 0
      var admitted: Int64 = 0
      let step = max(1, min(rate.period / rate.count, 40 * .millisecond))
      // The first token is taken at least this early.
      let earliest = -50 * Int64.millisecond
      for _ in 0..<3_000 {
        real += Int64(random.below(Int(step)))
        let worker = random.below(clocks.count)
        clocks[worker] = max(clocks[worker], real - Int64(random.below(Int(50 * Int64.millisecond))))
        if bucket.take(rule, at: someTime.advanced(by: clocks[worker])).isAdmitted { admitted += 1 }
        #expect(admitted <= burst + rate.tokens(in: real - earliest))
      }
      #expect(admitted >= min(burst, 3_000))
    }
  }

  /// The same against the moments of the admissions: over any span between two of them.
  @Test func everySpanKeepsToTheRate() {
    let rate = RequestRate.perSecond(997, burst: 10)
    let rule = TokenBucketRule(rate)
    let bucket = TokenBucket()
    var random = SeededRandom(seed: 99)
    var real: Int64 = 0
    var taken: [Int64] = []
    for _ in 0..<20_000 {
      real += Int64(random.below(200_000))
      let lag = Int64(random.below(50_000_000))
      if bucket.take(rule, at: someTime.advanced(by: real - lag)).isAdmitted { taken.append(real) }
    }
    for first in taken.indices {
      for last in stride(from: first, to: min(first + 400, taken.count), by: 7) {
        let span = taken[last] - taken[first] + 50 * .millisecond
        #expect(Int64(last - first + 1) <= rate.burst + rate.tokens(in: span) + 1)
      }
    }
    #expect(taken.count > 1_500)
  }

  @Test(arguments: [1, 7, 1000] as [Int64])
  func threadsAtOneMomentShareOneBurst(burst: Int64) {
    let rule = TokenBucketRule(.perSecond(99_991, burst: burst))
    for round in 0..<20 as Range<Int64> {
      let shared = SharedBucket()
      let admitted = Atomic<Int>(0)
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        for _ in 0..<2_000 where shared.bucket.take(rule, at: someTime.advanced(by: round)).isAdmitted {
          admitted.add(1, ordering: .relaxed)
        }
      }
      #expect(admitted.load(ordering: .relaxed) == Int(burst))
    }
  }

  /// Threads that move one clock on together: whatever their order, what is admitted is burst + floor(rate × t) at most,
  /// and all of it is there to be had. The clock goes less than `TokenBucket.lag` in all: a thread may sleep meanwhile.
  @Test(
    arguments: [.perSecond(1_009, burst: 3), .perSecond(999, burst: 100), .perSecond(99_991, burst: 20)]
      as [RequestRate])
  func threadsOnOneClockKeepToTheRate(rate: RequestRate) {
    let rule = TokenBucketRule(rate)
    let shared = SharedBucket()
    let clock = Atomic<Int64>(0)
    let admitted = Atomic<Int64>(0)
    let step = rate.period / rate.count / 5
    // A thread that is held up between reading the clock and taking may not lag by more than the bucket allows for.
    let takes = min(50_000, TokenBucket.lag / step / 4)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<takes {
        let now = clock.add(step, ordering: .relaxed).newValue
        if shared.bucket.take(rule, at: someTime.advanced(by: now)).isAdmitted { admitted.add(1, ordering: .relaxed) }
      }
    }
    let most = rate.burst + rate.tokens(in: clock.load(ordering: .relaxed))
    #expect(admitted.load(ordering: .relaxed) <= most)
    #expect(admitted.load(ordering: .relaxed) >= most - 5)
  }
}
