import HTTP
import Platform
import Primitives
import Synchronization

extension Engine {
  /// What all workers counted, tenants beyond the `most` busiest summed up. For any thread but a worker's: with many tenants
  /// it takes a while.
  public func metrics(mostTenants most: Int) -> MetricsSnapshot {
    awaitTurn()
    readmitBackends()
    var snapshot = MetricsSnapshot()
    let blueprint = self.blueprint
    snapshot.generation = blueprint.generation
    snapshot.tenantCount = blueprint.tenants.count
    if blueprint.overload.isActive { snapshot.overload = Int(overload.rawValue) }
    snapshot.holds.parked = process.holds.count.parked.load(ordering: .relaxed)
    snapshot.holds.total = process.holds.count.total.load(ordering: .relaxed)
    snapshot.holds.overflowed = process.holds.overflowed.load(ordering: .relaxed)
    snapshot.holds.late = process.holds.late.load(ordering: .relaxed)
    let names = process.roster.names.withLock { $0 }
    sumOwn(&snapshot)
    snapshot.expiries = Engine.expiries(of: blueprint)
    let counters = workers.map(\.counters)
    series.withLock {
      $0.read(
        counters, blueprint.tenants, process.ledger, shards: names.shards, limits: process.roster.limits.allNames,
        most: most, into: &snapshot)
    }
    addRatios(&snapshot, blueprint)
    sumShards(&snapshot, blueprint, names)
    return snapshot
  }

  /// Waits until each worker has ended the turn it is in, 10 ms at most: an answer goes out a moment before it is counted,
  /// and who asks after it came must find it counted.
  private func awaitTurn() {
    let turns = workers.map { $0.mailbox.turns.load(ordering: .acquiring) }
    for worker in workers { worker.waker.wake() }
    for _ in 0..<100 {
      let hasTurned = zip(workers, turns).allSatisfy { $0.mailbox.turns.load(ordering: .acquiring) != $1 }
      if hasTurned || hasEnded { return }
      Machine.rest(nanoseconds: 100 * .microsecond)
    }
  }

  /// Certificates that have a row at most.
  private static let mostExpiries = 100

  private static func expiries(of blueprint: Blueprint) -> [(name: String, time: Int64)] {
    var soonest: [String: Int64] = [:]
    for certificate in blueprint.listeners.flatMap({ $0.tls?.loaded ?? [] }) {
      let name = certificate.names.first ?? ""
      soonest[name] = min(soonest[name] ?? .max, certificate.expiry)
    }
    return soonest.map { (name: $0.key, time: $0.value) }.sorted { ($0.time, $0.name) < ($1.time, $1.name) }
      .prefix(mostExpiries).map { $0 }
  }

  private func sumOwn(_ snapshot: inout MetricsSnapshot) {
    var refused = [UInt64](repeating: 0, count: RefusalCode.count)
    var floods = [UInt64](repeating: 0, count: FloodKind.allCases.count)
    for worker in workers {
      let row = worker.counters.mine
      snapshot.activeConnections += Int(row[WorkerPlace.activeConnections].current)
      snapshot.idleConnections += Int(row[WorkerPlace.idleConnections].current)
      snapshot.affinity.bound += row[WorkerPlace.affinity].current
      snapshot.affinity.kept += row[WorkerPlace.affinity + 1].current
      snapshot.affinity.rebound += row[WorkerPlace.affinity + 2].current
      snapshot.affinity.rejected += row[WorkerPlace.affinity + 3].current
      snapshot.handshakes.full += row[WorkerPlace.handshakes].current
      snapshot.handshakes.resumed += row[WorkerPlace.resumed].current
      snapshot.handshakes.failed += row[WorkerPlace.failedHandshakes].current
      snapshot.staleRoutes += row[WorkerPlace.staleRoutes].current
      snapshot.overloaded += row[WorkerPlace.overloaded].current
      snapshot.idleParted += row[WorkerPlace.idleParted].current
      snapshot.droppedRecords += row[WorkerPlace.droppedRecords].current
      for code in 0..<RefusalCode.count { refused[code] += row[WorkerPlace.refused + code].current }
      for kind in floods.indices { floods[kind] += row[WorkerPlace.floods + kind].current }
    }
    snapshot.handshakes.failures = handshakeFailures()
    for code in RefusalCode.allCases where code != .none && refused[Int(code.rawValue)] > 0 {
      snapshot.refused.append((code: "\(code.name)", count: refused[Int(code.rawValue)]))
    }
    for kind in FloodKind.allCases where floods[kind.rawValue] > 0 {
      snapshot.floods.append((kind: "\(kind.name)", count: floods[kind.rawValue]))
    }
  }

  private func handshakeFailures() -> [(side: String, reason: String, count: UInt64)] {
    let kinds = TLSFailureKind.allCases
    return (0..<2 * kinds.count).compactMap { place in
      let count = workers.reduce(0) { $0 + $1.counters.mine[WorkerPlace.handshakeFailures + place].current }
      let side = place < kinds.count ? "client" : "backend"
      return count == 0 ? nil : (side: side, reason: "\(kinds[place % kinds.count].name)", count: count)
    }
  }

  private func sumShards(_ snapshot: inout MetricsSnapshot, _ blueprint: Blueprint, _ names: Roster.Names) {
    for shard in blueprint.shards {
      guard let number = names.shardNumbers[shard.name] else { continue }
      var metrics = ShardMetrics(name: shard.name)
      if shard.concurrency != nil { metrics.slots = slots(ofShard: number) }
      if shard.isWatched { metrics.troubles = troubles(ofShard: number) }
      let configured = Set(shard.backends.map(\.name))
      for backend in names.backends.indices where names.backendShards[backend] == number {
        let isConfigured = configured.contains(names.backends[backend])
        sumBackend(backend, names.backends[backend], isConfigured, &metrics)
      }
      snapshot.shards.append(metrics)
    }
  }

  func slots(ofShard number: Int32) -> SlotMetrics? {
    guard let gate = process.roster.gates[Int(number)] else { return nil }
    var slots = SlotMetrics()
    slots.limit = Int(gate.pointee.slots.limit.load(ordering: .relaxed))
    slots.held = Int(gate.pointee.slots.held.load(ordering: .relaxed))
    slots.waiting = Int(gate.pointee.waiting.load(ordering: .relaxed))
    slots.usual = gate.pointee.slots.usual.nanoseconds
    slots.shed = [
      ("full", gate.pointee.shedFull.load(ordering: .relaxed)),
      ("late", gate.pointee.shedLate.load(ordering: .relaxed)),
      ("standing", gate.pointee.shedStanding.load(ordering: .relaxed)),
    ]
    return slots
  }

  private func troubles(ofShard number: Int32) -> TroubleMetrics? {
    guard let watch = process.roster.watches[Int(number)] else { return nil }
    var troubles = TroubleMetrics()
    troubles.refusedRetries = watch.pointee.refusedRetries.load(ordering: .relaxed)
    troubles.opened = watch.pointee.opened.load(ordering: .relaxed)
    troubles.heldOff = watch.pointee.heldOff.load(ordering: .relaxed)
    troubles.standIns = watch.pointee.standIns.load(ordering: .relaxed)
    return troubles
  }

  private func sumBackend(_ number: Int, _ name: String, _ isConfigured: Bool, _ metrics: inout ShardMetrics) {
    var row = BackendMetrics(name: name)
    row.isUp = process.roster.statuses[number].isUp.load(ordering: .relaxed)
    row.duty = process.roster.statuses[number].wanted
    row.ejections = process.roster.statuses[number].ejections.load(ordering: .relaxed)
    for worker in workers where worker.counters.backends.count > number {
      let counters = worker.counters.backends.row(number)
      for place in 0..<5 { row.classes[place] += counters[BackendPlace.classes + place].current }
      metrics.activeConnections += Int(counters[BackendPlace.active].current)
      metrics.idleConnections += Int(counters[BackendPlace.idle].current)
      metrics.retries += counters[BackendPlace.retries].current
      metrics.duration.add(counters + BackendPlace.histogram)
      metrics.slots?.waited.add(counters + BackendPlace.queued)
    }
    if isConfigured { metrics.backends.append(row) }
  }
}

extension TenantMetrics {
  /// All requests of the tenant.
  var total: UInt64 { answers.reduce(0) { $0 + $1.classes.reduce(0, +) } }
}
