import Primitives
import Testing

@testable import Tenancy

/// Twenty good tenants at half their fair share of 32 slots, and one that is not.
@Suite struct FairnessTests {
  static let work: ClosedRange<Int64> = 40 * .millisecond...60 * .millisecond
  static let capacity = 640.0
  static let good = VirtualShard.Customer(work: work, rate: capacity / 21 / 2)
  static let rules = QueueRules(bound: 1_000, wait: 10 * .second)

  private func shard(with hog: VirtualShard.Customer?, rules: QueueRules = rules) -> VirtualShard {
    VirtualShard(slots: 32, rules, Array(repeating: Self.good, count: 20) + (hog.map { [$0] } ?? []))
  }

  private static let alone: Int64 = {
    let shard = VirtualShard(slots: 32, rules, Array(repeating: good, count: 20))
    shard.run(seconds: 22, warmUp: 2)
    return shard.outcomes.flatMap(\.times).quantile(0.99)
  }()

  /// Runs with a hog that comes after two seconds: the good tenants' p99 beside their own without it, the part of the
  /// slots' time that was used, and Jain's index of what each got by what max-min fairness gives it.
  private func measure(_ hog: VirtualShard.Customer, _ rules: QueueRules = rules) -> (
    p99: Double, used: Double, jain: Double
  ) {
    var hog = hog
    hog.begins = 2 * .second
    let shard = shard(with: hog, rules: rules)
    shard.run(seconds: 24, warmUp: 4)
    let outcomes = shard.outcomes
    #expect(outcomes.dropLast().allSatisfy { $0.refused == 0 }, "a good request was refused")
    let p99 = Double(outcomes.dropLast().flatMap(\.times).quantile(0.99)) / Double(Self.alone)
    let all = 32.0 * 20e9
    let used = Double(outcomes.reduce(0) { $0 + $1.work }) / all
    let demand = Self.good.rate * 0.05 * 20e9
    let shares = outcomes.enumerated().map {
      $1.work == 0 ? 0 : Double($1.work) / ($0 < 20 ? demand : all - 20 * demand)
    }
    let sum = shares.reduce(0, +)
    let jain = sum * sum / (Double(shares.count) * shares.reduce(0) { $0 + $1 * $1 })
    return (p99, used, jain)
  }

  @Test("A hundred times the requests: the others hardly notice")
  func manyRequests() {
    let result = measure(VirtualShard.Customer(work: Self.work, rate: Self.good.rate * 100))
    #expect(result.p99 <= 1.25 && result.used >= 0.95 && result.jain >= 0.97, "\(result)")
  }

  @Test("256 clients of requests of two seconds")
  func slowRequests() {
    let result = measure(VirtualShard.Customer(work: 2 * .second...2_100 * .millisecond, clients: 256))
    #expect(result.p99 <= 1.5 && result.used >= 0.8 && result.jain >= 0.97, "\(result)")
  }

  @Test("4,000 clients")
  func manyClients() {
    let result = measure(VirtualShard.Customer(work: Self.work, clients: 4_000))
    #expect(result.p99 <= 1.25 && result.used >= 0.95 && result.jain >= 0.97, "\(result)")
  }

  @Test("A flood of requests that fail at once does not make the others' look long")
  func poison() {
    let result = measure(VirtualShard.Customer(work: .millisecond...2 * .millisecond, clients: 256))
    #expect(result.p99 <= 1.25, "\(result)")
  }

  @Test("Controlled delay refuses the greedy, never the others")
  func controlledDelay() {
    let rules = QueueRules(bound: 1_000, wait: 10 * .second, target: 5 * .millisecond)
    let result = measure(VirtualShard.Customer(work: Self.work, clients: 256), rules)
    #expect(result.p99 <= 1.25 && result.used >= 0.95, "\(result)")
  }

  @Test("Requests that have waited long do not come before another tenant's turn")
  func oldRequests() {
    let rules = QueueRules(bound: 1_000, wait: 4 * .second, target: 5 * .millisecond)
    let result = measure(VirtualShard.Customer(work: Self.work, rate: Self.good.rate * 100), rules)
    #expect(result.p99 <= 1.25 && result.used >= 0.95 && result.jain >= 0.97, "\(result)")
  }

  @Test("Three greedy tenants share by weight, whatever their requests cost")
  func weights() {
    for works in [[50, 50, 50], [20, 80, 50], [150, 20, 60]] as [[Int64]] {
      let customers = zip([1, 2, 4] as [Int32], works).map { weight, work in
        VirtualShard.Customer(
          terms: SchedulingTerms(weight: weight), work: work * 4 / 5 * .millisecond...work * 6 / 5 * .millisecond,
          clients: 64)
      }
      let shard = VirtualShard(slots: 32, longShare: 100, Self.rules, customers)
      shard.run(seconds: 22, warmUp: 2)
      let total = Double(shard.outcomes.reduce(0) { $0 + $1.work })
      #expect(total >= 0.95 * 32 * 20e9)
      for (outcome, weight) in zip(shard.outcomes, [1.0, 2, 4]) {
        let share = Double(outcome.work) / total * 7 / weight
        #expect(abs(share - 1) <= 0.05, "weight \(weight) got \(share) of its share; work \(works)")
      }
    }
  }

  @Test("What is owed to a tenant is its own under a flood, and lent while it does not want it")
  func leastShare() {
    var owed = VirtualShard.Customer(terms: SchedulingTerms(weight: 1, least: 25), work: Self.work, clients: 16)
    owed.begins = 10 * .second
    let flood = VirtualShard.Customer(terms: SchedulingTerms(weight: 100), work: Self.work, clients: 500)
    let shard = VirtualShard(slots: 32, Self.rules, [owed, flood])
    shard.run(seconds: 10)
    #expect(Double(shard.outcomes[1].work) >= 0.95 * 32 * 10e9)
    shard.run(seconds: 20, warmUp: 11)
    #expect(Double(shard.outcomes[0].work) >= 0.24 * 32 * 9e9)
  }

  @Test("What a tenant may hold at most bites only while others wait")
  func mostShare() {
    var other = VirtualShard.Customer(work: Self.work, clients: 100)
    other.begins = 10 * .second
    let capped = VirtualShard.Customer(terms: SchedulingTerms(weight: 100, most: 40), work: Self.work, clients: 100)
    let shard = VirtualShard(slots: 32, Self.rules, [capped, other])
    shard.run(seconds: 10)
    #expect(Double(shard.outcomes[0].work) >= 0.95 * 32 * 10e9)
    let alone = shard.outcomes[0].work
    shard.run(seconds: 20, warmUp: 10)
    let share = Double(shard.outcomes[0].work - alone) / (32 * 10e9)
    #expect((0.35...0.42).contains(share), "\(share)")
  }

  @Test("Critical tenants first, sheddable ones last, and none of them never")
  func criticality() {
    func customer(_ criticality: Criticality) -> VirtualShard.Customer {
      VirtualShard.Customer(terms: SchedulingTerms(weight: 1, criticality: criticality), work: Self.work, clients: 60)
    }
    let shard = VirtualShard(slots: 32, QueueRules(bound: 1_000, wait: 2 * .second), Criticality.allCases.map(customer))
    shard.run(seconds: 12, warmUp: 2)
    let served = shard.outcomes.map(\.served)
    #expect(served[0] > 4 * served[1] && served[1] * 102 / 100 >= served[2] && served[2] > 0, "\(served)")
    #expect(shard.outcomes[0].refused == 0)
  }

  @Test("A reserve is free for critical requests at once, and for them only", arguments: [0, 20] as [Int32])
  func reserve(_ percent: Int32) {
    let critical = VirtualShard.Customer(
      terms: SchedulingTerms(weight: 1, criticality: .critical), work: Self.work, rate: 10)
    let flood = VirtualShard.Customer(work: 2 * .second...2 * .second, clients: 500)
    let shard = VirtualShard(slots: 20, longShare: 100, reserve: percent, Self.rules, [critical, flood])
    shard.run(seconds: 20, warmUp: 4)
    let longest = shard.outcomes[0].waits.max() ?? .max
    let used = Double(shard.outcomes[1].work) / (20 * 16e9)
    if percent == 0 {
      #expect(longest > 100 * .millisecond && used > 0.82, "\(longest) \(used)")
    } else {
      #expect(longest == 0 && (0.65...0.81).contains(used), "\(longest) \(used)")
    }
  }

  @Test("A full queue refuses the sheddable first, then who has most in it")
  func fullQueue() {
    let hog = VirtualShard.Customer(work: Self.work, clients: 2_000)
    let sheddable = VirtualShard.Customer(
      terms: SchedulingTerms(weight: 1, criticality: .sheddable), work: Self.work, rate: 5)
    let shard = VirtualShard(
      slots: 8, QueueRules(bound: 100, wait: 10 * .second),
      [VirtualShard.Customer(work: Self.work, rate: 40), hog, sheddable])
    shard.run(seconds: 10)
    #expect(shard.outcomes[0].refused == 0)
    #expect(shard.outcomes[1].refused > 0)
    #expect(shard.outcomes[2].refused > 0)
    #expect(shard.waiting <= 100)
  }

  @Test("Who was held back is looked at again with each slot that it gives back itself")
  func heldBack() {
    struct Keeper: SlotKeeper {
      var isHeldBack: Bool
      var limit: Int32 { 2 }
      func standing(of tenant: TenantIndex, weight: Int32) -> Standing {
        Standing(held: 1, cost: 1, isHeldBack: isHeldBack)
      }
      func hasRoom(_ backend: Int32) -> Bool { true }
    }
    let now = Instant(nanoseconds: .second)
    var queue = FairQueue(Self.rules)
    let waiter = Waiter(
      owner: 1, worker: 0, tenant: 3, backend: -1, arrived: now, deadline: now.advanced(by: 60 * .second))
    _ = queue.enter(waiter, SchedulingTerms())
    for _ in 1...2 {
      guard case .nobody = queue.next(at: now, Keeper(isHeldBack: true)) else { return #expect(Bool(false)) }
      queue.reconsider(longSlot: false, tenant: -1, backend: -1, at: now)
    }
    queue.reconsider(longSlot: false, tenant: 4, backend: -1, at: now)
    guard case .nobody = queue.next(at: now, Keeper(isHeldBack: false)) else { return #expect(Bool(false)) }
    queue.reconsider(longSlot: false, tenant: 3, backend: -1, at: now)
    guard case .served(let served, _) = queue.next(at: now, Keeper(isHeldBack: false)) else {
      return #expect(Bool(false))
    }
    #expect(served.owner == 1)
  }

  @Test("100,000 tenants that send now and then: all are served in time, with bounded memory")
  func manyTenants() {
    // 0.9 of what the shard can do.
    let tenant = VirtualShard.Customer(work: 4 * .millisecond...6 * .millisecond, rate: 0.0576)
    let shard = VirtualShard(
      slots: 32, QueueRules(bound: 1_000, wait: .second), Array(repeating: tenant, count: 100_000))
    shard.run(seconds: 6)
    #expect(shard.outcomes.reduce(0) { $0 + $1.refused } == 0)
    #expect(shard.outcomes.flatMap(\.waits).max()! < .second)
    #expect(shard.outcomes.reduce(0) { $0 + $1.served } > 30_000)
  }
}
