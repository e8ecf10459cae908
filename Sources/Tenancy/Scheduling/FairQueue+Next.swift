public import Primitives

extension FairQueue {
  /// Nanoseconds after which lines that were set aside are looked at again whatever has happened.
  private static var looksAgain: Int64 { 50 * .millisecond }

  /// Looks again at lines that were set aside: some slot has become free, of a request that was long, of `tenant`, or of
  /// backend number `backend`; -1 where it is nobody's, or none's.
  public mutating func reconsider(longSlot: Bool, tenant: TenantIndex, backend: Int32, at now: Instant) {
    guard !aside.isEmpty else { return }
    let isDue = now - looked >= FairQueue.looksAgain
    if isDue { noteLook(at: now) }
    var kept = 0
    for index in 0..<aside.count {
      let line = aside[index]
      let returns =
        switch lines[Int(line)].reason {
        // Who is held back holds a slot, and with each that it gives back may have another.
        case .heldBack: longSlot || lines[Int(line)].tenant == tenant || isDue
        case .backend: backend == lines[Int(line)].backend || isDue
        case .overMost, .none: true
        }
      if returns {
        heapInsert(line)
      } else {
        aside[kept] = line
        kept += 1
      }
    }
    aside.removeSubrange(kept..<aside.count)
  }

  /// Takes the next request out of the queue, now that a slot is free: who is to have it, or who is to be refused first.
  ///
  /// - Parameter isReserved: whether only a critical request may have the slot.
  public mutating func next(at now: Instant, _ keeper: some SlotKeeper, isReserved: Bool = false) -> NextInQueue {
    if isReserved { return nextCritical(at: now, keeper) }
    if oldest >= 0, places[Int(oldest)].waiter.deadline <= now { return .shed(remove(oldest, at: now), .late) }
    for line in owed where isOwed(line, keeper) {
      if let next = serve(line, at: now, keeper, mayHoldBack: false) { return next }
    }
    if let next = serveAged(at: now, keeper) { return next }
    while let line = heap.first {
      if let next = serve(line, at: now, keeper, mayHoldBack: true) { return next }
    }
    return serveOverMost(at: now, keeper) ?? .nobody
  }

  private mutating func nextCritical(at now: Instant, _ keeper: some SlotKeeper) -> NextInQueue {
    // They come before all others.
    while let line = heap.first, lines[Int(line)].terms.criticality == .critical {
      if let next = serve(line, at: now, keeper, mayHoldBack: true) { return next }
    }
    return .nobody
  }

  private func isOwed(_ line: Int32, _ keeper: some SlotKeeper) -> Bool {
    let terms = lines[Int(line)].terms
    let held = Int64(keeper.standing(of: lines[Int(line)].tenant, weight: terms.weight).held)
    return held * 100 < Int64(terms.least) * Int64(keeper.limit)
  }

  /// Serves the line of the request that has waited longest, if it is of a lower class than others and has waited for half
  /// of what it may: no class waits for ever behind a higher one. Once in a few times only, or a flood of a low class would
  /// come before all others.
  private mutating func serveAged(at now: Instant, _ keeper: some SlotKeeper) -> NextInQueue? {
    guard servedInOrder >= FairQueue.agedOneIn, let first = heap.first, oldest >= 0 else { return nil }
    guard now - places[Int(oldest)].waiter.arrived > rules.wait / 2 else { return nil }
    let line = places[Int(oldest)].line
    let rank = lines[Int(line)].terms.criticality
    let others = lines[Int(first)].terms.criticality
    guard lines[Int(line)].heapPlace > 0, rank.rawValue > others.rawValue else { return nil }
    servedInOrder = 0
    return serve(line, at: now, keeper, mayHoldBack: true)
  }

  /// Nobody waits but tenants that hold as much as they may while others wait: the earliest of them.
  private mutating func serveOverMost(at now: Instant, _ keeper: some SlotKeeper) -> NextInQueue? {
    var best: Int32 = -1
    for line in aside where lines[Int(line)].reason == .overMost {
      if best < 0 || lines[Int(line)].start < lines[Int(best)].start { best = line }
    }
    return best < 0 ? nil : serve(best, at: now, keeper, mayHoldBack: false)
  }

  /// Takes a request of a line out; `nil` when none may be served, and the line is aside then.
  private mutating func serve(
    _ line: Int32, at now: Instant, _ keeper: some SlotKeeper, mayHoldBack: Bool
  ) -> NextInQueue? {
    let standing = keeper.standing(of: lines[Int(line)].tenant, weight: lines[Int(line)].terms.weight)
    if standing.isFull { return setAside(line, .heldBack) }
    if mayHoldBack {
      if standing.isHeldBack { return setAside(line, .heldBack) }
      let most = Int64(lines[Int(line)].terms.most)
      if most < 100, Int64(standing.held) * 100 >= most * Int64(keeper.limit) { return setAside(line, .overMost) }
    }
    let first = lines[Int(line)].first
    let sojourn = now - places[Int(first)].waiter.arrived
    let isLast = lines[Int(line)].count == 1
    let stands = lines[Int(line)].delay.note(sojourn, target: rules.target, isLast: isLast, at: now)
    if stands, lines[Int(line)].delay.takeDrop(at: now) { return .shed(remove(first, at: now), .standing) }
    let place = servable(line, newestFirst: stands, keeper)
    guard place >= 0 else {
      lines[Int(line)].backend = places[Int(stands ? lines[Int(line)].last : first)].waiter.backend
      return setAside(line, .backend)
    }
    let terms = lines[Int(line)].terms
    let start = lines[Int(line)].start
    virtual = max(virtual, start)
    servedInOrder += 1
    lines[Int(line)].start = start &+ max(1, standing.cost &* FairQueue.scale / Int64(terms.weight))
    if lines[Int(line)].heapPlace >= 0 { heapMovedOn(line) }
    return .served(remove(place, at: now), terms)
  }

  /// The first of a line's requests that is bound to no backend or to one with a slot free; -1 when there is none.
  private func servable(
    _ line: Int32, newestFirst: Bool, _ keeper: some SlotKeeper
  ) -> Int32 {
    var place = newestFirst ? lines[Int(line)].last : lines[Int(line)].first
    for _ in 0..<FairQueue.looksAhead where place >= 0 {
      let backend = places[Int(place)].waiter.backend
      if backend < 0 || keeper.hasRoom(backend) { return place }
      place = newestFirst ? places[Int(place)].previous : places[Int(place)].next
    }
    return -1
  }

  private mutating func setAside(_ line: Int32, _ reason: AsideReason) -> NextInQueue? {
    if lines[Int(line)].heapPlace >= 0 {
      heapRemove(line)
      aside.append(line)
    }
    lines[Int(line)].reason = reason
    return nil
  }
}
