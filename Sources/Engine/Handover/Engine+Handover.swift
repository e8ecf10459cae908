import Platform
import Primitives
import Synchronization
import Tenancy

// What one process hands over to the next: the sockets, and what was counted.
extension Engine {
  /// How long workers may take to begin a drain.
  private static let drainPatience: Int64 = 1 * .second

  /// The listening sockets of clients.
  public var handedListeners: [InheritedSockets.Listener] {
    listeners.map { listener in
      // All sockets of a Unix path are one.
      var sockets = listener.sockets
      if case .unix = listener.endpoint { sockets = Array(sockets.prefix(1)) }
      return InheritedSockets.Listener(
        use: .clients, endpoint: listener.endpoint, bound: listener.bound, sockets: sockets,
        isForeign: listener.isForeign)
    }
  }

  /// What clients and values are turned into keys with.
  public var hashKeys: HashKeys { process.roster.limits.keys }

  /// Has another process accept from now on: takes no more connections, lets requests in flight end for at most `time`
  /// nanoseconds, and leaves the paths of sockets alone. Returns when nothing is accepted any more.
  ///
  /// A connection of HTTP/1.1 that was used just now has time for one more request, which is answered with
  /// `Connection: close`: to close it at once would meet requests that are on their way.
  public func handOver(drainingFor time: Int64) {
    leavesPaths = true
    for worker in workers { worker.mailbox.drainsGently.store(true, ordering: .relaxed) }
    drain(for: time)
    let end = Clock.now().advanced(by: Engine.drainPatience)
    while !workers.allSatisfy({ $0.mailbox.isDraining.load(ordering: .acquiring) }), Clock.now() < end {
      Machine.rest(nanoseconds: 100 * .microsecond)
    }
  }

  /// Whether the paths of Unix sockets are left where they are at the end: they are another process's.
  public func leavePaths(_ leaves: Bool) { leavesPaths = leaves }

  /// Calls `body` with all that was counted, and notes it in `late`.
  public func forEachCount(noting late: LateCounts, _ body: (HandedCount) -> Void) {
    let (directory, now) = (blueprint.tenants, Clock.now())
    for (key, bucket) in process.roster.limits.allBuckets {
      if let spent = bucket.pointee.spent(at: now) { body(.shared(key: key, spent)) }
    }
    for tenant in 0..<TenantIndex(directory.capacity) where directory.isLive(tenant) {
      let account = process.ledger.account(tenant)
      if let spent = process.ledger.spent(of: tenant, in: directory, at: now) {
        late.spent[tenant] = spent
        body(.bucket(tenant: directory.name(of: tenant), spent))
      }
      let count = account.pointee.inFlight.load(ordering: .relaxed)
      guard count > 0 else { continue }
      late.inFlight[tenant] = count
      body(.inFlight(tenant: directory.name(of: tenant), count: count))
    }
    for tenant in process.roster.limits.meteredTenants() where directory.isLive(tenant) {
      guard let meters = process.roster.limits.meters(ifMadeFor: tenant) else { continue }
      let name = directory.name(of: tenant)
      meters.pointee.withBook { book in
        for line in book.handedLines(at: now) { body(.line(tenant: name, line)) }
        for key in book.handedKeys() { body(.key(tenant: name, key)) }
        for quota in book.quotas {
          let use = QuotaUse(tenant: name, limit: "", start: quota.meter.span.start, used: quota.meter.used)
          late.used[LateCounts.Quota(tenant: tenant, identity: quota.identity)] = quota.meter.used
          body(.quota(use, identity: quota.identity))
        }
      }
    }
  }

  /// Calls `body` with what requests in flight have changed since it was told last. Of buckets other than those of tenants'
  /// plain rates nothing is told any more.
  public func forEachLateCount(_ late: LateCounts, _ body: (HandedCount) -> Void) {
    let (directory, now) = (blueprint.tenants, Clock.now())
    for tenant in 0..<TenantIndex(directory.capacity) where directory.isLive(tenant) {
      let (tokens, spent) = process.ledger.spent(of: tenant, since: late.spent[tenant], in: directory, at: now)
      if tokens > 0 {
        late.spent[tenant] = spent
        body(.late(tenant: directory.name(of: tenant), tokens: tokens))
      }
      let count = process.ledger.account(tenant).pointee.inFlight.load(ordering: .relaxed)
      guard count != late.inFlight[tenant] ?? 0 else { continue }
      late.inFlight[tenant] = count > 0 ? count : nil
      body(.inFlight(tenant: directory.name(of: tenant), count: max(0, count)))
    }
    for tenant in process.roster.limits.meteredTenants() where directory.isLive(tenant) {
      guard let meters = process.roster.limits.meters(ifMadeFor: tenant) else { continue }
      for line in meters.pointee.withBook({ $0.quotas }) {
        let quota = LateCounts.Quota(tenant: tenant, identity: line.identity)
        let amount = line.meter.used - (late.used[quota] ?? 0)
        guard amount > 0 else { continue }
        late.used[quota] = line.meter.used
        body(.lateUse(tenant: directory.name(of: tenant), identity: line.identity, amount: amount))
      }
    }
  }

  /// Goes on with what the process before has counted: before clients are accepted, and, what is late, after that. Of tenants and limits that there are no
  /// more nothing is kept.
  public func restore(_ count: HandedCount) {
    let (directory, now) = (blueprint.tenants, Clock.now())
    switch count {
    case .shared(let key, let spent):
      process.roster.limits.allBuckets.first { $0.key == key }?.bucket.pointee.restore(spent, at: now)
    case .bucket(let name, let spent):
      let tenant = directory.tenant(name)
      if tenant >= 0 { process.ledger.restore(spent, of: tenant, in: directory, at: now) }
    case .line(let name, let line): withBook(of: name, directory) { $0.restore(line) }
    case .key(let name, let key): withBook(of: name, directory) { $0.restore(key) }
    case .quota(let use, let identity):
      withBook(of: use.tenant, directory) { $0.adopt(identity, start: use.start, used: use.used) }
    case .inFlight(let name, let count): noteElsewhere(directory.tenant(name), count)
    case .late(let name, let tokens):
      let tenant = directory.tenant(name)
      if tenant >= 0 { process.ledger.charge(tenant, in: directory, tokens: tokens, at: now) }
    case .lateUse(let name, let identity, let amount):
      withBook(of: name, directory) { _ = $0.use(quota: identity, amount) }
    }
  }

  private func withBook(of name: String, _ directory: TenantDirectory, _ body: (inout MeterBook) -> Void) {
    let tenant = directory.tenant(name)
    guard tenant >= 0 else { return }
    process.roster.limits.meters(of: tenant).pointee.withBook(body)
  }

  /// Counts requests of a tenant that are in flight in the process before this one.
  private func noteElsewhere(_ tenant: TenantIndex, _ count: Int32) {
    guard tenant >= 0, (0...Int32(Limit.mostElsewhere)).contains(count) else { return }
    elsewhere.withLock { elsewhere in
      process.ledger.account(tenant).pointee.inFlight.add(count - (elsewhere[tenant] ?? 0), ordering: .relaxed)
      elsewhere[tenant] = count == 0 ? nil : count
    }
  }

  /// Whether requests of a tenant are in flight in the process before this one.
  public func hasRequestsElsewhere(of name: String) -> Bool {
    elsewhere.withLock { $0.isEmpty ? false : $0[blueprint.tenants.tenant(name)] != nil }
  }

  /// The process before this one has no requests in flight any more.
  public func forgetElsewhere() {
    for tenant in elsewhere.withLock({ Array($0.keys) }) { noteElsewhere(tenant, 0) }
  }
}
