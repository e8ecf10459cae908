import Balancing
import HTTP
import Platform
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Begins the exchange of the request head that the parser holds, found at `base`: decides, admits, and sends it on.
  ///
  /// Returns how many of the `count` bytes were used: the head and what came with it of the body.
  mutating func startExchange(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let head = parser.request
    prefetchTenant(head)
    let id = openExchange(slot)
    guard id >= 0 else {
      refuseUnread(slot, .overloaded, received: count)
      return count
    }
    let exchange = exchanges[id]
    note(head, in: exchange)
    if connections[slot].pointee.flags.contains(.isStream) { noteStream(exchange) }
    if connections[slot].pointee.flags.contains(.redirects) { return redirect(id, base, count, head) }
    let code = admit(id, slot, base, head)
    guard code == .none else { return refuse(id, code, base, count, head) }
    if view.planTimeoutCount > 0 { noteTimeouts(exchange, base, head) }
    if exchange.pointee.flags.contains(.isWatched), isHeldOff(exchange) {
      return refuse(id, .breakerOpen, base, count, head)
    }
    if !head.seen.isDisjoint(with: DroppedFields.deadlines), !takeDeadline(id, base, head) {
      return refuse(id, .overloaded, base, count, head)
    }
    guard keepRequest(id, slot, base, head) else { return refuse(id, .headTooLarge, base, count, head) }
    // The cookie is read now: chunk headers of the body may be written over the end of the head.
    chooseBackend(id, base, head)
    var used = head.length
    if !exchange.pointee.flags.contains(.isRequestComplete) {
      connections[slot].pointee.phase = .body
      setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
      // Of one that is held nothing more is taken than its head.
      if used < count, !exchange.pointee.flags.contains(.isToBeHeld) {
        used += takeBody(slot, base + used, count - used)
      }
      guard connections[slot].pointee.exchange == id else { return used }
    }
    if exchange.pointee.alarm >= 0, isTooLate(exchange) {
      failRequest(id, .responseTimeout)
      return used
    }
    if exchange.pointee.pause > 0 { delay(id) } else if enterShard(id) { openUpstream(id) }
    return used
  }

  private mutating func openExchange(_ slot: Int32) -> Int32 {
    let connection = connections[slot]
    let id = exchanges.insert(copying: blankExchange)
    guard id >= 0 else { return -1 }
    exchanges[id].pointee.client = slot
    exchanges[id].pointee.started = connection.pointee.headStarted
    connection.pointee.exchange = id
    connection.pointee.flags.remove(.isProbed)
    setActive(slot, true)
    setDeadline(slot, .distantFuture)
    if view.keepsRecords {
      exchanges[id].pointee.wallStarted = network.wallClock() - (network.now - connection.pointee.headStarted)
    }
    return id
  }

  /// Takes over what the head says of itself.
  @inline(__always)
  private mutating func note(_ head: RequestHead, in exchange: UnsafeMutablePointer<Exchange>) {
    exchange.pointee.method = head.method
    exchange.pointee.minorVersion = head.minorVersion
    exchange.pointee.request.framing = head.framing
    exchange.pointee.request.remaining = head.contentLength
    exchange.pointee.bytesIn = UInt64(head.length)
    var flags: ExchangeFlags = []
    if !head.wantsKeepAlive { flags.insert(.isLast) } else if !isDraining { flags.insert(.keepsClient) }
    if head.wantsUpgrade, head.framing == .none { flags.insert(.wantsUpgrade) }
    if head.method == .head { flags.insert(.isHead) }
    if head.framing == .none || (head.framing == .length && head.contentLength == 0) {
      flags.insert(.isRequestComplete)
      if head.method == .get || head.method == .head || head.method == .options { flags.insert(.isReplayable) }
    }
    exchange.pointee.flags = flags
  }

  /// Finds the tenant and asks its limits; `.none` when the request may go on.
  private mutating func admit(
    _ id: Int32, _ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ head: RequestHead
  ) -> RefusalCode {
    let exchange = exchanges[id]
    let isTrusted = connections[slot].pointee.flags.contains(.isTrusted)
    var facts = view.facts(of: head, parser.fields, base, isTrusted: isTrusted, name: parser.hostName)
    if view.asksForCertificate, connections[slot].pointee.flags.contains(.isSecure) {
      facts.certificate = clientNames(slot)
    }
    let decision = view.decide(facts)
    exchange.pointee.tenant = decision.tenant
    exchange.pointee.source = decision.source
    if decision.shard >= 0 {
      var place = Int(decision.shard)
      if view.shards[place].watch != nil { place = watch(exchange, place) }
      exchange.pointee.shard = view.shards[place].number
      exchange.pointee.epoch = decision.epoch
      if view.shards[place].speaksHTTP2 {
        exchange.pointee.flags.insert(.toHTTP2)
        if exchange.pointee.flags.contains(.wantsUpgrade), !upgradesByHTTP2(exchange, base, head) { return .badRequest }
      }
    }
    if decision.tenant >= 0 {
      counters.announce(decision.tenant, shard: exchange.pointee.shard)
    }
    guard decision.code == .none else { return decision.code }
    if connections[slot].pointee.flags.contains(.isSecure), isMisdirected(slot, facts.host, decision.tenant) {
      return .misdirected
    }
    if view.bounds.bodySize > 0, head.framing == .length, head.contentLength > view.bounds.bodySize {
      return .bodyTooLarge
    }
    if process.alert.load(ordering: .relaxed) > OverloadLevel.noConnections.rawValue, heedAlert(exchange) {
      return .overloaded
    }
    return takeLimits(id, base)
  }

  /// Has fetched what will be read of the tenant that the host names: with many tenants none of it is in the cache, and
  /// fetched one after the other, as each says where the next is, it takes several times as long.
  @inline(__always)
  private mutating func prefetchTenant(_ head: RequestHead) {
    guard head.hostNameCount > 0 else { return }
    let guess = view.directory._withUnsafeGuaranteedRef {
      $0.guess(host: parser.hostName, Int(head.hostNameCount))
    }
    guard let guess else { return }
    Prefetch.lines(guess.entry, guess.text, process.ledger.account(guess.tenant))
    Prefetch.line(counters.rowOfTenant + Int(guess.tenant))
  }

  /// All or nothing: a request that its rate refuses gives its place in flight back.
  @inline(__always)
  private mutating func takeLimits(_ id: Int32, _ base: UnsafePointer<UInt8>) -> RefusalCode {
    let exchange = exchanges[id]
    let tenant = exchange.pointee.tenant
    let (limits, revision) = view.directory._withUnsafeGuaranteedRef {
      ($0.limits(of: tenant), $0.revision(of: tenant))
    }
    let account = process.ledger.account(tenant)
    guard account.pointee.enter(limit: limits.pointee.concurrency) else { return .concurrencyLimited }
    exchange.pointee.flags.insert(.isCounted)
    if limits.pointee.policy >= 0 {
      return takePolicy(id, base, limits, revision: revision)
    }
    guard !limits.pointee.requests.isUnlimited else { return .none }
    exchange.pointee.rate = limits.pointee.requests.rate
    if let admission = account.pointee.bucket.take(limits.pointee.requests, revision: revision, at: network.now) {
      exchange.pointee.admission = admission
    } else {
      guard let (admission, rate) = process.ledger.takeByNewest(tenant, at: network.now) else { return .none }
      exchange.pointee.rate = rate
      exchange.pointee.admission = admission
    }
    if view.showsRateLimits { exchange.pointee.flags.insert(.showsRate) }
    guard !exchange.pointee.admission.isAdmitted else { return .none }
    giveUpPlace(exchange)
    return .rateLimited
  }

  /// Gives a place in flight back.
  @inline(never)
  mutating func giveUpPlace(_ exchange: UnsafeMutablePointer<Exchange>) {
    process.ledger.account(exchange.pointee.tenant).pointee.leave()
    exchange.pointee.flags.remove(.isCounted)
  }
}
