/// Makes a directory out of the one in use. What does not change is shared with it, and readers of it see nothing.
///
/// Either all tenants are declared anew, as a configuration does, and those that are not named any more are gone; or
/// some are edited and all others stay. A tenant keeps its number as long as it is there; a number that was given up is
/// not given again: what was counted under it stays the old tenant's.
public struct TenantDirectoryBuilder: ~Copyable {
  private var store: TenantStore
  /// The directory in use.
  private let previous: TenantDirectory?
  /// Whether all tenants are declared anew.
  private let declaresAll: Bool
  /// Tenants and hosts declared so far.
  private var declared: BitRun
  private var claimed: BitRun
  /// The tenant added last and its hosts so far.
  private var last: TenantIndex = -1
  private var hostsOfLast: [Int32] = []

  /// A builder to which all tenants will be added.
  ///
  /// - Parameters:
  ///   - previous: the directory in use, if one is.
  ///   - planLimits: what each plan allows, by its place.
  ///   - unplanned: what tenants without plan may do.
  public init(
    previous: TenantDirectory?, planLimits: [TenantLimits], unplanned: TenantLimits = TenantLimits()
  ) {
    if let previous {
      store = TenantStore(copying: previous.store)
      store.replan(planLimits, unplanned: unplanned)
    } else {
      store = TenantStore(plans: planLimits, unplanned: unplanned)
    }
    self.previous = previous
    declaresAll = true
    declared = BitRun(capacity: previous?.capacity ?? 0)
    claimed = BitRun(capacity: previous?.store.hosts.count ?? 0)
  }

  /// A builder that keeps the tenants of `directory`, their plans too, but for those that are added or removed here.
  public init(editing directory: TenantDirectory) {
    store = TenantStore(copying: directory.store)
    previous = directory
    declaresAll = false
    declared = BitRun(capacity: 0)
    claimed = BitRun(capacity: directory.store.hosts.count)
  }

  // MARK: - tenants

  /// Adds a tenant with its hosts, in an edit in the place of the one of its name; after any other outcome than `added`
  /// the builder is only good to find further errors.
  public mutating func add(_ record: TenantRecord) -> AddOutcome {
    var id = record.id
    let outcome = id.withUTF8 { bytes in
      var line = TenantLine(id: bytes)
      line.plan = Int32(record.plan)
      line.home = Int32(record.home ?? -1)
      line.region = record.region
      line.epoch = record.epoch
      line.condition = record.condition
      line.requests = record.requests
      line.concurrency = record.concurrency
      line.policy = record.policy
      line.scheduling = record.scheduling
      line.file = Int32(record.file)
      line.line = Int32(record.line)
      return add(line)
    }
    guard outcome == .added else { return outcome }
    for host in record.hosts {
      var host = host
      let outcome = host.withUTF8 { add(host: $0) }
      if outcome != .added { return outcome }
    }
    return .added
  }

  /// Adds a tenant; its hosts follow by `add(host:)`.
  public mutating func add(_ line: TenantLine) -> AddOutcome {
    closeLast()
    let bytes = line.id.baseAddress!
    var tenant = store.tenant(id: bytes, line.id.count)
    if tenant >= 0 {
      if declaresAll, declared.contains(tenant) {
        let place = store.places[Int(tenant)].pointee
        return .duplicateTenant(file: Int(place.file), line: Int(place.line))
      }
      let epoch = store.entries[Int(tenant)].pointee.epoch
      if epoch > line.epoch { return .epochLower(current: epoch) }
      if !declaresAll { giveUpHosts(of: tenant) }
    } else {
      guard store.entries.count < TenantLedger.maximumTenants else { return .tooMany }
      tenant = store.insert(id: bytes, line.id.count)
      guard tenant >= 0 else { return .tooMany }
    }
    store.set(
      tenant, epoch: line.epoch, home: line.home, region: line.region, condition: line.condition,
      limits: LimitTable.Key(
        plan: line.plan,
        overrides: TenantOverrides(
          requests: line.requests, concurrency: line.concurrency, scheduling: line.scheduling, policy: line.policy),
        isPastDue: line.condition.state == .pastDue),
      inherited: line.inherited, place: TenantPlace(file: line.file, line: line.line))
    store.set(tenant, revision: revision(of: tenant))
    declared.insert(tenant)
    last = tenant
    return .added
  }

  /// Sets the condition and the placement of the tenant `id`, and leaves all else of it; false when there is none, or the
  /// epoch is below the one in use. For edits.
  public mutating func amend(_ id: String, _ condition: TenantCondition, home: Int32, epoch: UInt64) -> Bool {
    closeLast()
    let tenant = index(of: id)
    guard tenant >= 0 else { return false }
    let entry = store.entries[Int(tenant)].pointee
    guard entry.epoch <= epoch else { return false }
    var limits = store.limits.key(entry.limits)
    limits.isPastDue = condition.state == .pastDue
    store.set(
      tenant, epoch: epoch, home: home, region: entry.region, condition: condition, limits: limits,
      inherited: entry.inherited,
      place: store.places[Int(tenant)].pointee)
    store.set(tenant, revision: revision(of: tenant))
    return true
  }

  /// What `add` would say to this tenant in an edit, told without a change; a host that it has twice is not looked for.
  public mutating func outcome(of record: TenantRecord) -> AddOutcome {
    closeLast()
    let tenant = index(of: record.id)
    if tenant >= 0 {
      let epoch = store.entries[Int(tenant)].pointee.epoch
      if epoch > record.epoch { return .epochLower(current: epoch) }
    } else if store.entries.count >= TenantLedger.maximumTenants {
      return .tooMany
    }
    for host in record.hosts {
      let owner = owner(ofHost: host)
      guard owner >= 0, owner != tenant else { continue }
      let place = store.places[Int(owner)].pointee
      return .duplicateHost(file: Int(place.file), line: Int(place.line))
    }
    return .added
  }

  /// The tenant called `id` as it is by now, -1 when there is none.
  private func index(of id: String) -> TenantIndex {
    var id = id
    return id.withUTF8 { bytes in bytes.baseAddress.map { store.tenant(id: $0, bytes.count) } ?? -1 }
  }

  /// The tenant that has exactly this host, -1 when there is none.
  private func owner(ofHost host: String) -> TenantIndex {
    var name = host.hasPrefix("*") ? String(host.dropFirst()) : host
    let number = name.withUTF8 { bytes in bytes.baseAddress.map { store.host($0, bytes.count) } ?? -1 }
    return number < 0 ? -1 : store.hosts[Int(number)].pointee.tenant
  }

  /// The name of the tenant that has exactly this host by now; `nil` when there is none.
  public mutating func nameOfOwner(ofHost host: String) -> String? {
    closeLast()
    let owner = owner(ofHost: host)
    return owner < 0 ? nil : String(decoding: store.id(of: owner), as: UTF8.self)
  }

  /// Takes out the tenant `id`; false when there is none. For edits.
  public mutating func remove(_ id: String) -> Bool {
    closeLast()
    let tenant = index(of: id)
    guard tenant >= 0 else { return false }
    giveUpHosts(of: tenant)
    store.remove(tenant)
    return true
  }

  /// The revision of a tenant's rule: 0 for a new one, else one more than in the directory in use if its rate has changed.
  private func revision(of tenant: TenantIndex) -> UInt8 {
    guard let previous, previous.isLive(tenant) else { return 0 }
    let rate = store.limits.limits(store.entries[Int(tenant)].pointee.limits).pointee.requests.rate
    let hasChanged = previous.limits(of: tenant).pointee.requests.rate != rate
    return TokenBucket.revision(previous.revision(of: tenant), plus: hasChanged ? 1 : 0)
  }

  // MARK: - hosts

  /// Adds a host, lower case, of the tenant added last; `*.name` covers all names below.
  public mutating func add(host: UnsafeBufferPointer<UInt8>) -> AddOutcome {
    let isWildcard = host[0] == UInt8(ascii: "*")
    let bytes = host.baseAddress! + (isWildcard ? 1 : 0)
    let count = host.count - (isWildcard ? 1 : 0)
    var number = store.host(bytes, count)
    if number >= 0 {
      let owner = store.hosts[Int(number)].pointee.tenant
      // One that another tenant had before and has not claimed in this configuration changes hands.
      if claimed.contains(number) || (owner != last && !declaresAll) {
        let place = store.places[Int(owner)].pointee
        return .duplicateHost(file: Int(place.file), line: Int(place.line))
      }
      if owner != last { number = store.insert(host: bytes, count, of: last, from: number) }
    } else {
      number = store.insert(host: bytes, count, of: last, from: -1)
    }
    guard number >= 0 else { return .tooMany }
    claimed.insert(number)
    hostsOfLast.append(number)
    return .added
  }

  /// In an edit, a tenant declared anew claims its hosts anew.
  private mutating func giveUpHosts(of tenant: TenantIndex) {
    store.forEachHost(of: tenant) { claimed.remove($0) }
  }

  /// Frees the hosts that the tenant added last has no more.
  private mutating func closeLast() {
    guard last >= 0 else { return }
    store.setHosts(of: last, to: hostsOfLast) { claimed.contains($0) }
    hostsOfLast.removeAll(keepingCapacity: true)
    last = -1
  }

  // MARK: - the end

  /// The directory of all that was added, and in an edit of all that was there.
  public consuming func finish() -> TenantDirectory {
    closeLast()
    if declaresAll {
      for tenant in 0..<TenantIndex(store.entries.count) where !declared.contains(tenant) {
        if store.entries[Int(tenant)].pointee.isLive { store.remove(tenant) }
      }
      if store.isSparse { store = TenantDirectoryBuilder.packed(store) }
    }
    return TenantDirectory(store)
  }

  /// The same tenants without the room that others have left.
  private static func packed(_ sparse: borrowing TenantStore) -> TenantStore {
    var store = TenantStore(plans: sparse.limits.plans, unplanned: sparse.limits.unplanned)
    store.skip(to: sparse.entries.count)
    for tenant in 0..<TenantIndex(sparse.entries.count) where sparse.entries[Int(tenant)].pointee.isLive {
      let entry = sparse.entries[Int(tenant)].pointee
      store.restore(tenant, id: sparse.id(of: tenant))
      store.set(
        tenant, epoch: entry.epoch, home: entry.home, region: entry.region, condition: sparse.condition(of: tenant),
        limits: sparse.limits.key(entry.limits),
        inherited: entry.inherited, place: sparse.places[Int(tenant)].pointee)
      store.set(tenant, revision: sparse.revision(of: tenant))
      var list: [Int32] = []
      sparse.forEachHost(of: tenant) { host in
        let name = sparse.name(ofHost: host)
        list.append(store.insert(host: name.baseAddress!, name.count, of: tenant, from: -1))
      }
      store.setHosts(of: tenant, to: list) { _ in true }
    }
    return store
  }
}
