import Balancing
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Has it looked at how an exchange fares; returns the place of the shard that serves it: its own, or a standby.
  @inline(never)
  mutating func watch(_ exchange: UnsafeMutablePointer<Exchange>, _ home: Int) -> Int {
    let place = view.shards[home].rules.standbyCount > 0 ? standIn(for: home, of: exchange.pointee.tenant) : home
    if view.shards[place].watch != nil { exchange.pointee.flags.insert(.isWatched) }
    return place
  }

  /// The shard that serves instead of one without a backend that is up, or whose backends came back only just now.
  private mutating func standIn(for home: Int, of tenant: TenantIndex) -> Int {
    refreshLoads()
    let rules = view.shards[home].rules
    guard readiness(of: home, delay: rules.standbyDelay) != .settled else { return home }
    let region = view.directory._withUnsafeGuaranteedRef { $0.region(of: tenant) }
    for index in Int(rules.firstStandby)..<Int(rules.firstStandby + rules.standbyCount) {
      let standby = Int(view.standbys[index])
      guard region == 0 || view.shards[standby].region == region else { continue }
      guard readiness(of: standby, delay: 0) != .none else { continue }
      view.shards[home].watch?.pointee.standIns.add(1, ordering: .relaxed)
      return standby
    }
    return home
  }

  private mutating func readiness(of place: Int, delay: Int64) -> ShardReadiness {
    let shard = view.shards + place
    return ShardReadiness(
      loads + Int(shard.pointee.firstBackend), Int(shard.pointee.backendCount), delay: delay, at: network.now)
  }

  /// Counts an exchange that was admitted; whether its tenant's breaker refuses it.
  @inline(never)
  mutating func isHeldOff(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    guard let shard = shardEntry(exchange.pointee.shard), let watch = shard.pointee.watch else { return false }
    let now = network.now
    if shard.pointee.rules.retry != nil { watch.pointee.countRequest(at: now) }
    let (tenant, breaker) = (exchange.pointee.tenant, shard.pointee.rules.breaker)
    guard watch.pointee.isTroubled(tenant) else { return false }
    switch watch.pointee.withTroubles(of: tenant, { $0.tenants.ask(tenant, breaker, at: now) }) {
    case .pass: return false
    case .trial:
      exchange.pointee.flags.insert(.isTrial)
      return false
    case .refuse:
      watch.pointee.heldOff.add(1, ordering: .relaxed)
      return true
    }
  }

  /// Whether an exchange may make one more attempt; takes it out of the budgets of its shard and its tenant.
  @inline(never)
  mutating func mayRetry(_ exchange: UnsafeMutablePointer<Exchange>, isFree: Bool) -> Bool {
    guard let shard = shardEntry(exchange.pointee.shard), let watch = shard.pointee.watch,
      let rules = shard.pointee.rules.retry
    else { return Int(exchange.pointee.attempts) < Limit.attempts }
    guard Int32(exchange.pointee.attempts) < rules.attempts else { return false }
    if isFree { return true }
    let (tenant, now) = (exchange.pointee.tenant, network.now)
    let requests = watch.pointee.requests.load(ordering: .relaxed)
    let isTaken = watch.pointee.withTroubles(of: tenant) {
      $0.tenants.takeRetry(tenant, from: &$0.budget, requests, rules, at: now)
    }
    if !isTaken { watch.pointee.refusedRetries.add(1, ordering: .relaxed) }
    return isTaken
  }

  /// Nanoseconds until the breaker lets a request of the exchange's tenant through.
  mutating func breakerWait(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    guard let watch = shardEntry(exchange.pointee.shard)?.pointee.watch else { return 0 }
    let (tenant, now) = (exchange.pointee.tenant, network.now)
    return watch.pointee.withTroubles(of: tenant) { $0.tenants.wait(of: tenant, at: now) }
  }

  // MARK: How requests fare

  /// Statuses that speak of the server, not of the request.
  private static func isFailure(_ status: UInt16) -> Bool { status == 500 || (502...504).contains(status) }

  /// The head of a backend's answer is there, at `base`: a failure is known by it, unless it is a call of gRPC. What speaks
  /// for the backend and its tenant is an answer in whole.
  @inline(never)
  mutating func noteAnswer(_ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>) {
    if Self.isFailure(exchange.pointee.status) { return noteFailed(exchange) }
    if connections[exchange.pointee.client].pointee.flags.contains(.isGRPC) {
      guard let status = grpcStatus(base, parser.response.fieldCount) else {
        exchange.pointee.flags.insert(.awaitsStatus)
        return
      }
      if Self.isFailure(grpcStatus: status) { return noteFailed(exchange) }
    }
    noteTrial(exchange)
  }

  /// A breaker is not kept waiting for the end of an answer, which may be hours away.
  private mutating func noteTrial(_ exchange: UnsafeMutablePointer<Exchange>) {
    if exchange.pointee.flags.contains(.isTrial) { noteTenantSuccess(exchange) }
  }

  /// The trailers of a backend's answer are there, at `base`.
  @inline(never)
  mutating func noteTrailers(_ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>) {
    guard exchange.pointee.flags.contains(.awaitsStatus), let status = grpcStatus(base, parser.trailerCount) else {
      return
    }
    exchange.pointee.flags.remove(.awaitsStatus)
    if Self.isFailure(grpcStatus: status) { noteFailed(exchange) } else { noteTrial(exchange) }
  }

  /// An answer that failed nobody is through, or a tunnel is open.
  @inline(never)
  mutating func noteWhole(_ exchange: UnsafeMutablePointer<Exchange>) {
    // A call that ends without saying how it fared has failed.
    if exchange.pointee.flags.contains(.awaitsStatus) { return noteFailed(exchange) }
    if !exchange.pointee.flags.contains(.isTrial) { noteTenantSuccess(exchange) }
    let status = process.roster.statuses + Int(exchange.pointee.backend)
    guard status.pointee.isFailing.load(ordering: .relaxed) else { return }
    status.pointee.health.withLock { health in
      health.outlier.succeeded()
      status.pointee.isFailing.store(false, ordering: .relaxed)
    }
  }

  /// What a backend did with a request is a failure, of the backend and for the tenant; no more is made of it.
  @inline(never)
  mutating func noteFailed(_ exchange: UnsafeMutablePointer<Exchange>) {
    noteFailure(exchange)
    noteTenantFailure(exchange)
    exchange.pointee.flags.subtract([.isWatched, .awaitsStatus])
  }

  /// The `grpc-status` among the first `count` fields of the parser's; 2 (UNKNOWN) when it is no number, `nil` when it is not
  /// there.
  private func grpcStatus(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int? {
    guard let place = parser.place(of: "grpc-status", among: count, base) else { return nil }
    let value = parser.fields[place].value
    guard (1...2).contains(value.count) else { return 2 }
    var status = 0
    for place in Int(value.start)..<Int(value.end) {
      guard base[place] &- UInt8(ascii: "0") < 10 else { return 2 }
      status = status * 10 + Int(base[place] &- UInt8(ascii: "0"))
    }
    return status
  }

  /// UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS: what gRPC has for the statuses above.
  private static func isFailure(grpcStatus: Int) -> Bool { [2, 4, 13, 14, 15].contains(grpcStatus) }

  private mutating func noteTenantSuccess(_ exchange: UnsafeMutablePointer<Exchange>) {
    guard let shard = shardEntry(exchange.pointee.shard), let watch = shard.pointee.watch else { return }
    let (tenant, breaker, now) = (exchange.pointee.tenant, shard.pointee.rules.breaker, network.now)
    guard watch.pointee.isTroubled(tenant) else { return }
    let isTrial = exchange.pointee.flags.contains(.isTrial)
    watch.pointee.withTroubles(of: tenant) { $0.tenants.succeeded(tenant, isTrial: isTrial, breaker, at: now) }
  }

  /// The proxy answers in a backend's stead: if that is for what the backend did, the tenant's request failed.
  @inline(never)
  mutating func noteEnd(_ exchange: UnsafeMutablePointer<Exchange>, _ code: RefusalCode) {
    guard exchange.pointee.attempts > 0 else { return }
    switch code {
    case .connectFailed, .badResponse, .responseTimeout: noteTenantFailure(exchange)
    default: break
    }
  }

  private mutating func noteTenantFailure(_ exchange: UnsafeMutablePointer<Exchange>) {
    guard let shard = shardEntry(exchange.pointee.shard), let watch = shard.pointee.watch,
      let breaker = shard.pointee.rules.breaker
    else { return }
    let (tenant, now) = (exchange.pointee.tenant, network.now)
    let isTrial = exchange.pointee.flags.contains(.isTrial)
    let hasOpened = watch.pointee.withTroubles(of: tenant) {
      $0.tenants.failed(tenant, isTrial: isTrial, breaker, at: now)
    }
    if hasOpened { watch.pointee.opened.add(1, ordering: .relaxed) }
  }

  /// An attempt failed at the exchange's backend: takes the backend out, if those of other tenants do too.
  @inline(never)
  mutating func noteFailure(_ exchange: UnsafeMutablePointer<Exchange>) {
    let (backend, tenant, now) = (exchange.pointee.backend, exchange.pointee.tenant, network.now)
    guard backend >= 0, let shard = shardEntry(exchange.pointee.shard), let rules = shard.pointee.rules.outlier else {
      return
    }
    let status = process.roster.statuses + Int(backend)
    let isOutlier = status.pointee.health.withLock { health in
      status.pointee.isFailing.store(true, ordering: .relaxed)
      return health.outlier.failed(tenant, rules, at: now)
    }
    if isOutlier { process.roster.eject(backend, of: backends(of: shard), rules, at: now) }
  }

  private mutating func backends(of shard: UnsafeMutablePointer<ShardEntry>) -> UnsafeBufferPointer<BackendEntry> {
    UnsafeBufferPointer(
      start: view.backends + Int(shard.pointee.firstBackend), count: Int(shard.pointee.backendCount))
  }

  /// A backend went down: those of its shard that are out for their answers may be needed now.
  mutating func reconsiderEjections(besides backend: Int32) {
    guard process.roster.nextReturn.load(ordering: .relaxed) != .max else { return }
    let place = loadOfBackend[Int(backend)]
    for index in 0..<view.shardCount {
      let shard = view.shards + index
      let first = shard.pointee.firstBackend
      guard place >= first, place < first + shard.pointee.backendCount, let rules = shard.pointee.rules.outlier else {
        continue
      }
      process.roster.readmit(of: backends(of: shard), rules, at: network.now)
    }
  }
}
