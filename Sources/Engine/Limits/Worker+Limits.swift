import HTTP
import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Asks all that a tenant with more than plain limits is held to, for the request whose head the parser holds; all or
  /// nothing. Its place in flight is taken already, and given back by a refusal.
  @inline(never)
  mutating func takePolicy(
    _ id: Int32, _ base: UnsafePointer<UInt8>, _ limits: UnsafePointer<TenantLimits>, revision: UInt8
  ) -> RefusalCode {
    let code = askPolicy(id, base, limits.pointee, revision: revision)
    if code != .none { giveUpPlace(exchanges[id]) }
    return code
  }

  private mutating func askPolicy(
    _ id: Int32, _ base: UnsafePointer<UInt8>, _ limits: TenantLimits, revision: UInt8
  ) -> RefusalCode {
    let exchange = exchanges[id]
    let (slot, head) = (exchange.pointee.client, parser.request)
    let tenant = exchange.pointee.tenant
    let policy = view.policies[Int(limits.policy)]
    let meters = process.roster.limits.meters(of: tenant)
    if policy.connections > 0 || policy.connectionsPerClient > 0 {
      guard enterConnection(slot, tenant, policy, meters, exchange) else { return .concurrencyLimited }
    }
    let count = gatherLevels(policy, limits, revision: revision, slot, base, head)
    let tokens = policy.costCount == 0 ? 1 : requestCost(policy, base, head)
    let asked = UnsafeMutableBufferPointer(start: levels, count: count)
    let time = policy.hasQuota ? network.wallClock() / .second : 0
    let outcome = process.ledger.decide(
      asked, of: tenant, with: meters, tokens: tokens, generation: view.generation, at: network.now, time: time,
      zones: view.policyImage._withUnsafeGuaranteedRef { $0.zones })
    noteLevels(asked, tenant)
    guard case .admitted(let pause) = outcome else { return refuse(by: asked, exchange, limits) }
    if view.showsRateLimits {
      exchange.pointee.flags.insert(.showsRate)
      writeLimitText(asked, limits, exchange)
    }
    var hold = LimitHold(of: id, meters, tokens: tokens, bandwidth: policy.bandwidth)
    for level in asked {
      hold.marks[hold.count] = LimitMark(level)
      hold.count += 1
      if level.kind == .byteQuota { hold.countsBytes = true }
    }
    exchange.pointee.hold = holds.insert(hold)
    if hold.countsBytes, nextByteCount == .distantFuture {
      nextByteCount = network.now.advanced(by: Limit.byteCount)
    }
    exchange.pointee.pause = max(exchange.pointee.pause, pause)
    return .none
  }

  /// Counts what the levels found beside their verdict.
  private mutating func noteLevels(_ asked: UnsafeMutableBufferPointer<LimitLevel>, _ tenant: TenantIndex) {
    for level in asked {
      if level.isShadow, !level.admission.isAdmitted {
        counters.row(ofLimit: level.number, tenant: tenant)?[LimitPlace.shadow].add()
      }
      if level.hasEvicted { counters.row(ofLimit: level.number, tenant: tenant)?[LimitPlace.evicted].add() }
      guard level.isCrossing else { continue }
      process.roster.limits.note(
        LimitEvent(
          tenant: tenant, limit: level.number, soft: level.soft, used: level.amount - level.admission.remaining,
          amount: level.amount))
    }
  }

  /// Notes which levels refuse: of the tenant's own the one that is to be waited for longest, else the process's.
  private mutating func refuse(
    by asked: UnsafeMutableBufferPointer<LimitLevel>, _ exchange: UnsafeMutablePointer<Exchange>,
    _ limits: TenantLimits
  ) -> RefusalCode {
    violatedCount = 0
    violatedBy = exchange.pointee.client
    var worst = -1
    for place in asked.indices where asked[place].isRefusing {
      violated[violatedCount] = asked[place].number
      violatedCount += 1
      let isWorse =
        worst < 0 || (asked[worst].isCapacity && !asked[place].isCapacity)
        || (asked[worst].isCapacity == asked[place].isCapacity
          && asked[place].admission.wait > asked[worst].admission.wait)
      if isWorse { worst = place }
    }
    guard worst >= 0 else { return .rateLimited }
    exchange.pointee.limit = asked[worst].number
    exchange.pointee.admission = asked[worst].admission
    writeLimitText(asked, limits, exchange)
    return asked[worst].isCapacity ? .overloaded : .rateLimited
  }

  /// Counts the client's connection among its tenant's, once; false when there are too many.
  private mutating func enterConnection(
    _ slot: Int32, _ tenant: TenantIndex, _ policy: PolicyEntry, _ meters: UnsafeMutablePointer<TenantMeters>,
    _ exchange: UnsafeMutablePointer<Exchange>
  ) -> Bool {
    let connection = connections[slot].pointee.parent >= 0 ? connections[slot].pointee.parent : slot
    guard connections[connection].pointee.tenant != tenant else { return true }
    leaveConnection(connection)
    let key = connectionKey(connections[connection].pointee.address)
    let bound = meters.pointee.withBook {
      $0.enter(client: key, most: policy.connections, perClient: policy.connectionsPerClient)
    }
    guard let bound else {
      connections[connection].pointee.tenant = tenant
      return true
    }
    exchange.pointee.limit = bound == .tenant ? LimitRoster.connections : LimitRoster.clientConnections
    violated[0] = exchange.pointee.limit
    violatedCount = 1
    violatedBy = exchange.pointee.client
    // It is the connection that is too much, so it does not stay.
    if connection == slot { exchange.pointee.flags.remove(.keepsClient) }
    return false
  }

  /// Counts a client's connection out of its tenant's.
  mutating func leaveConnection(_ slot: Int32) {
    let tenant = connections[slot].pointee.tenant
    guard tenant >= 0, let meters = process.roster.limits.meters(ifMadeFor: tenant) else { return }
    connections[slot].pointee.tenant = -1
    let key = connectionKey(connections[slot].pointee.address)
    meters.pointee.withBook { $0.leave(client: key) }
  }

  // MARK: - afterwards

  /// Charges what a response says that its request cost (`X-Request-Cost`), beyond what was taken for it.
  @inline(never)
  mutating func chargeCost(_ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>) {
    guard let field = parser.field(.xRequestCost), exchange.pointee.tenant >= 0 else { return }
    var cost: Int64 = 0
    for place in Int(field.value.start)..<Int(field.value.end) {
      guard base[place] &- 0x30 < 10, cost < Limit.requestCost else { return }
      cost = cost * 10 + Int64(base[place] - 0x30)
    }
    let (tenant, now) = (exchange.pointee.tenant, network.now)
    let ledger = process.ledger
    guard exchange.pointee.hold >= 0 else {
      guard cost > 1, exchange.pointee.rate.count > 0 else { return }
      view.directory._withUnsafeGuaranteedRef { ledger.charge(tenant, in: $0, tokens: cost - 1, at: now) }
      exchange.pointee.admission.remaining = max(0, exchange.pointee.admission.remaining - (cost - 1))
      return
    }
    let hold = holds[exchange.pointee.hold]
    guard cost > hold.pointee.tokens else { return }
    let limits = process.roster.limits
    view.directory._withUnsafeGuaranteedRef {
      ledger.charge(
        LimitHold.levels(at: hold), of: tenant, in: $0, with: hold.pointee.meters,
        tokens: cost - hold.pointee.tokens, at: now
      ) { limits.note(LimitEvent(tenant, $0)) }
    }
    hold.pointee.tokens = cost
  }

  /// Counts the bytes that an exchange has moved in the quotas of its tenant.
  mutating func countBytes(_ exchange: UnsafeMutablePointer<Exchange>) {
    let hold = holds[exchange.pointee.hold]
    let bytes = exchange.pointee.bytesIn + exchange.pointee.bytesOut
    guard hold.pointee.countsBytes, bytes > hold.pointee.counted else { return }
    let amount = Int64(clamping: bytes - hold.pointee.counted)
    hold.pointee.counted = bytes
    let tenant = exchange.pointee.tenant
    for place in 0..<hold.pointee.count where hold.pointee.marks[place].kind == .byteQuota {
      let identity = hold.pointee.marks[place].identity
      let line = hold.pointee.meters.pointee.withBook { $0.use(quota: identity, amount) }
      if let line { process.roster.limits.note(LimitEvent(tenant, line)) }
    }
  }

  /// Counts what all exchanges have moved so far, so that long ones are in the quotas while they last.
  mutating func countAllBytes() {
    var counting: [Int32] = []
    holds.forEachSlot { if holds[$0].pointee.countsBytes { counting.append($0) } }
    for hold in counting { countBytes(exchanges[holds[hold].pointee.exchange]) }
    nextByteCount = counting.isEmpty ? .distantFuture : network.now.advanced(by: Limit.byteCount)
  }

  /// Ends what an exchange holds of limits: counts its bytes and gives back what was reserved for it.
  @inline(never)
  mutating func endHold(_ exchange: UnsafeMutablePointer<Exchange>) {
    if exchange.pointee.pause > 0 { giveTokensBack(exchange) }
    countBytes(exchange)
    endBandwidth(exchange)
    holds.remove(exchange.pointee.hold)
    exchange.pointee.hold = -1
  }
}
