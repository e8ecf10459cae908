import Primitives
import Testing

@testable import Tenancy

/// A tenant with levels of every kind, asked in virtual time.
private final class Bench {
  let ledger = TenantLedger()
  let meters = UnsafeMutablePointer<TenantMeters>.allocate(capacity: 1)
  let process = UnsafeMutablePointer<Tenancy.SharedBucket>.allocate(capacity: 1)
  let directory: TenantDirectory
  let tenant: TenantIndex = 0
  var now = Instant(nanoseconds: 1_000 * .second)
  var time: Int64 = 1_700_000_000
  var generation: UInt64 = 1
  var levels: [LimitLevel] = []

  init(plain: RequestRate? = nil, mostKeys: Int = 64) {
    meters.initialize(to: TenantMeters(mostKeys: mostKeys))
    process.initialize(to: Tenancy.SharedBucket(Bench.rate(5, burst: 10)))
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    var record = TenantRecord(id: "acme")
    record.requests = plain
    _ = builder.add(record)
    directory = builder.finish()
    ledger.ensure(capacity: 1)
  }

  deinit {
    meters.deinitialize(count: 1)
    meters.deallocate()
    process.deinitialize(count: 1)
    process.deallocate()
  }

  /// A rate of tokens a second.
  static func rate(_ count: Int64, burst: Int64) -> RequestRate {
    RequestRate(count: count, period: .second, burst: burst)
  }

  func add(
    _ kind: LimitLevel.Kind, _ rate: RequestRate? = nil, name: String = "x",
    _ change: (inout LimitLevel) -> Void = { _ in }
  ) {
    var level = LimitLevel(kind, number: Int32(levels.count))
    if let rate { level.rule = TokenBucketRule(rate) }
    level.identity = Rendezvous.hash(name)
    if kind == .shared { level.bucket = process }
    if kind == .account { level.rule = directory.limits(of: tenant).pointee.requests }
    change(&level)
    levels.append(level)
  }

  func ask(key: UInt64 = 0, tokens: Int64 = 1) -> LimitOutcome {
    for place in levels.indices where levels[place].kind == .keyed { levels[place].key = key ^ levels[place].identity }
    return levels.withUnsafeMutableBufferPointer {
      ledger.decide(
        $0, of: tenant, with: meters, tokens: tokens, generation: generation, at: now, time: time, zones: [.utc])
    }
  }

  func admitted(_ count: Int, key: UInt64 = 0, tokens: Int64 = 1) -> Int {
    (0..<count).count { _ in if case .admitted = ask(key: key, tokens: tokens) { true } else { false } }
  }

  var marks: [LimitMark] { levels.map { LimitMark($0) } }
}

@Suite struct LimitDecisionTests {
  private func all() -> Bench {
    let bench = Bench(plain: Bench.rate(5, burst: 8))
    bench.add(.shared, Bench.rate(5, burst: 10))
    bench.add(.account)
    bench.add(.fixed, Bench.rate(5, burst: 6), name: "path")
    bench.add(.keyed, Bench.rate(5, burst: 3), name: "client")
    return bench
  }

  @Test func eachLevelHoldsByItself() {
    for (place, burst) in [(0, 10), (1, 8), (2, 6), (3, 3)] {
      let bench = all()
      bench.levels = [bench.levels[place]]
      #expect(bench.admitted(20) == burst)
      bench.now = bench.now.advanced(by: .second)
      #expect(bench.admitted(20) == min(burst, 5))
      bench.now = bench.now.advanced(by: 60 * .second)
      #expect(bench.admitted(20) == burst)
    }
  }

  @Test func theNarrowestRefusesAndNobodyAboveLosesAToken() {
    let bench = all()
    #expect(bench.admitted(50, key: 1) == 3)
    #expect(bench.ask(key: 1) == .refused)
    #expect(bench.levels.map(\.isRefusing) == [false, false, false, true])
    // 3 of 6, 8 and 10 are gone, and no more.
    #expect(bench.admitted(50, key: 2) == 3)
    #expect(bench.ask(key: 3) == .refused)
    #expect(bench.levels.map(\.isRefusing) == [false, false, true, false])
    #expect(bench.levels.map(\.admission.remaining) == [4, 2, 0, 3])
    bench.levels.remove(at: 2)
    #expect(bench.admitted(50, key: 3) == 2)
    bench.levels.remove(at: 1)
    #expect(bench.admitted(50, key: 4) == 2)
    #expect(bench.admitted(50, key: 5) == 0)
  }

  @Test func allThatRefuseAreNamed() {
    let bench = all()
    bench.levels[2].rule = TokenBucketRule(Bench.rate(1, burst: 3))
    #expect(bench.admitted(50) == 3)
    _ = bench.ask()
    #expect(bench.levels.map(\.isRefusing) == [false, false, true, true])
  }

  @Test func shadowsNeverRefuseAndOthersStillDo() {
    let bench = all()
    bench.levels[3].isShadow = true
    bench.levels[2].isShadow = true
    #expect(bench.admitted(50) == 8)
    #expect(bench.levels.map(\.admission.isAdmitted) == [true, false, false, false])
    bench.levels[1].isShadow = true
    bench.levels[0].isShadow = true
    #expect(bench.admitted(50) == 50)
  }

  @Test func costsAreTakenWholeOrNotAtAll() {
    let bench = all()
    bench.levels.removeLast()
    #expect(bench.admitted(9, tokens: 4) == 1)
    #expect(bench.levels[2].admission.remaining == 2)
    #expect(bench.admitted(9, tokens: 2) == 1)
    #expect(bench.admitted(9, tokens: 1) == 0)
    bench.now = bench.now.advanced(by: 60 * .second)
    // More than a bucketful takes a whole bucket, which then is empty.
    #expect(bench.admitted(9, tokens: 100) == 1)
  }

  @Test func chargesLeaveADebtThatIsPaidFirst() {
    let bench = all()
    #expect(bench.admitted(1, key: 1) == 1)
    bench.marks.withUnsafeBufferPointer {
      bench.ledger.charge(
        $0, of: bench.tenant, in: bench.directory, with: bench.meters, tokens: 4, at: bench.now, crossed: { _ in })
    }
    // The client's bucket of 3 owes 5; at 5 a second there is a token after (5 - 3 + 1) / 5 s.
    #expect(bench.ask(key: 1) == .refused)
    #expect(bench.levels[3].admission.wait == 600 * .millisecond)
    bench.now = bench.now.advanced(by: 600 * .millisecond - 1)
    #expect(bench.ask(key: 1) == .refused)
    bench.now = bench.now.advanced(by: 1)
    #expect(bench.admitted(9, key: 1) == 1)
  }

  @Test func aDebtIsABucketfulAtMost() {
    let bench = all()
    #expect(bench.admitted(1) == 1)
    bench.marks.withUnsafeBufferPointer { marks in
      for _ in 0..<10 {
        bench.ledger.charge(
          marks, of: bench.tenant, in: bench.directory, with: bench.meters, tokens: .max, at: bench.now,
          crossed: { _ in })
      }
    }
    _ = bench.ask()
    #expect(bench.levels.map(\.admission.wait) == [11, 9, 7, 4].map { $0 * 200 * .millisecond })
  }

  @Test func whatIsGivenBackWasNeverTaken() {
    let bench = all()
    for _ in 0..<1_000 {
      guard case .admitted = bench.ask(key: 7) else { return #expect(Bool(false), "given back, but gone") }
      bench.marks.withUnsafeBufferPointer {
        bench.ledger.giveBack(
          $0, of: bench.tenant, in: bench.directory, with: bench.meters, tokens: 1, at: bench.now)
      }
      bench.now = bench.now.advanced(by: 7)
    }
    #expect(bench.admitted(50, key: 7) == 3)
  }

  @Test func delayedRequestsFollowEachOtherAtTheRate() {
    let bench = all()
    bench.levels = [bench.levels[1]]
    bench.levels[0].delay = .second
    var pauses: [Int64] = []
    for _ in 0..<50 {
      if case .admitted(let pause) = bench.ask() { pauses.append(pause / .millisecond) }
    }
    #expect(pauses == [0, 0, 0, 0, 0, 0, 0, 0, 200, 400, 600, 800, 1000])
    #expect(bench.levels[0].admission.wait == 1_200 * .millisecond)
    bench.now = bench.now.advanced(by: 200 * .millisecond)
    #expect(bench.ask() == .admitted(after: .second))
  }

  @Test func aNewRuleKeepsTheFillOfWhatIsFixedAndStartsKeysAnew() {
    let bench = all()
    bench.levels = [bench.levels[2], bench.levels[3]]
    #expect(bench.admitted(9, key: 1) == 3)
    let known = bench.levels
    bench.generation = 2
    bench.levels[0].rule = TokenBucketRule(Bench.rate(5, burst: 12))
    bench.levels[1].rule = TokenBucketRule(Bench.rate(5, burst: 4))
    #expect(bench.admitted(9, key: 1) == 4)
    // Half full as before, less four.
    #expect(bench.levels[0].admission.remaining == 2)
    // Who still knows the old rules goes by the new ones.
    bench.generation = 1
    bench.levels = known
    #expect(bench.admitted(9, key: 2) == 2)
    #expect(bench.levels[1].admission.remaining == 2)
  }

  @Test func quotasRefuseTillTheirPeriodEnds() {
    let bench = Bench()
    bench.add(.requestQuota) {
      $0.amount = 10
      $0.soft = 80
      $0.period = .day
    }
    bench.time = CivilDate(year: 2024, month: 2, day: 28).days * 86_400 + 86_000
    var crossings = 0
    for _ in 0..<20 {
      _ = bench.ask()
      if bench.levels[0].isCrossing { crossings += 1 }
      bench.levels[0].isCrossing = false
    }
    #expect(crossings == 1)
    #expect(bench.levels[0].isRefusing)
    #expect(bench.levels[0].admission.wait == 400 * .second)
    bench.time += 399
    #expect(bench.ask() == .refused)
    bench.time += 1
    #expect(bench.admitted(20) == 10)
    // A clock that goes back finds the period that is on.
    bench.time -= 10
    #expect(bench.ask() == .refused)
  }

  @Test func aSharedBucketIsAsFullAfterAChangeOfItsRate() {
    let bench = all()
    bench.levels = [bench.levels[0]]
    #expect(bench.admitted(5) == 5)
    let old = bench.levels
    let next = Bench.rate(5, burst: 20)
    bench.levels[0].revision = bench.process.pointee.revision(for: next)
    bench.process.pointee.refit(to: next, at: bench.now)
    bench.levels[0].rule = TokenBucketRule(next)
    #expect(bench.levels[0].revision == 1)
    _ = bench.ask()
    #expect(bench.levels[0].admission.remaining == 9)
    bench.levels = old
    #expect(bench.admitted(50) == 9)
  }
}
