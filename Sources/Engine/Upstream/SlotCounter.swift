import Primitives
import Synchronization
import Tenancy

/// The slots of a shard's backends, and how tenants stand with it: what the shard's queue asks.
struct SlotCounter: SlotKeeper, @unchecked Sendable {
  // Unchecked: it points to what any thread may use, and to an image that lives as long as the call.
  let gate: UnsafeMutablePointer<ShardGate>
  let statuses: UnsafeMutablePointer<BackendStatus>
  let backends: UnsafeMutablePointer<BackendEntry>
  let backendCount: Int
  unowned(unsafe) let standings: TenantStandings

  var limit: Int32 { gate.pointee.slots.limit.load(ordering: .relaxed) }

  func standing(of tenant: TenantIndex, weight: Int32) -> Standing {
    let standing = standings[tenant]
    let cost = standing.pointee.cost
    return Standing(
      held: standing.pointee.held.load(ordering: .relaxed),
      cost: max(1, cost > 0 ? cost : gate.pointee.slots.usual.nanoseconds),
      isHeldBack: gate.pointee.slots.kind(standing.pointee, weight: weight) == .heldBack,
      isFull: gate.pointee.slots.isFull(standing.pointee))
  }

  /// One that is down has room: its request is to find out.
  func hasRoom(_ backend: Int32) -> Bool {
    let status = statuses + Int(backend)
    return !status.pointee.isUp.load(ordering: .relaxed)
      || status.pointee.held.load(ordering: .relaxed) < status.pointee.slots.load(ordering: .relaxed)
  }

  /// Takes a slot of backend number `backend`; false when it has none.
  func take(_ backend: Int32) -> Bool {
    let status = statuses + Int(backend)
    let slots = status.pointee.slots.load(ordering: .relaxed)
    var known = status.pointee.held.load(ordering: .relaxed)
    while known < slots {
      let (isExchanged, current) = status.pointee.held.weakCompareExchange(
        expected: known, desired: known + 1, ordering: .relaxed)
      if isExchanged { return true }
      known = current
    }
    return false
  }

  /// Takes a slot of the backend that has the largest part of its slots free; -1 when none has one, -2 when none is up.
  ///
  /// - Parameter start: where among the backends to begin: of equals the first is taken.
  func takeFreest(from start: Int) -> Int32 {
    while true {
      var best: Int32 = -1
      var bestLoad: Int64 = .max
      var isUp = false
      for step in 0..<backendCount {
        let place = (start + step) % backendCount
        let number = backends[place].number
        let status = statuses + Int(number)
        guard status.pointee.isUp.load(ordering: .relaxed) else { continue }
        isUp = true
        let held = Int64(status.pointee.held.load(ordering: .relaxed))
        let slots = Int64(status.pointee.slots.load(ordering: .relaxed))
        guard held < slots, held * 1_048_576 / slots < bestLoad else { continue }
        (best, bestLoad) = (number, held * 1_048_576 / slots)
      }
      guard best >= 0 else { return isUp ? -1 : -2 }
      if take(best) { return best }
    }
  }

  /// Gives a slot of a backend back.
  func giveBack(_ backend: Int32) { statuses[Int(backend)].held.subtract(1, ordering: .relaxed) }

  /// Hands free slots to those that wait, as long as there are both; what became of whom is added to `grants`.
  func dispatch(
    shard: Int32, longSlot: Bool, tenant: TenantIndex, backend: Int32, at now: Instant, from start: Int,
    _ grants: inout [Delivery]
  ) {
    gate.pointee.queue.withLock { queue in
      queue.reconsider(longSlot: longSlot, tenant: tenant, backend: backend, at: now)
      var isQueueing = false
      while queue.count > 0 {
        let isReserved = !gate.pointee.slots.take(.default)
        guard !isReserved || gate.pointee.slots.take(.critical) else {
          isQueueing = true
          break
        }
        let hasRoom = hasRoom
        isQueueing = !hasRoom || isReserved
        let next: NextInQueue = hasRoom ? queue.next(at: now, self, isReserved: isReserved) : .nobody
        switch next {
        case .served(let waiter, let terms):
          grants.append(serve(waiter, terms, shard, from: start))
          continue
        case .shed(let waiter, let reason):
          gate.pointee.count(reason)
          grants.append(Delivery(waiter, shard: shard, backend: -1))
        case .nobody: break
        }
        gate.pointee.slots.giveBack()
        if case .nobody = next { break }
      }
      gate.pointee.isQueueing.store(isQueueing, ordering: .relaxed)
      gate.pointee.waiting.store(Int32(queue.count), ordering: .sequentiallyConsistent)
    }
  }

  /// Gives one that waited the slot that was taken for it.
  private func serve(_ waiter: Waiter, _ terms: SchedulingTerms, _ shard: Int32, from start: Int) -> Delivery {
    var backend = waiter.backend
    if backend < 0 { backend = takeFreest(from: start) } else if !take(backend) { takeSurplus(backend) }
    if backend == -1 {
      // There was room a moment ago: one too many is better than to have it wait again.
      backend = backends[start % max(1, backendCount)].number
      takeSurplus(backend)
    }
    var delivery = Delivery(waiter, shard: shard, backend: backend)
    delivery.grant.isServed = true
    delivery.grant.isLong = gate.pointee.slots.hold(standings[waiter.tenant].pointee, weight: terms.weight)
    return delivery
  }

  private func takeSurplus(_ backend: Int32) { statuses[Int(backend)].held.add(1, ordering: .relaxed) }

  /// Whether a backend has a slot free; true when none is up, for that is to be found out.
  private var hasRoom: Bool {
    var isUp = false
    for place in 0..<backendCount where statuses[Int(backends[place].number)].isUp.load(ordering: .relaxed) {
      isUp = true
      if hasRoom(backends[place].number) { return true }
    }
    return !isUp
  }

  /// Gives back all that a slot was; returns whether somebody waits.
  func release(_ tenant: TenantIndex, backend: Int32, isLong: Bool) -> Bool {
    if backend >= 0 { giveBack(backend) }
    gate.pointee.slots.release(standings[tenant].pointee, isLong: isLong)
    return gate.pointee.waiting.load(ordering: .sequentiallyConsistent) > 0
  }
}
