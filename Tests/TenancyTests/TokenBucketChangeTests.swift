import Dispatch
import Primitives
import Synchronization
import Testing

@testable import Tenancy

/// A rule changes while workers that know the old one and workers that know the new one take tokens.
@Suite struct TokenBucketChangeTests {
  private static func revised(_ rate: RequestRate, _ revision: UInt8) -> RevisedRule {
    RevisedRule(rule: TokenBucketRule(rate), revision: revision)
  }

  private static let changes: [(RequestRate, RequestRate)] = [
    (.perSecond(99_991, burst: 3), .perSecond(7, burst: 6)), (.perSecond(7, burst: 6), .perSecond(99_991, burst: 3)),
    (.perSecond(1, burst: 2), .perSecond(1_000_000, burst: 4)), (.perSecond(999, burst: 5), .perSecond(3, burst: 1)),
    (.perSecond(10, burst: 4), .perSecond(10, burst: 5)),
  ]

  /// Every order of the steps of a late worker, a worker that goes along, and the control thread: each answer is the one
  /// that a single thread would have been given in the order in which they took effect, and all together admit no more
  /// than the more generous rule.
  @Test(arguments: changes)
  func everyInterleavingIsAnOrder(change: (RequestRate, RequestRate)) {
    let (old, new) = (TokenBucketChangeTests.revised(change.0, 15), TokenBucketChangeTests.revised(change.1, 0))
    for taken in [Int(change.0.burst) - 1, Int(change.0.burst)] {
      for lag in [0, 700_000_000] as [Int64] {
        var schedule = Schedule()
        repeat {
          let late = TokenBucketStage.Thread(wanted: 1, isLate: true, clock: someTime.advanced(by: lag))
          let stage = TokenBucketStage(
            old, new, taken: taken,
            [
              late, TokenBucketStage.Thread(wanted: 1, clock: someTime.advanced(by: 20_000)),
              TokenBucketStage.Thread(isControl: true, clock: someTime.advanced(by: 10_000)),
            ])
          play(stage) { schedule.choose(of: $0) }
          check(stage, taken: taken, within: max(lag, 20_000))
        } while schedule.advance()
        #expect(schedule.count > 20)
      }
    }
  }

  /// The same with more threads, more tokens and random orders.
  @Test func randomInterleavingsAreAnOrder() {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      func rule(_ revision: UInt8) -> RevisedRule {
        let counts: [Int64] = [1, 3, 7, 999, 99_991, 999_983]
        return TokenBucketChangeTests.revised(
          .perSecond(counts[random.below(counts.count)], burst: Int64(1 + random.below(12))), revision)
      }
      let revision = UInt8(random.below(16))
      let (old, new) = (rule(revision), rule((revision + 1) % 16))
      var threads = [TokenBucketStage.Thread(isControl: true, clock: someTime)]
      for _ in 0..<4 {
        let clock = someTime.advanced(by: Int64(random.below(50_000_000)))
        threads.append(TokenBucketStage.Thread(wanted: 6, isLate: random.below(2) == 0, clock: clock))
      }
      let taken = random.below(Int(old.rule.rate.burst) + 1)
      let stage = TokenBucketStage(old, new, taken: taken, threads)
      play(stage) { random.below($0) }
      check(stage, taken: taken, within: 50_000_000)
    }
  }

  private func play(_ stage: TokenBucketStage, _ choose: (Int) -> Int) {
    while true {
      let ready = stage.ready
      guard !ready.isEmpty else { return }
      stage.step(ready[choose(ready.count)])
    }
  }

  private func check(_ stage: TokenBucketStage, taken: Int, within time: Int64) {
    let (old, new) = (stage.old, stage.new)
    let alone = TokenBucketStage.bucket(old, taken: taken)
    var admitted = Int64(taken)
    var refits = 0
    for entry in stage.entries {
      switch entry {
      case .refit(let now):
        alone.bucket.refit(from: old, to: new, at: now)
        refits += 1
      case .answer(let isAdmitted, let revision, let now):
        let rule = revision == old.revision ? old : new
        let answer = alone.bucket.take(rule.rule, revision: revision, at: now)
        if answer?.isAdmitted != isAdmitted { Issue.record("\(stage.entries) is no order") }
        if isAdmitted { admitted += 1 }
      }
    }
    let rates = [old.rule.rate, new.rule.rate]
    let most = rates.map(\.burst).max()! + rates.map { $0.tokens(in: time) }.max()!
    if admitted > most { Issue.record("\(admitted) admitted, \(most) at most: \(stage.entries)") }
    if refits != 1 { Issue.record("\(refits) changes of one bucket") }
  }

  /// Threads that lag up to a dozen changes behind, at one moment: never more than the most generous burst.
  @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7])
  func threadsThatLagTakeNoMoreThanTheGreatestBurst(seed: UInt64) {
    let plant = ChangingTenant(bursts: [50, 400, 7, 400, 93, 1, 400, 12, 399, 400, 30, 400, 5])
    let admitted = Atomic<Int64>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { number in
      var random = SeededRandom(seed: seed &* 7 &+ UInt64(number))
      var known = 0
      for turn in 0..<13_000 {
        if number == 0, turn % 1_000 == 999 { plant.change(to: turn / 1_000 + 1) }
        if random.below(500) == 0 { known += random.below(plant.published - known + 1) }
        if plant.take(known) { admitted.add(1, ordering: .relaxed) }
      }
    }
    #expect(admitted.load(ordering: .relaxed) <= 400)
    #expect(admitted.load(ordering: .relaxed) > 0)
  }

  @Test func aTenantDeletedAfterTheChangeGrantsNothing() {
    let plant = ChangingTenant(bursts: [50, 60])
    plant.change(to: 1)
    let empty = TenantDirectoryBuilder(previous: plant.directories[1], planLimits: []).finish()
    plant.ledger.refit(from: plant.directories[1], to: empty, at: someTime)
    #expect(!plant.take(0))
    #expect(plant.take(1))
  }
}

/// One tenant whose burst is changed time and again, on a ledger that threads share.
private final class ChangingTenant: Sendable {
  let ledger = TenantLedger()
  let directories: [TenantDirectory]
  private let newest = Atomic<Int>(0)

  /// The newest directory that workers may know.
  var published: Int { newest.load(ordering: .acquiring) }

  init(bursts: [Int64]) {
    var directories: [TenantDirectory] = []
    for (place, burst) in bursts.enumerated() {
      var builder = TenantDirectoryBuilder(previous: directories.last, planLimits: [])
      var record = TenantRecord(id: "acme")
      record.requests = .perSecond([7, 99_991, 1, 999][place % 4], burst: burst)
      precondition(builder.add(record) == .added)
      directories.append(builder.finish())
    }
    self.directories = directories
    ledger.ensure(capacity: 1)
  }

  /// Goes on to a directory, as the control thread does; not beyond the last.
  func change(to place: Int) {
    guard place < directories.count else { return }
    ledger.refit(from: directories[place - 1], to: directories[place], at: someTime)
    newest.store(place, ordering: .releasing)
  }

  /// Takes a token as a worker that knows a directory does.
  func take(_ known: Int) -> Bool {
    let (rule, revision) = (directories[known].limits(of: 0).pointee.requests, directories[known].revision(of: 0))
    let admission = ledger.account(0).pointee.bucket.take(rule, revision: revision, at: someTime)
    return (admission ?? ledger.takeByNewest(0, at: someTime)?.admission)?.isAdmitted ?? true
  }
}

/// All sequences of choices, one after the other.
private struct Schedule {
  private var choices: [(made: Int, of: Int)] = []
  private var place = 0
  private(set) var count = 1

  mutating func choose(of alternatives: Int) -> Int {
    if place == choices.count { choices.append((0, alternatives)) }
    place += 1
    return choices[place - 1].made
  }

  /// Goes on to the next sequence, if there is one.
  mutating func advance() -> Bool {
    place = 0
    while let (made, alternatives) = choices.popLast() {
      guard made + 1 < alternatives else { continue }
      choices.append((made + 1, alternatives))
      count += 1
      return true
    }
    return false
  }
}
