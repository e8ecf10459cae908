import Primitives
import Tenancy

/// A connection that is not read until its tenant's bandwidth allows it.
struct Pause: BitwiseCopyable {
  var handle: UInt64
  var end: Instant
}

extension LimitHold {
  /// Takes what has passed since the last time off what was reserved; more may have passed than that.
  mutating func settle(_ exchange: Exchange) {
    outwardGrant -= Int64(clamping: exchange.bytesOut - pacedOut)
    pacedOut = exchange.bytesOut
    inwardGrant -= Int64(clamping: exchange.bytesIn - pacedIn)
    pacedIn = exchange.bytesIn
  }
}

extension Worker where N: ~Copyable {
  /// Whether nothing may be read from a connection of an exchange for now, since its tenant's bandwidth is used up.
  ///
  /// Otherwise what may be read is reserved, and the connection's window says how much at a time.
  @inline(__always)
  mutating func awaitsBandwidth(_ slot: Int32, _ id: Int32) -> Bool {
    exchanges[id].pointee.hold >= 0 && awaitsGrant(slot, id)
  }

  @inline(never)
  private mutating func awaitsGrant(_ slot: Int32, _ id: Int32) -> Bool {
    let connection = connections[slot]
    let hold = holds[exchanges[id].pointee.hold]
    let isOutward = connection.pointee.role == .upstream
    let rate = isOutward ? hold.pointee.bandwidth.outward : hold.pointee.bandwidth.inward
    guard rate > 0 else { return false }
    if connection.pointee.flags.contains(.isPaused) { return true }
    hold.pointee.settle(exchanges[id].pointee)
    let left = isOutward ? hold.pointee.outwardGrant : hold.pointee.inwardGrant
    guard left <= 0 else {
      connection.pointee.window = Int32(clamping: min(left, Int64(Limit.scratch)))
      return false
    }
    let meters = hold.pointee.meters
    let grant = Pace.grant(rate)
    let begin: Instant
    if isOutward {
      begin = meters.pointee.outward.reserve(grant - left, rate: rate, at: network.now)
      hold.pointee.outwardGrant = grant
    } else {
      begin = meters.pointee.inward.reserve(grant - left, rate: rate, at: network.now)
      hold.pointee.inwardGrant = grant
    }
    connection.pointee.window = Int32(clamping: grant)
    guard begin > network.now else { return false }
    pause(slot, until: begin)
    return true
  }

  /// Leaves a connection unread until then; what it is given to say something begins only there.
  private mutating func pause(_ slot: Int32, until end: Instant) {
    let connection = connections[slot]
    connection.pointee.flags.insert(.isPaused)
    paused.append(Pause(handle: connections.handle(slot), end: end))
    nextPause = min(nextPause, end)
    if connection.pointee.role == .client {
      setDeadline(slot, end.advanced(by: view.timeouts.bodyIdle))
    } else {
      let isAwaited = connection.pointee.phase == .head
      setDeadline(slot, end.advanced(by: isAwaited ? view.timeouts.response : view.timeouts.idle))
    }
  }

  /// Goes on with the connections whose pause is over.
  mutating func endPauses() {
    let now = network.now
    nextPause = .distantFuture
    var kept = 0
    for index in 0..<paused.count {
      let pause = paused[index]
      guard pause.end <= now else {
        nextPause = min(nextPause, pause.end)
        paused[kept] = pause
        kept += 1
        continue
      }
      let slot = connections.slot(of: pause.handle)
      guard slot >= 0, connections[slot].pointee.socket >= 0 else { continue }
      connections[slot].pointee.flags.remove(.isPaused)
      if connections[slot].pointee.flags.contains(.readable) { makeReady(slot) }
    }
    paused.removeLast(paused.count - kept)
  }

  /// Evens out what was reserved for an exchange and what has passed.
  mutating func endBandwidth(_ exchange: UnsafeMutablePointer<Exchange>) {
    let hold = holds[exchange.pointee.hold]
    let rates = hold.pointee.bandwidth
    guard rates.outward > 0 || rates.inward > 0 else { return }
    hold.pointee.settle(exchange.pointee)
    let meters = hold.pointee.meters
    if rates.outward > 0 { meters.pointee.outward.settle(hold.pointee.outwardGrant, rates.outward, network.now) }
    if rates.inward > 0 { meters.pointee.inward.settle(hold.pointee.inwardGrant, rates.inward, network.now) }
  }
}

extension Pace {
  /// Gives back what is left of a reservation, or charges what went beyond it.
  borrowing fileprivate func settle(_ left: Int64, _ rate: Int64, _ now: Instant) {
    if left > 0 { giveBack(left, rate: rate) } else if left < 0 { charge(-left, rate: rate, at: now) }
  }
}
