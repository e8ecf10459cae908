import Primitives

/// The tenants of a blueprint: found by host or name, and what is decided for each. Immutable.
public final class TenantDirectory: @unchecked Sendable {
  // Unchecked: written by the builder before anybody else sees it, then only read.
  let store: TenantStore

  init(_ store: consuming TenantStore) { self.store = store }

  /// Tenants.
  public var count: Int { store.count }

  /// One more than the highest index.
  public var capacity: Int { store.entries.count }

  /// Whether a tenant has this index.
  public func isLive(_ tenant: TenantIndex) -> Bool {
    tenant >= 0 && Int(tenant) < store.entries.count && entry(tenant).isLive
  }

  @inline(__always)
  private func entry(_ tenant: TenantIndex) -> TenantEntry { store.entries[Int(tenant)].pointee }

  // MARK: - finding

  /// The tenant called by these bytes, -1 when there is none. Case counts.
  public func tenant(id: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex { store.tenant(id: id, count) }

  /// The tenant called `id`, -1 when there is none.
  public func tenant(_ id: String) -> TenantIndex {
    var id = id
    return id.withUTF8 { bytes in bytes.baseAddress.map { store.tenant(id: $0, bytes.count) } ?? -1 }
  }

  /// The tenant of a host in lower case, -1 when there is none: an exact name first, then the longest wildcard.
  public func tenant(host: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex {
    var isWildcard = false
    return store.tenant(host: host, count, isWildcard: &isWildcard)
  }

  /// The same, telling whether a wildcard matched.
  public func tenant(host: UnsafePointer<UInt8>, _ count: Int, isWildcard: inout Bool) -> TenantIndex {
    store.tenant(host: host, count, isWildcard: &isWildcard)
  }

  // MARK: - what holds for a tenant

  /// The place of its home shard, -1 when it has none.
  public func home(of tenant: TenantIndex) -> Int32 { entry(tenant).home }

  /// The epoch of its placement.
  public func epoch(of tenant: TenantIndex) -> UInt64 { entry(tenant).epoch }

  /// The region that it may not leave, by number from 1; 0 is none.
  public func region(of tenant: TenantIndex) -> UInt8 { entry(tenant).region }

  /// Whether nothing is to be said of it: it is served, none of tests, and may be anywhere.
  @inline(__always)
  public func isOrdinary(_ tenant: TenantIndex) -> Bool { entry(tenant).mark == 0 }

  /// Whether it is served, until when, and whether it is one of tests.
  public func condition(of tenant: TenantIndex) -> TenantCondition { store.condition(of: tenant) }

  /// Whether it is served.
  public func state(of tenant: TenantIndex) -> TenantState { store.condition(of: tenant).state }

  /// Calls `body` with each tenant whose condition changes by itself, and when: in milliseconds since 1970.
  public func forEachChange(_ body: (TenantIndex, Int64) -> Void) {
    for tenant in 0..<TenantIndex(store.terms.count) {
      let term = store.terms[Int(tenant)].pointee
      guard term.until != 0 || term.expiry != 0, isLive(tenant) else { continue }
      let change = condition(of: tenant).change
      if change > 0 { body(tenant, change) }
    }
  }

  /// The place of its plan, -1 without plan.
  public func plan(of tenant: TenantIndex) -> Int32 { store.limits.key(entry(tenant).limits).plan }

  /// What it may do; lives as long as the directory.
  public func limits(of tenant: TenantIndex) -> UnsafePointer<TenantLimits> {
    store.limits.limits(entry(tenant).limits)
  }

  /// The revision of the rule of its requests.
  public func revision(of tenant: TenantIndex) -> UInt8 { store.revision(of: tenant) }

  /// The rule of its requests with its revision.
  func rule(of tenant: TenantIndex) -> RevisedRule {
    RevisedRule(rule: limits(of: tenant).pointee.requests, revision: revision(of: tenant))
  }

  /// Its name; lives as long as the directory.
  public func idBytes(of tenant: TenantIndex) -> UnsafeBufferPointer<UInt8> { store.id(of: tenant) }

  /// Its name's hash, its key in rendezvous hashing.
  public func rendezvousHash(of tenant: TenantIndex) -> UInt64 { Rendezvous.hash(idBytes(of: tenant)) }

  // MARK: - for people

  /// Its name.
  public func name(of tenant: TenantIndex) -> String { String(decoding: idBytes(of: tenant), as: UTF8.self) }

  /// Its hosts, in the order they were declared.
  public func hosts(of tenant: TenantIndex) -> [String] {
    var names: [String] = []
    store.forEachHost(of: tenant) { host in
      let name = String(decoding: store.name(ofHost: host), as: UTF8.self)
      names.append(name.hasPrefix(".") ? "*" + name : name)
    }
    return names
  }

  /// The limits it has of its own, in place of its plan's.
  public func overrides(of tenant: TenantIndex) -> TenantOverrides {
    store.limits.key(entry(tenant).limits).overrides
  }

  /// What it has from the defaults, by what its table's line left out.
  public func inherited(by tenant: TenantIndex) -> TenantInheritance { entry(tenant).inherited }

  /// Where it was declared.
  public func source(of tenant: TenantIndex) -> (file: Int, line: Int) {
    let place = store.places[Int(tenant)].pointee
    return (Int(place.file), Int(place.line))
  }

  /// Calls `body` with each tenant that is in `previous` too and whose rule has another revision there.
  func forEachRevised(since previous: TenantDirectory, _ body: (TenantIndex) -> Void) {
    let hasOldRows = store.limits.hasRevisions(of: previous.store.limits)
    var index = 0
    while index < min(capacity, previous.capacity) {
      // Tenants whose entries nobody has written have the revision that their row has.
      if hasOldRows, store.entries.shares(index, with: previous.store.entries) {
        index = (index / SharedMemory<TenantEntry>.chunk + 1) * SharedMemory<TenantEntry>.chunk
        continue
      }
      let tenant = TenantIndex(index)
      if isLive(tenant), previous.isLive(tenant), revision(of: tenant) != previous.revision(of: tenant) { body(tenant) }
      index += 1
    }
  }
}
