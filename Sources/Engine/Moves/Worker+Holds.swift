import HTTP
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Where among the tenants whose requests are held this one is, -1 when it is not.
  func heldPlace(of tenant: TenantIndex) -> Int {
    held.firstIndex { $0.hold.tenant == tenant } ?? -1
  }

  /// Does as the holds of the process want by now.
  mutating func followHolds() {
    for place in held.indices.reversed() { follow(place) }
    for hold in process.holds.all where hold.current != .over && heldPlace(of: hold.tenant) < 0 {
      held.append(HeldTenant(hold, at: network.now))
      countUnderWay(held.count - 1)
      hold.note(held[held.count - 1].stage, by: number)
      follow(held.count - 1)
    }
    if !held.isEmpty { lookAtHoldsSoon() }
  }

  private mutating func follow(_ place: Int) {
    let hold = held[place].hold
    let wanted = hold.current
    guard wanted > held[place].stage else { return }
    switch wanted {
    case .unsafeOnly: return
    case .all:
      held[place].stage = .all
      countUnderWay(place)
    case .releasing:
      let known = view.directory._withUnsafeGuaranteedRef {
        // One that is gone has nowhere to be let go to: it is refused.
        $0.isLive(hold.tenant) ? $0.epoch(of: hold.tenant) : .max
      }
      // The placement is on its way to this worker.
      guard known >= hold.epoch.load(ordering: .relaxed) else { return }
      held[place].stage = .releasing
      partStreams(place)
      hold.note(.releasing, by: number)
      return letGo(place)
    case .over: endHold(place)
    }
    hold.note(wanted, by: number)
  }

  /// Forgets a hold, and lets go at once what it still holds.
  private mutating func endHold(_ place: Int) {
    held[place].stage = .over
    while held[place].parked > 0, letGoNext(place) {}
    let ended = held.remove(at: place)
    ended.hold.underWay.subtract(ended.countedNow, ordering: .releasing)
    ended.hold.released.subtract(ended.released, ordering: .releasing)
  }

  // MARK: - what is under way

  /// Counts the requests under way that the hold does not hold, at its beginning or when it begins to hold more of them.
  private mutating func countUnderWay(_ place: Int) {
    let (hold, stage) = (held[place].hold, held[place].stage)
    let (known, knownStreams) = (held[place].countedNow, held[place].streams.count)
    held[place].counted.removeAll()
    held[place].streams.removeAll()
    var all: [Int32] = []
    exchanges.forEachSlot { all.append($0) }
    for id in all {
      let exchange = exchanges[id]
      guard exchange.pointee.tenant == hold.tenant, exchange.pointee.shard >= 0, exchange.pointee.phase != .held else {
        continue
      }
      if exchange.pointee.flags.contains(.isReleased) {
        exchange.pointee.flags.remove(.isReleased)
        held[place].released = max(0, held[place].released - 1)
      }
      exchange.pointee.flags.remove(.isMoving)
      if isLongStream(id, since: held[place].since) {
        held[place].streams.append(exchanges.handle(id))
      } else if stage == .all || !isSafe(exchange) {
        exchange.pointee.flags.insert(.isMoving)
        held[place].counted.append(exchanges.handle(id))
      }
    }
    held[place].countedNow = held[place].counted.count
    hold.streams.add(held[place].streams.count - knownStreams, ordering: .relaxed)
    hold.underWay.add(held[place].countedNow - known, ordering: .releasing)
  }

  /// Counts those out that have become long streams meanwhile.
  private mutating func passOverStreams(_ place: Int) {
    var kept: [UInt64] = []
    for handle in held[place].counted {
      let id = exchanges.slot(of: handle)
      guard id >= 0, exchanges[id].pointee.flags.contains(.isMoving) else { continue }
      guard isLongStream(id, since: held[place].since) else {
        kept.append(handle)
        continue
      }
      exchanges[id].pointee.flags.remove(.isMoving)
      held[place].streams.append(handle)
      held[place].countedNow -= 1
      held[place].hold.streams.add(1, ordering: .relaxed)
      held[place].hold.underWay.subtract(1, ordering: .releasing)
    }
    held[place].counted = kept
  }

  /// Whether a request is one that changes nothing: a read-only tenant may ask it.
  func isSafe(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    switch exchange.pointee.method {
    case .get, .head, .options: !exchange.pointee.flags.contains(.wantsUpgrade)
    default: false
    }
  }

  /// Whether an exchange may go on for hours: a tunnel, events, or a call of gRPC that does not end by itself.
  private func isLongStream(_ id: Int32, since: Instant) -> Bool {
    let exchange = exchanges[id]
    if exchange.pointee.phase == .tunnel { return true }
    guard exchange.pointee.phase == .receiving, exchange.pointee.delivery != .length,
      exchange.pointee.delivery != .none
    else { return false }
    if connections[exchange.pointee.client].pointee.flags.contains(.isGRPC) {
      return network.now - since >= Limit.callDrain
    }
    let kept = exchange.pointee.kept
    guard kept.isAllocated else { return false }
    return Worker.asksForEvents(kept.memory! + Int(kept.start), Int(exchange.pointee.keptHead - kept.start))
  }

  /// Whether the lines of a request's head ask for a stream of events, as a browser's `EventSource` does.
  private static func asksForEvents(_ head: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let name: StaticString = "accept:"
    var at = 0
    while at < count {
      var end = at
      while end < count, head[end] != UInt8(ascii: "\r") { end += 1 }
      if FieldText.begins(head + at, end - at, name) {
        var start = at + name.utf8CodeUnitCount
        while start < end, head[start] == UInt8(ascii: " ") { start += 1 }
        return FieldText.begins(head + start, end - start, "text/event-stream")
      }
      at = end + 2
    }
    return false
  }

  // MARK: - over time

  /// Has the holds looked at within a short while.
  mutating func lookAtHoldsSoon() { nextDelayed = min(nextDelayed, network.now.advanced(by: Limit.holdLook)) }

  /// Looks at what is held, what has become a stream, and what is to part.
  mutating func lookAtHolds() {
    for place in held.indices {
      switch held[place].stage {
      case .unsafeOnly, .all: passOverStreams(place)
      case .releasing: letGo(place)
      case .over: break
      }
    }
    endDepartures()
    if !held.isEmpty || !departing.isEmpty { lookAtHoldsSoon() }
  }

  // MARK: - new requests

  /// Sees to what concerns few requests: those of tenants that are held, and those refused for want of something; true for
  /// the latter.
  @inline(never)
  mutating func heedAlert(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    if process.overload > .noConnections, sheds(exchange) { return true }
    let place = heldPlace(of: exchange.pointee.tenant)
    guard place >= 0 else { return false }
    let isHeld =
      switch held[place].stage {
      case .unsafeOnly: !isSafe(exchange)
      case .all: true
      case .releasing, .over: false
      }
    if isHeld {
      exchange.pointee.flags.insert(.isToBeHeld)
      // What has a pause is looked at before it goes on.
      exchange.pointee.pause = 1
    }
    return false
  }
}
