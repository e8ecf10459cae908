import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Takes a slot of its shard for an exchange, where the shard has slots; false when there is none, and the exchange waits.
  @inline(__always)
  mutating func enterShard(_ id: Int32) -> Bool {
    guard let shard = shardEntry(exchanges[id].pointee.shard), let gate = shard.pointee.gate else { return true }
    return enter(gate, shard, id)
  }

  @inline(never)
  private mutating func enter(
    _ gate: UnsafeMutablePointer<ShardGate>, _ shard: UnsafeMutablePointer<ShardEntry>, _ id: Int32
  ) -> Bool {
    let exchange = exchanges[id]
    let tenant = exchange.pointee.tenant
    // A tenant may go while its request is held back by a delay.
    let terms = view.directory._withUnsafeGuaranteedRef {
      $0.isLive(tenant) ? $0.limits(of: tenant).pointee.scheduling : SchedulingTerms()
    }
    let standing = process.roster.standings[tenant]
    standing.pointee.speak(terms.weight, to: gate.pointee.slots.active, at: network.now)
    if !gate.pointee.isQueueing.load(ordering: .relaxed), takeSlot(gate, shard, exchange, terms) { return true }
    park(gate, shard, id, terms)
    return false
  }

  /// What counts the slots of a shard; of one that the image has no more, none of its backends is known.
  private mutating func slots(
    _ gate: UnsafeMutablePointer<ShardGate>, _ shard: UnsafeMutablePointer<ShardEntry>?
  ) -> SlotCounter {
    SlotCounter(
      gate: gate, statuses: process.roster.statuses, backends: view.backends + Int(shard?.pointee.firstBackend ?? 0),
      backendCount: Int(shard?.pointee.backendCount ?? 0), standings: process.roster.standings)
  }

  /// Takes a slot without waiting.
  private mutating func takeSlot(
    _ gate: UnsafeMutablePointer<ShardGate>, _ shard: UnsafeMutablePointer<ShardEntry>,
    _ exchange: UnsafeMutablePointer<Exchange>, _ terms: SchedulingTerms
  ) -> Bool {
    let counter = slots(gate, shard)
    let standing = process.roster.standings[exchange.pointee.tenant]
    guard !gate.pointee.slots.isFull(standing.pointee),
      gate.pointee.slots.kind(standing.pointee, weight: terms.weight) != .heldBack,
      gate.pointee.slots.take(terms.criticality)
    else {
      return false
    }
    var backend = exchange.pointee.backend
    if backend < 0 { backend = trialBackend(shard, exchange) }
    if backend >= 0 {
      guard counter.take(backend) else {
        gate.pointee.slots.giveBack()
        return false
      }
    } else {
      backend = counter.takeFreest(from: Int(truncatingIfNeeded: random.next() & 0xFFFF))
      guard backend != -1 else {
        gate.pointee.slots.giveBack()
        return false
      }
    }
    let isLong = gate.pointee.slots.hold(standing.pointee, weight: terms.weight)
    useSlot(exchange, backend: backend, isLong: isLong)
    return true
  }

  /// From now on the exchange holds the slot.
  private mutating func useSlot(_ exchange: UnsafeMutablePointer<Exchange>, backend: Int32, isLong: Bool) {
    exchange.pointee.backend = max(backend, -1)
    exchange.pointee.slotBackend = max(backend, -1)
    exchange.pointee.slotTaken = network.now
    exchange.pointee.flags.insert(.holdsSlot)
    if isLong { exchange.pointee.flags.insert(.holdsLongSlot) }
  }

  /// Has an exchange wait for a slot.
  private mutating func park(
    _ gate: UnsafeMutablePointer<ShardGate>, _ shard: UnsafeMutablePointer<ShardEntry>, _ id: Int32,
    _ terms: SchedulingTerms
  ) {
    let exchange = exchanges[id]
    let deadline = network.now.advanced(by: gate.pointee.wait.load(ordering: .relaxed))
    let waiter = Waiter(
      owner: exchanges.handle(id), worker: Int32(number), tenant: exchange.pointee.tenant,
      backend: exchange.pointee.backend, arrived: network.now, deadline: deadline)
    let (ticket, shed) = gate.pointee.queue.withLock { queue in
      let entered = queue.enter(waiter, terms)
      gate.pointee.waiting.store(Int32(queue.count), ordering: .sequentiallyConsistent)
      return entered
    }
    if let shed {
      gate.pointee.count(.full)
      deliver(Delivery(shed, shard: shard.pointee.number, backend: -1))
    }
    guard ticket != .none else {
      gate.pointee.count(.full)
      return answerFailure(id, .overloaded)
    }
    exchange.pointee.phase = .queued
    exchange.pointee.ticket = ticket
    exchange.pointee.parkedAt = network.now
    exchange.pointee.parkedUntil = deadline
    let first = Int(shard.pointee.firstBackend)
    let place = first + Int(truncatingIfNeeded: random.next() & 0xFFFF) % max(1, Int(shard.pointee.backendCount))
    exchange.pointee.parkedBackend =
      exchange.pointee.backend >= 0 ? exchange.pointee.backend : view.backends[place].number
    setDeadline(exchange.pointee.client, deadline)
    // A slot may have become free between the look and the lock.
    dispatch(slots(gate, shard), shard.pointee.number, longSlot: false, tenant: -1, backend: -1)
  }

  /// Hands the free slots of a shard to those that wait.
  private mutating func dispatch(
    _ counter: SlotCounter, _ number: Int32, longSlot: Bool, tenant: TenantIndex, backend: Int32
  ) {
    let start = Int(truncatingIfNeeded: random.next() & 0xFFFF)
    counter.dispatch(
      shard: number, longSlot: longSlot, tenant: tenant, backend: backend, at: network.now, from: start, &deliveries)
    while let delivery = deliveries.popLast() { deliver(delivery) }
  }

  /// Tells the worker whose request waited.
  private mutating func deliver(_ delivery: Delivery) {
    if delivery.worker == Int32(number) { return granted.append(delivery.grant) }
    process.mailboxes[Int(delivery.worker)]?.deliver(delivery.grant)
  }

  /// Gives back what an exchange holds of its shard, or its place in the queue.
  @inline(__always)
  mutating func leaveShard(_ id: Int32) {
    let exchange = exchanges[id]
    if exchange.pointee.phase == .queued { return leaveQueue(exchange) }
    if exchange.pointee.flags.contains(.holdsSlot) { giveSlotBack(exchange, learns: true) }
  }

  private mutating func leaveQueue(_ exchange: UnsafeMutablePointer<Exchange>) {
    exchange.pointee.phase = .admitting
    guard let gate = process.roster.gates[Int(exchange.pointee.shard)] else { return }
    let ticket = exchange.pointee.ticket
    exchange.pointee.ticket = .none
    let now = network.now
    gate.pointee.queue.withLock { queue in
      // If it has left already its grant is on the way, and comes back unused.
      _ = queue.leave(ticket, at: now)
      gate.pointee.waiting.store(Int32(queue.count), ordering: .sequentiallyConsistent)
    }
  }

  /// Gives the slot of an exchange to whoever is next.
  ///
  /// - Parameter learns: whether the time for which it was held says what requests of its tenant cost.
  @inline(never)
  mutating func giveSlotBack(_ exchange: UnsafeMutablePointer<Exchange>, learns: Bool) {
    let tenant = exchange.pointee.tenant
    let isLong = exchange.pointee.flags.contains(.holdsLongSlot)
    exchange.pointee.flags.subtract([.holdsSlot, .holdsLongSlot])
    guard let gate = process.roster.gates[Int(exchange.pointee.shard)] else { return }
    if learns, exchange.pointee.attempts > 0 {
      let time = network.now - exchange.pointee.slotTaken
      let standing = process.roster.standings[tenant]
      if let usual = standing.pointee.learn(time, at: network.now) { gate.pointee.slots.usual.hear(usual) }
      adapt(gate, exchange)
    }
    giveBack(gate, exchange.pointee.shard, tenant, exchange.pointee.slotBackend, isLong: isLong)
  }

  /// Lets the limit of the backend follow how long its answers take, where it is adaptive.
  private mutating func adapt(_ gate: UnsafeMutablePointer<ShardGate>, _ exchange: UnsafeMutablePointer<Exchange>) {
    let backend = Int(exchange.pointee.slotBackend)
    guard backend >= 0, let adaptive = process.roster.adaptive[backend],
      adaptive.pointee.isOn.load(ordering: .relaxed), exchange.pointee.firstByte > exchange.pointee.attemptStarted
    else { return }
    let status = process.roster.statuses + backend
    let time = exchange.pointee.firstByte - exchange.pointee.attemptStarted
    let held = status.pointee.held.load(ordering: .relaxed)
    let chance = Double(random.next() >> 11) / 9_007_199_254_740_992
    guard let limit = adaptive.pointee.note(time, held: held, at: network.now, chance: chance) else { return }
    let known = status.pointee.slots.exchange(limit, ordering: .relaxed)
    gate.pointee.slots.limit.add(limit - known, ordering: .relaxed)
  }

  private mutating func giveBack(
    _ gate: UnsafeMutablePointer<ShardGate>, _ number: Int32, _ tenant: TenantIndex, _ backend: Int32, isLong: Bool
  ) {
    let counter = slots(gate, shardEntry(number))
    guard counter.release(tenant, backend: backend, isLong: isLong) else { return }
    dispatch(counter, number, longSlot: isLong, tenant: tenant, backend: backend)
  }

  /// Moves the slot of an exchange that is tried again to the backend that has the largest part of its slots free.
  mutating func moveSlot(_ exchange: UnsafeMutablePointer<Exchange>, to backend: Int32) {
    let statuses = process.roster.statuses
    let known = exchange.pointee.slotBackend
    guard backend != known else { return }
    if known >= 0 { statuses[Int(known)].held.subtract(1, ordering: .relaxed) }
    if backend >= 0 { statuses[Int(backend)].held.add(1, ordering: .relaxed) }
    exchange.pointee.slotBackend = backend
  }

  // MARK: What becomes of those that waited

  /// Goes on with exchanges that waited and were given a slot, or refused.
  mutating func runGrants() {
    if mailbox.hasGrants { mailbox.takeGrants(into: &granted) }
    guard !granted.isEmpty else { return }
    var index = 0
    // Each of them may give a slot back at once, and so add one.
    while index < granted.count {
      use(granted[index])
      index += 1
    }
    granted.removeAll(keepingCapacity: true)
  }

  private mutating func use(_ grant: Grant) {
    let id = exchanges.slot(of: grant.exchange)
    guard id >= 0, exchanges[id].pointee.phase == .queued, exchanges[id].pointee.ticket == grant.ticket else {
      guard grant.isServed, let gate = process.roster.gates[Int(grant.shard)] else { return }
      return giveBack(gate, grant.shard, grant.tenant, grant.backend, isLong: grant.isLong)
    }
    let exchange = exchanges[id]
    exchange.pointee.phase = .admitting
    exchange.pointee.ticket = .none
    exchange.pointee.queued = network.now - exchange.pointee.parkedAt
    guard grant.isServed else { return answerFailure(id, .overloaded) }
    useSlot(exchange, backend: grant.backend, isLong: grant.isLong)
    if shardEntry(exchange.pointee.shard) == nil { exchange.pointee.backend = exchange.pointee.parkedBackend }
    let client = exchange.pointee.client
    let isWhole = exchange.pointee.flags.contains(.isRequestComplete)
    setDeadline(client, isWhole ? .distantFuture : network.now.advanced(by: view.timeouts.bodyIdle))
    if grant.backend >= 0 {
      HistogramPlace.add(exchange.pointee.queued, to: counters.row(ofBackend: grant.backend) + BackendPlace.queued)
    }
    openUpstream(id)
    guard id == connections[client].pointee.exchange, !isWhole, exchange.pointee.upstream >= 0 else { return }
    if connections[exchange.pointee.upstream].pointee.phase != .connecting { continueUpload(client) }
  }

  /// A client is due whose request waits: has it waited for as long as it may?
  mutating func waiterIsDue(_ slot: Int32, _ id: Int32) {
    let exchange = exchanges[id]
    guard exchange.pointee.parkedUntil <= network.now else { return setDeadline(slot, exchange.pointee.parkedUntil) }
    exchange.pointee.queued = network.now - exchange.pointee.parkedAt
    if let gate = process.roster.gates[Int(exchange.pointee.shard)] { gate.pointee.count(.late) }
    leaveQueue(exchange)
    failRequest(id, .overloaded)
  }

  /// Hands slots out by the rules of a new image: there may be more of them now, or no bound at all.
  mutating func redistributeSlots() {
    for index in 0..<view.shardCount {
      let shard = view.shards + index
      guard shard.pointee.number >= 0, let gate = process.roster.gates[Int(shard.pointee.number)] else { continue }
      if gate.pointee.waiting.load(ordering: .relaxed) > 0 {
        dispatch(slots(gate, shard), shard.pointee.number, longSlot: true, tenant: -1, backend: -1)
      }
    }
  }
}
