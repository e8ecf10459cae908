/// All that a directory holds, in memory that versions share: a copy costs nothing, and a change to it copies the chunks
/// it touches.
struct TenantStore: ~Copyable {
  private(set) var entries: SharedMemory<TenantEntry>
  private(set) var places: SharedMemory<TenantPlace>
  /// Shorter than `entries` when no later tenant has a term.
  private(set) var terms: SharedMemory<TenantTerm>
  private(set) var hosts: SharedMemory<HostEntry>
  private(set) var text: NameText
  private(set) var limits: LimitTable
  private var ids: NameIndex
  private var hostNames: NameIndex
  private var firstFreeHost: Int32
  private var wildcards: Int
  /// Tenants.
  private(set) var count: Int

  /// No tenants, and what each plan will allow them.
  init(plans: [TenantLimits], unplanned: TenantLimits = TenantLimits()) {
    entries = SharedMemory()
    places = SharedMemory()
    terms = SharedMemory()
    hosts = SharedMemory()
    text = NameText()
    limits = LimitTable(plans: plans, unplanned: unplanned)
    ids = NameIndex()
    hostNames = NameIndex()
    firstFreeHost = -1
    wildcards = 0
    count = 0
  }

  /// The same tenants as in `other`, to be changed apart from them.
  init(copying other: borrowing TenantStore) {
    entries = other.entries.copy()
    places = other.places.copy()
    terms = other.terms.copy()
    hosts = other.hosts.copy()
    text = other.text.copy()
    limits = other.limits.copy()
    ids = other.ids.copy()
    hostNames = other.hostNames.copy()
    firstFreeHost = other.firstFreeHost
    wildcards = other.wildcards
    count = other.count
  }

  /// Whether most of what is held is of tenants and hosts that are gone.
  var isSparse: Bool {
    text.extent > SharedMemory<UInt32>.chunk && text.used < text.extent / 2
  }

  // MARK: - finding

  /// The tenant called by these bytes, -1 when there is none.
  @inline(__always)
  func tenant(id: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex { tenant(id: id, count, ByteHash.hash(id, count)) }

  @inline(__always)
  private func tenant(id: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64) -> TenantIndex {
    ids.find(hash) { tenant in
      let entry = entries[Int(tenant)]
      return Int(entry.pointee.idCount) == count && text.equals(entry.pointee.id, id, count)
    }
  }

  /// The host of exactly this name, -1 when there is none.
  @inline(__always)
  func host(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int32 { host(name, count, ByteHash.hash(name, count)) }

  @inline(__always)
  private func host(_ name: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64) -> Int32 {
    hostNames.find(hash) { number in
      let entry = hosts[Int(number)]
      return Int(entry.pointee.count) == count && text.equals(entry.pointee.name, name, count)
    }
  }

  /// The tenant of a host in lower case, -1 when there is none: an exact name first, then the longest wildcard.
  @inline(__always)
  func tenant(host: UnsafePointer<UInt8>, _ count: Int, isWildcard: inout Bool) -> TenantIndex {
    guard count > 0, host[0] != UInt8(ascii: ".") else { return -1 }
    let exact = self.host(host, count)
    if exact >= 0 { return hosts[Int(exact)].pointee.tenant }
    guard wildcards > 0 else { return -1 }
    for place in 1..<max(1, count) where host[place] == UInt8(ascii: ".") {
      let entry = self.host(host + place, count - place)
      if entry >= 0 {
        isWildcard = true
        return hosts[Int(entry)].pointee.tenant
      }
    }
    return -1
  }

  /// The host that has this name, probably: the first whose hash fits, not compared; -1 when there is none.
  @inline(__always)
  func guess(host: UnsafePointer<UInt8>, _ count: Int) -> Int32 { hostNames.guess(ByteHash.hash(host, count)) }

  /// The name of a tenant.
  func id(of tenant: TenantIndex) -> UnsafeBufferPointer<UInt8> {
    let entry = entries[Int(tenant)]
    return UnsafeBufferPointer(start: text.bytes(at: entry.pointee.id), count: Int(entry.pointee.idCount))
  }

  /// The name of a host, without the `*` of a wildcard.
  func name(ofHost host: Int32) -> UnsafeBufferPointer<UInt8> {
    let entry = hosts[Int(host)]
    return UnsafeBufferPointer(start: text.bytes(at: entry.pointee.name), count: Int(entry.pointee.count))
  }

  /// Calls `body` with each host of a tenant, in the order in which they were declared; `body` may free the host.
  func forEachHost(of tenant: TenantIndex, _ body: (Int32) -> Void) {
    var host = entries[Int(tenant)].pointee.firstHost
    while host >= 0 {
      let next = hosts[Int(host)].pointee.next
      body(host)
      host = next
    }
  }

  // MARK: - tenants

  /// Leaves out the indices below `capacity` that were given before.
  mutating func skip(to capacity: Int) {
    while entries.count < capacity {
      entries.append(TenantEntry())
      places.append(TenantPlace())
    }
  }

  /// Adds a tenant with a new index; -1 when there is no room for its name.
  mutating func insert(id: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex {
    let tenant = TenantIndex(entries.count)
    guard let address = text.add(id, count) else { return -1 }
    entries.append(TenantEntry(id: address, idCount: UInt8(count), isLive: true))
    places.append(TenantPlace())
    ids.insert(ByteHash.hash(id, count), tenant)
    self.count += 1
    return tenant
  }

  /// Gives a tenant its old index, which is free.
  mutating func restore(_ tenant: TenantIndex, id: UnsafeBufferPointer<UInt8>) {
    guard let start = id.baseAddress, let address = text.add(start, id.count) else { return }
    entries.writable(Int(tenant)).pointee = TenantEntry(id: address, idCount: UInt8(id.count), isLive: true)
    ids.insert(ByteHash.hash(start, id.count), tenant)
    count += 1
  }

  /// Sets what holds for a tenant; what is so already is not written.
  mutating func set(
    _ tenant: TenantIndex, epoch: UInt64, home: Int32, region: UInt8, condition: TenantCondition,
    limits key: LimitTable.Key,
    inherited: TenantInheritance, place: TenantPlace
  ) {
    let known = entries[Int(tenant)].pointee
    var entry = known
    entry.epoch = epoch
    entry.home = home
    entry.region = region
    entry.mark = condition.mark | (region != 0 ? TenantCondition.regionMark : 0)
    set(tenant, TenantTerm(until: condition.until, expiry: condition.expiry))
    entry.inherited = inherited
    if known.limits < 0 || limits.key(known.limits) != key {
      entry.limits = limits.enter(key)
      if known.limits >= 0 { limits.leave(known.limits) }
    }
    if entry != known { entries.writable(Int(tenant)).pointee = entry }
    if places[Int(tenant)].pointee != place { places.writable(Int(tenant)).pointee = place }
  }

  /// The condition of a tenant.
  func condition(of tenant: TenantIndex) -> TenantCondition {
    let mark = entries[Int(tenant)].pointee.mark
    let term = Int(tenant) < terms.count ? terms[Int(tenant)].pointee : TenantTerm()
    return TenantCondition(
      TenantState(rawValue: mark & ~(TenantCondition.testMark | TenantCondition.regionMark)) ?? .active,
      until: term.until,
      isTest: mark & TenantCondition.testMark != 0, expiry: term.expiry)
  }

  private mutating func set(_ tenant: TenantIndex, _ term: TenantTerm) {
    if Int(tenant) >= terms.count {
      guard term != TenantTerm() else { return }
      while terms.count <= Int(tenant) { terms.append(TenantTerm()) }
    }
    if terms[Int(tenant)].pointee != term { terms.writable(Int(tenant)).pointee = term }
  }

  /// The revision of the rule of a tenant's requests.
  @inline(__always)
  func revision(of tenant: TenantIndex) -> UInt8 {
    let entry = entries[Int(tenant)]
    return TokenBucket.revision(limits.revision(entry.pointee.limits), plus: entry.pointee.revision)
  }

  /// Sets the revision of the rule of a tenant's requests.
  mutating func set(_ tenant: TenantIndex, revision: UInt8) {
    let known = self.revision(of: tenant)
    guard revision != known else { return }
    let entry = entries.writable(Int(tenant))
    let ahead = UInt8(TokenBucket.revisions) + revision - known
    entry.pointee.revision = TokenBucket.revision(entry.pointee.revision, plus: ahead)
  }

  /// Takes a tenant out; its index is not given again.
  mutating func remove(_ tenant: TenantIndex) {
    setHosts(of: tenant, to: []) { _ in false }
    let entry = entries[Int(tenant)].pointee
    let name = id(of: tenant)
    if let start = name.baseAddress { _ = ids.remove(ByteHash.hash(start, name.count), tenant) }
    text.remove(entry.id, Int(entry.idCount))
    if entry.limits >= 0 { limits.leave(entry.limits) }
    set(tenant, TenantTerm())
    entries.writable(Int(tenant)).pointee = TenantEntry()
    places.writable(Int(tenant)).pointee = TenantPlace()
    count -= 1
  }

  /// Takes over new plans.
  mutating func replan(_ plans: [TenantLimits], unplanned: TenantLimits) {
    limits.replan(plans, unplanned: unplanned)
  }

  // MARK: - hosts

  /// Adds a host that nobody has, or, given the number of the one that has it, takes it from them; -1 when there is no
  /// room for its name. The tenant's list is made by `setHosts(of:to:isKept:)`.
  mutating func insert(host name: UnsafePointer<UInt8>, _ count: Int, of tenant: TenantIndex, from old: Int32) -> Int32
  {
    guard hosts.count < Int(Int32.max) - 1, let address = text.add(name, count) else { return -1 }
    let entry = HostEntry(name: address, tenant: tenant, next: -1, count: UInt8(count))
    var number = firstFreeHost
    if number < 0 {
      number = Int32(hosts.append(entry))
    } else {
      firstFreeHost = hosts[Int(number)].pointee.next
      hosts.writable(Int(number)).pointee = entry
    }
    let hash = ByteHash.hash(name, count)
    if old >= 0 { hostNames.renumber(hash, old, to: number) } else { hostNames.insert(hash, number) }
    if name[0] == UInt8(ascii: ".") { wildcards += 1 }
    return number
  }

  /// Makes `list` the hosts of a tenant, in this order, and frees those it had before and for which `isKept` does not
  /// hold; a list that is so already is not written.
  mutating func setHosts(of tenant: TenantIndex, to list: [Int32], isKept: (Int32) -> Bool) {
    if isList(list, of: tenant) { return }
    var host = entries[Int(tenant)].pointee.firstHost
    while host >= 0 {
      let next = hosts[Int(host)].pointee.next
      if !isKept(host) { free(host: host) }
      host = next
    }
    var next: Int32 = -1
    for host in list.reversed() {
      if hosts[Int(host)].pointee.next != next { hosts.writable(Int(host)).pointee.next = next }
      next = host
    }
    if entries[Int(tenant)].pointee.firstHost != next { entries.writable(Int(tenant)).pointee.firstHost = next }
  }

  private func isList(_ list: [Int32], of tenant: TenantIndex) -> Bool {
    var host = entries[Int(tenant)].pointee.firstHost
    for wanted in list {
      guard host == wanted else { return false }
      host = hosts[Int(host)].pointee.next
    }
    return host < 0
  }

  private mutating func free(host: Int32) {
    let name = name(ofHost: host)
    if let start = name.baseAddress {
      // Not there when another tenant has taken it over.
      _ = hostNames.remove(ByteHash.hash(start, name.count), host)
      if start[0] == UInt8(ascii: ".") { wildcards -= 1 }
    }
    text.remove(hosts[Int(host)].pointee.name, name.count)
    hosts.writable(Int(host)).pointee = HostEntry(name: 0, tenant: -1, next: firstFreeHost, count: 0)
    firstFreeHost = host
  }
}
