import Primitives
import Synchronization

@testable import Tenancy

/// A shard in virtual time: slots, tenants that ask for them in the open or in turn, and what they got.
final class VirtualShard {
  /// A tenant that sends requests.
  struct Customer {
    var terms = SchedulingTerms()
    /// Nanoseconds of work a request, from and to.
    var work: ClosedRange<Int64>
    /// Requests a second at random moments; 0 when it asks in turn.
    var rate = 0.0
    /// Clients that ask again as soon as they are answered.
    var clients = 0
    /// The first moment it asks, in nanoseconds.
    var begins: Int64 = 0
  }

  /// What a tenant got.
  struct Outcome {
    var waits: [Int64] = []
    var times: [Int64] = []
    var served = 0
    var refused = 0
    /// Slot-nanoseconds.
    var work: Int64 = 0
  }

  private enum Happening {
    case asks(Int, isClient: Bool)
    case ends(tenant: Int, started: Int64, arrived: Int64, isLong: Bool, isClient: Bool)
  }

  private struct Keeper: SlotKeeper, @unchecked Sendable {
    let shard: VirtualShard
    var limit: Int32 { shard.slots.limit.load(ordering: .relaxed) }
    func standing(of tenant: TenantIndex, weight: Int32) -> Standing {
      let standing = shard.standings[tenant]
      let cost = standing.pointee.cost
      return Standing(
        held: standing.pointee.held.load(ordering: .relaxed),
        cost: max(1, cost > 0 ? cost : shard.slots.usual.nanoseconds),
        isHeldBack: shard.slots.kind(standing.pointee, weight: weight) == .heldBack)
    }
    func hasRoom(_ backend: Int32) -> Bool { true }
  }

  let slots = SlotLedger()
  let standings = TenantStandings()
  private var queue: FairQueue
  private let customers: [Customer]
  private(set) var outcomes: [Outcome]
  private var random: SeededRandom
  private var agenda: [(time: Int64, number: Int, happening: Happening)] = []
  private var number = 0
  private var now: Int64 = 0
  private var pending: [UInt64: (tenant: Int, arrived: Int64, isClient: Bool)] = [:]
  private var measuredFrom: Int64 = 0
  var waiting: Int { queue.count }

  init(
    slots count: Int32, longShare: Int32 = 37, reserve: Int32 = 0, _ rules: QueueRules, _ customers: [Customer],
    seed: UInt64 = 7
  ) {
    slots.bound(count, longShare: longShare, reserve: reserve)
    standings.ensure(capacity: customers.count)
    queue = FairQueue(rules)
    self.customers = customers
    outcomes = Array(repeating: Outcome(), count: customers.count)
    random = SeededRandom(seed: seed)
    for (tenant, customer) in customers.enumerated() {
      if customer.rate > 0 { plan(customer.begins + pause(customer.rate), .asks(tenant, isClient: false)) }
      for client in 0..<customer.clients {
        plan(customer.begins + Int64(client) * .microsecond, .asks(tenant, isClient: true))
      }
    }
  }

  /// Runs for `seconds`; outcomes count what came after `warmUp` seconds.
  func run(seconds: Double, warmUp: Double = 0) {
    let end = Int64(seconds * 1e9)
    measuredFrom = Int64(warmUp * 1e9)
    while let next = popFirst(), next.time < end {
      now = next.time
      switch next.happening {
      case .asks(let tenant, let isClient): ask(tenant, isClient)
      case .ends(let tenant, let started, let arrived, let isLong, let isClient):
        finish(tenant, started, arrived, isLong, isClient)
      }
    }
  }

  private func ask(_ tenant: Int, _ isClient: Bool) {
    let customer = customers[tenant]
    if !isClient { plan(now + pause(customer.rate), .asks(tenant, isClient: false)) }
    let moment = Instant(nanoseconds: now)
    standings[Int32(tenant)].pointee.speak(customer.terms.weight, to: slots.active, at: moment)
    number += 1
    let owner = UInt64(number)
    pending[owner] = (tenant, now, isClient)
    let waiter = Waiter(
      owner: owner, worker: 0, tenant: Int32(tenant), backend: -1, arrived: moment,
      deadline: moment.advanced(by: queue.rules.wait))
    let (ticket, shed) = queue.enter(waiter, customer.terms)
    if let shed { refuse(shed.owner) }
    if ticket == .none { refuse(owner) }
    dispatch(longSlot: false, of: -1)
  }

  private func finish(_ tenant: Int, _ started: Int64, _ arrived: Int64, _ isLong: Bool, _ isClient: Bool) {
    let standing = standings[Int32(tenant)]
    if let usual = standing.pointee.learn(now - started, at: Instant(nanoseconds: now)) { slots.usual.hear(usual) }
    slots.release(standing.pointee, isLong: isLong)
    if arrived >= measuredFrom { outcomes[tenant].times.append(now - arrived) }
    outcomes[tenant].work += now - max(started, min(now, measuredFrom))
    if isClient { plan(now + 100 * .microsecond, .asks(tenant, isClient: true)) }
    dispatch(longSlot: isLong, of: Int32(tenant))
  }

  private func dispatch(longSlot: Bool, of tenant: TenantIndex) {
    let moment = Instant(nanoseconds: now)
    queue.reconsider(longSlot: longSlot, tenant: tenant, backend: -1, at: moment)
    while queue.count > 0 {
      let isReserved = !slots.take(.default)
      guard !isReserved || slots.take(.critical) else { return }
      switch queue.next(at: moment, Keeper(shard: self), isReserved: isReserved) {
      case .served(let waiter, let terms): start(waiter, terms)
      case .shed(let waiter, _):
        slots.giveBack()
        refuse(waiter.owner)
      case .nobody:
        slots.giveBack()
        return
      }
    }
  }

  private func start(_ waiter: Waiter, _ terms: SchedulingTerms) {
    let (tenant, arrived, isClient) = pending.removeValue(forKey: waiter.owner)!
    let isLong = slots.hold(standings[waiter.tenant].pointee, weight: terms.weight)
    let work = customers[tenant].work
    let time = work.lowerBound + Int64(random.next() % UInt64(work.upperBound - work.lowerBound + 1))
    if arrived >= measuredFrom {
      outcomes[tenant].served += 1
      outcomes[tenant].waits.append(now - arrived)
    }
    plan(now + time, .ends(tenant: tenant, started: now, arrived: arrived, isLong: isLong, isClient: isClient))
  }

  private func refuse(_ owner: UInt64) {
    let (tenant, arrived, isClient) = pending.removeValue(forKey: owner)!
    if arrived >= measuredFrom { outcomes[tenant].refused += 1 }
    if isClient { plan(now + 100 * .millisecond, .asks(tenant, isClient: true)) }
  }

  private func pause(_ rate: Double) -> Int64 {
    let unit = (Double(random.next() >> 11) + 1) / 9_007_199_254_740_992
    return Int64(-Self.log(unit) / rate * 1e9)
  }

  /// The natural logarithm of a number in (0, 1]: the standard library has none.
  private static func log(_ value: Double) -> Double {
    let exponent = Double(value.exponent)
    let mantissa = value.significand
    let ratio = (mantissa - 1) / (mantissa + 1)
    var (term, sum) = (ratio, 0.0)
    for power in stride(from: 1.0, to: 40, by: 2) {
      sum += term / power
      term *= ratio * ratio
    }
    return 2 * sum + exponent * 0.693_147_180_559_945_3
  }

  // MARK: What happens, in order: a heap

  private func plan(_ time: Int64, _ happening: Happening) {
    number += 1
    agenda.append((time, number, happening))
    var child = agenda.count - 1
    while child > 0, isEarlier(child, (child - 1) / 2) {
      agenda.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private func popFirst() -> (time: Int64, number: Int, happening: Happening)? {
    guard let first = agenda.first else { return nil }
    agenda.swapAt(0, agenda.count - 1)
    agenda.removeLast()
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < agenda.count else { return first }
      if child + 1 < agenda.count, isEarlier(child + 1, child) { child += 1 }
      guard isEarlier(child, place) else { return first }
      agenda.swapAt(child, place)
      place = child
    }
  }

  private func isEarlier(_ left: Int, _ right: Int) -> Bool {
    (agenda[left].time, agenda[left].number) < (agenda[right].time, agenda[right].number)
  }
}

extension [Int64] {
  /// The value that `share` of them lie below.
  func quantile(_ share: Double) -> Int64 { isEmpty ? 0 : sorted()[Swift.min(count - 1, Int(Double(count) * share))] }
}
