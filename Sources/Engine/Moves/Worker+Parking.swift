import HTTP
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Has an exchange wait until its tenant has been moved; what is still to come of its body is not received meanwhile.
  mutating func park(_ id: Int32) {
    let exchange = exchanges[id]
    exchange.pointee.flags.remove(.isToBeHeld)
    let place = heldPlace(of: exchange.pointee.tenant)
    guard place >= 0 else { return goOn(id) }
    let hold = held[place].hold
    let bytes = BufferPool.capacity(exchange.pointee.kept.size)
    guard process.holds.enter(bytes) else { return refuseHold(id) }
    guard hold.enter(bytes) else {
      process.holds.leave(bytes)
      return refuseHold(id)
    }
    exchange.pointee.phase = .held
    exchange.pointee.flags.insert(.isMoving)
    exchange.pointee.parkedAt = network.now
    exchange.pointee.parkedUntil = hold.terms.deadline
    exchange.pointee.parkedBackend = Int32(bytes)
    held[place].append(exchanges.handle(id)) { handle in
      let slot = exchanges.slot(of: handle)
      return slot >= 0 && exchanges[slot].pointee.phase == .held
    }
    held[place].parked += 1
    setDeadline(exchange.pointee.client, hold.terms.deadline)
  }

  private mutating func refuseHold(_ id: Int32) {
    process.holds.overflowed.add(1, ordering: .relaxed)
    answerFailure(id, .moveHoldOverflow)
  }

  /// A client is due whose request is held: has it been held for as long as it may?
  mutating func heldIsDue(_ slot: Int32, _ id: Int32) {
    let exchange = exchanges[id]
    guard exchange.pointee.parkedUntil <= network.now else { return setDeadline(slot, exchange.pointee.parkedUntil) }
    exchange.pointee.queued = network.now - exchange.pointee.parkedAt
    process.holds.late.add(1, ordering: .relaxed)
    failRequest(id, .moveHoldTimeout)
  }

  /// An exchange that a hold counts has come to its end.
  @inline(never)
  mutating func leaveHold(_ exchange: UnsafeMutablePointer<Exchange>) {
    exchange.pointee.flags.remove(.isMoving)
    let place = heldPlace(of: exchange.pointee.tenant)
    if exchange.pointee.phase == .held {
      exchange.pointee.phase = .admitting
      if place >= 0 { unpark(exchange, place) }
    } else if exchange.pointee.flags.contains(.isReleased) {
      exchange.pointee.flags.remove(.isReleased)
      guard place >= 0, held[place].released > 0 else { return }
      held[place].released -= 1
      held[place].hold.released.subtract(1, ordering: .releasing)
      // The next is let go with this turn's timers.
      if held[place].parked > 0 { nextDelayed = network.now }
    } else if place >= 0 {
      held[place].countedNow -= 1
      held[place].hold.underWay.subtract(1, ordering: .releasing)
    }
  }

  private mutating func unpark(_ exchange: UnsafeMutablePointer<Exchange>, _ place: Int) {
    let bytes = Int(exchange.pointee.parkedBackend)
    exchange.pointee.parkedBackend = -1
    held[place].parked -= 1
    held[place].hold.leave(bytes)
    process.holds.leave(bytes)
  }

  // MARK: - letting go

  /// Lets those go that were held, the first first, as many as may be under way.
  mutating func letGo(_ place: Int) {
    guard held[place].parked > 0 else { return }
    var most = releaseBound - held[place].released
    if held[place].nextBatch <= network.now {
      most = max(most, (releaseBound + 3) / 4)
      held[place].nextBatch = network.now.advanced(by: Limit.releaseSpan)
    }
    while most > 0, held[place].parked > 0, letGoNext(place) { most -= 1 }
  }

  /// Lets the next go; false when there is none.
  mutating func letGoNext(_ place: Int) -> Bool {
    while let handle = held[place].takeFirst() {
      let id = exchanges.slot(of: handle)
      guard id >= 0, exchanges[id].pointee.phase == .held else { continue }
      letGo(id, place)
      return true
    }
    return false
  }

  private mutating func letGo(_ id: Int32, _ place: Int) {
    let exchange = exchanges[id]
    let waited = network.now - exchange.pointee.parkedAt
    unpark(exchange, place)
    exchange.pointee.phase = .admitting
    exchange.pointee.queued = waited
    exchange.pointee.flags.insert(.isReleased)
    held[place].released += 1
    held[place].hold.released.add(1, ordering: .releasing)
    // Its body is awaited anew.
    let client = exchange.pointee.client
    let isWhole = exchange.pointee.flags.contains(.isRequestComplete)
    setDeadline(client, isWhole ? .distantFuture : network.now.advanced(by: view.timeouts.bodyIdle))
    let code = placeAnew(id)
    guard code == .none else { return failRequest(id, code) }
    exchange.pointee.pause -= min(exchange.pointee.pause, waited)
    goOn(id)
    guard connections[client].pointee.exchange == id else { return }
    // What is here of its body was left where it was.
    makeHeadroom(client)
    if connections[client].pointee.input.isAllocated || !isWhole { makeReady(client) }
  }

  /// Sees to it that there is room before what waits of a body: the header of a chunk is written there.
  private mutating func makeHeadroom(_ slot: Int32) {
    var input = connections[slot].pointee.input
    guard input.isAllocated, input.start < Limit.headroom else { return }
    var fresh = buffers.take(Limit.headroom + input.count)
    fresh.start = Int32(Limit.headroom)
    fresh.end = fresh.start
    // As large as what it is a copy of at least, so that all fits.
    _ = buffers.append(input.first, input.count, to: &fresh)
    buffers.giveBack(&input)
    connections[slot].pointee.input = fresh
  }

  /// Sends an exchange on that was held, or was to be.
  private mutating func goOn(_ id: Int32) {
    if exchanges[id].pointee.pause > 1 { return delay(id) }
    exchanges[id].pointee.pause = 0
    if enterShard(id) { openUpstream(id) }
  }
}
