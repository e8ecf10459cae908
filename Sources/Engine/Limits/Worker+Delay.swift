import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Has an exchange wait for the tokens it was given ahead of time; a client that goes meanwhile gives them back.
  @inline(never)
  mutating func delay(_ id: Int32) {
    let exchange = exchanges[id]
    if exchange.pointee.flags.contains(.isToBeHeld) { return park(id) }
    guard delayed.count < Limit.delayedRequests else {
      giveTokensBack(exchange)
      exchange.pointee.pause = 0
      exchange.pointee.limit = LimitRoster.requests
      return answerFailure(id, .rateLimited)
    }
    let end = network.now.advanced(by: exchange.pointee.pause)
    delayed.append(Pause(handle: exchanges.handle(id), end: end))
    nextDelayed = min(nextDelayed, end)
    // What is still to come of its body is not waited for meanwhile.
    let client = exchange.pointee.client
    if connections[client].pointee.phase == .body { setDeadline(client, end.advanced(by: view.timeouts.bodyIdle)) }
  }

  /// Goes on with the exchanges that have waited long enough.
  mutating func endDelays() {
    let now = network.now
    nextDelayed = .distantFuture
    var due: [Int32] = []
    var kept = 0
    for index in 0..<delayed.count {
      let slot = exchanges.slot(of: delayed[index].handle)
      if slot >= 0, delayed[index].end <= now {
        due.append(slot)
      } else if slot >= 0 {
        nextDelayed = min(nextDelayed, delayed[index].end)
        delayed[kept] = delayed[index]
        kept += 1
      }
    }
    delayed.removeLast(delayed.count - kept)
    // Those that came first go first: their pauses are the shorter ones.
    for id in due where exchanges[id].pointee.pause > 0 {
      exchanges[id].pointee.queued = exchanges[id].pointee.pause
      exchanges[id].pointee.pause = 0
      let client = exchanges[id].pointee.client
      if enterShard(id) { openUpstream(id) }
      // Nobody is reading it as at the start of other exchanges.
      if connections[client].pointee.exchange == id { continueUpload(client) }
    }
    if !held.isEmpty || !departing.isEmpty { lookAtHolds() }
  }

  /// Gives back what was taken for an exchange that is still waiting for it.
  mutating func giveTokensBack(_ exchange: UnsafeMutablePointer<Exchange>) {
    guard exchange.pointee.hold >= 0 else { return }
    let hold = holds[exchange.pointee.hold]
    let (tenant, now, ledger) = (exchange.pointee.tenant, network.now, process.ledger)
    view.directory._withUnsafeGuaranteedRef {
      ledger.giveBack(
        LimitHold.levels(at: hold), of: tenant, in: $0, with: hold.pointee.meters, tokens: hold.pointee.tokens,
        at: now)
    }
  }
}
