import HTTP
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Decides anew where an exchange goes whose request is kept, by what holds for its tenant now, and says so in its head;
  /// why it goes nowhere, if it doesn't.
  mutating func placeAnew(_ id: Int32) -> RefusalCode {
    let exchange = exchanges[id]
    let tenant = exchange.pointee.tenant
    let isLive = view.directory._withUnsafeGuaranteedRef { $0.isLive(tenant) }
    guard isLive else { return .tenantUnknown }
    let decision = view.placement(
      of: tenant, exchange.pointee.method, wantsUpgrade: exchange.pointee.flags.contains(.wantsUpgrade))
    guard decision.code == .none else { return decision.code }
    var place = Int(decision.shard)
    exchange.pointee.flags.remove(.isWatched)
    if view.shards[place].watch != nil { place = watch(exchange, place) }
    let shard = view.shards + place
    refreshLoads()
    guard shard.pointee.number != exchange.pointee.shard || decision.epoch != exchange.pointee.epoch else {
      return .none
    }
    let code = speak(shard, exchange)
    guard code == .none else { return code }
    exchange.pointee.shard = shard.pointee.number
    exchange.pointee.epoch = decision.epoch
    exchange.pointee.backend = -1
    exchange.pointee.tried = (-1, -1)
    forgetAffinity(exchange, shard)
    counters.announce(tenant, shard: shard.pointee.number)
    return rewritePlacement(exchange, shard.pointee.name) ? .none : .headTooLarge
  }

  /// Makes an exchange one for a shard that may be spoken to in another version of HTTP.
  private mutating func speak(
    _ shard: UnsafeMutablePointer<ShardEntry>, _ exchange: UnsafeMutablePointer<Exchange>
  ) -> RefusalCode {
    guard shard.pointee.speaksHTTP2 != exchange.pointee.flags.contains(.toHTTP2) else { return .none }
    // What is kept of a body is framed for the version it was meant for.
    guard exchange.pointee.keptBody.count == 0 || exchange.pointee.request.framing == .length else {
      return .overloaded
    }
    if shard.pointee.speaksHTTP2 {
      let kept = exchange.pointee.kept
      if exchange.pointee.flags.contains(.wantsUpgrade),
        WebSocketKey.find(kept.first, Int(exchange.pointee.keptHead - kept.start)) == nil
      {
        return .upgradeUnsupported
      }
      exchange.pointee.flags.insert(.toHTTP2)
    } else {
      exchange.pointee.flags.remove(.toHTTP2)
    }
    return .none
  }

  /// No cookie of an earlier epoch binds anybody.
  private func forgetAffinity(
    _ exchange: UnsafeMutablePointer<Exchange>, _ shard: UnsafeMutablePointer<ShardEntry>
  ) {
    guard shard.pointee.cookie.count > 0 else {
      exchange.pointee.affinity = .none
      exchange.pointee.flags.remove(.setsCookie)
      return
    }
    switch exchange.pointee.affinity {
    case .kept, .rebound, .rejected: exchange.pointee.affinity = .rejected
    case .none, .bound: exchange.pointee.affinity = .bound
    }
    exchange.pointee.flags.insert(.setsCookie)
  }

  /// Writes another shard and epoch into the head that is kept; false when there is no room.
  private mutating func rewritePlacement(_ exchange: UnsafeMutablePointer<Exchange>, _ name: NameBytes) -> Bool {
    let (kept, old) = (exchange.pointee.kept, exchange.pointee.texts.shard)
    guard let memory = kept.memory, old.count > 0 else { return false }
    let title: StaticString = "\r\nX-Placement-Epoch: "
    var end = Int(old.end) + title.utf8CodeUnitCount
    while end < Int(kept.end), memory[end] != UInt8(ascii: "\r") { end += 1 }
    var fresh = buffers.take(Int(kept.end) + name.count + 32)
    var writer = ByteWriter(fresh.memory!, capacity: BufferPool.capacity(fresh.size))
    writer.append(memory, Int(old.start))
    writer.append(name.bytes, name.count)
    exchange.pointee.texts.shard = ByteRange(old.start, Int32(writer.count))
    writer.append(title)
    writer.append(decimal: Int64(truncatingIfNeeded: exchange.pointee.epoch))
    let shift = Int32(writer.count - end)
    writer.append(memory + end, Int(kept.end) - end)
    fresh.start = kept.start
    fresh.end = Int32(writer.count)
    guard !writer.hasOverflowed else {
      buffers.giveBack(&fresh)
      return false
    }
    // Of what stands behind the epoch, the request's id is the only text that is looked at later.
    let requestID = exchange.pointee.texts.requestID
    if requestID.start >= end {
      exchange.pointee.texts.requestID = ByteRange(requestID.start + shift, requestID.end + shift)
    }
    exchange.pointee.keptHead += shift
    if exchange.pointee.keptTrailers > 0 { exchange.pointee.keptTrailers += shift }
    buffers.giveBack(&exchange.pointee.kept)
    exchange.pointee.kept = fresh
    return true
  }

  // MARK: - a backend that knows better

  /// Whether a response says that its request was placed by an earlier epoch than its backend knows
  /// (`X-Placement-Stale`); if the tenant is placed elsewhere by now, and all of the request is kept, it is sent there, once.
  ///
  /// The head of the response is the parser's. Returns whether the response is not to be passed on.
  @inline(never)
  mutating func redirectStale(_ slot: Int32, _ id: Int32, _ head: ResponseHead) -> Bool {
    guard head.status == 421 || head.status == 409 else { return false }
    mine[WorkerPlace.staleRoutes].add()
    let exchange = exchanges[id]
    guard !exchange.pointee.flags.contains(.wasStale), isKept(exchange) else { return false }
    let known = view.directory._withUnsafeGuaranteedRef { directory in
      directory.isLive(exchange.pointee.tenant) ? directory.epoch(of: exchange.pointee.tenant) : 0
    }
    guard known > exchange.pointee.epoch else { return false }
    dropUpstream(id)
    leaveShard(id)
    if exchange.pointee.flags.contains(.isMoving) { leaveHold(exchange) }
    exchange.pointee.flags.insert(.wasStale)
    exchange.pointee.flags.remove([.isSent, .keepsUpstream])
    exchange.pointee.phase = .admitting
    exchange.pointee.firstByte = .distantPast
    exchange.pointee.attempts = min(exchange.pointee.attempts, UInt8(Limit.attempts - 1))
    if isHeldNow(exchange) {
      park(id)
      return true
    }
    let code = placeAnew(id)
    guard code == .none else {
      answerFailure(id, code)
      return true
    }
    if enterShard(id) { openUpstream(id, isFree: true) }
    return true
  }

  /// Whether requests of the exchange's tenant are held at this moment.
  private func isHeldNow(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    let place = heldPlace(of: exchange.pointee.tenant)
    return place >= 0 && held[place].stage <= .all
  }

  /// Whether all of a request is kept, so that it can be sent anew.
  private func isKept(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    guard exchange.pointee.flags.contains(.isRequestComplete), !exchange.pointee.flags.contains(.isAnswered) else {
      return false
    }
    switch exchange.pointee.request.framing {
    case .none: return true
    case .length: return Int64(exchange.pointee.keptBody.count) == exchange.pointee.request.received
    case .chunked, .untilClose: return false
    }
  }
}
