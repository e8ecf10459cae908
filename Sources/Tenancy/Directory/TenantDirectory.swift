import Primitives

/// What the directory keeps of a tenant: 40 bytes.
struct TenantEntry: BitwiseCopyable {
  var epoch: UInt64 = 0
  var id: UInt32 = 0
  var line: Int32 = 0
  var limits: Int32 = 0
  var firstHost: Int32 = -1
  var home: Int32 = -1
  var plan: Int16 = -1
  var file: Int32 = 0
  var idCount: UInt8 = 0
  var state = TenantState.active
  /// Whether it is there, and what it has from the defaults.
  private var marks: UInt8 = 0
  /// Of the rule of its requests, below `TokenBucket.revisions`.
  var revision: UInt8 = 0

  var isLive: Bool { marks & 128 != 0 }
  var inherited: TenantInheritance { TenantInheritance(rawValue: marks & 15) }

  /// Makes the entry one that is there.
  mutating func come(inheriting inherited: TenantInheritance) { marks = 128 | inherited.rawValue }
}

/// What the directory keeps of a host: its name in the text, its tenant, the tenant's next host.
struct HostEntry: BitwiseCopyable {
  var start: UInt32
  var tenant: TenantIndex
  var next: Int32
  var count: UInt8
}

/// The tenants of a blueprint: found by host or name, and what is decided for each. Immutable.
///
/// A wildcard host is kept by what follows its `*`; no other host starts with a dot.
public final class TenantDirectory: @unchecked Sendable {
  // Unchecked: written by the builder before anybody else sees it, then only read.
  let entries: GrowingMemory<TenantEntry>
  let hosts: GrowingMemory<HostEntry>
  let text: GrowingMemory<UInt8>
  let limits: GrowingMemory<TenantLimits>
  let ids: NameIndex
  let hostNames: NameIndex
  let hasWildcards: Bool
  /// What the limits at a place say for themselves, beside a plan.
  private let overrides: [Int32: TenantOverrides]
  /// Tenants.
  public let count: Int

  init(
    entries: consuming GrowingMemory<TenantEntry>, hosts: consuming GrowingMemory<HostEntry>,
    text: consuming GrowingMemory<UInt8>, limits: consuming GrowingMemory<TenantLimits>, ids: consuming NameIndex,
    hostNames: consuming NameIndex, hasWildcards: Bool, overrides: [Int32: TenantOverrides], count: Int
  ) {
    self.entries = entries
    self.hosts = hosts
    self.text = text
    self.limits = limits
    self.ids = ids
    self.hostNames = hostNames
    self.hasWildcards = hasWildcards
    self.overrides = overrides
    self.count = count
  }

  /// One more than the highest index.
  public var capacity: Int { entries.count }

  /// Whether a tenant has this index.
  public func isLive(_ tenant: TenantIndex) -> Bool {
    tenant >= 0 && Int(tenant) < entries.count && entries.base[Int(tenant)].isLive
  }

  // MARK: - finding

  /// The tenant called by these bytes, -1 when there is none. Case counts.
  public func tenant(id: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex {
    ids.find(ByteHash.hash(id, count)) { tenant in
      let entry = entries.base[Int(tenant)]
      return Int(entry.idCount) == count && equal(Int(entry.id), id, count)
    }
  }

  /// The tenant of a host in lower case, -1 when there is none: an exact name first, then the longest wildcard.
  public func tenant(host: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex {
    var isWildcard = false
    return tenant(host: host, count, isWildcard: &isWildcard)
  }

  /// The same, telling whether a wildcard matched.
  public func tenant(host: UnsafePointer<UInt8>, _ count: Int, isWildcard: inout Bool) -> TenantIndex {
    guard count > 0, host[0] != UInt8(ascii: ".") else { return -1 }
    let exact = hostEntry(host, count)
    if exact >= 0 { return hosts.base[Int(exact)].tenant }
    guard hasWildcards else { return -1 }
    for place in 1..<max(1, count) where host[place] == UInt8(ascii: ".") {
      let entry = hostEntry(host + place, count - place)
      if entry >= 0 {
        isWildcard = true
        return hosts.base[Int(entry)].tenant
      }
    }
    return -1
  }

  @inline(__always)
  private func hostEntry(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    hostNames.find(ByteHash.hash(name, count)) { number in
      let entry = hosts.base[Int(number)]
      return Int(entry.count) == count && equal(Int(entry.start), name, count)
    }
  }

  @inline(__always)
  private func equal(_ start: Int, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let known = UnsafeRawPointer(text.base + start)
    let asked = UnsafeRawPointer(bytes)
    var place = 0
    while place + 8 <= count {
      if known.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        != asked.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      {
        return false
      }
      place += 8
    }
    while place < count {
      if text.base[start + place] != bytes[place] { return false }
      place += 1
    }
    return true
  }

  // MARK: - what holds for a tenant

  /// The place of its home shard, -1 when it has none.
  public func home(of tenant: TenantIndex) -> Int32 { entries.base[Int(tenant)].home }

  /// The epoch of its placement.
  public func epoch(of tenant: TenantIndex) -> UInt64 { entries.base[Int(tenant)].epoch }

  /// Whether it is served.
  public func state(of tenant: TenantIndex) -> TenantState { entries.base[Int(tenant)].state }

  /// The place of its plan, -1 without plan.
  public func plan(of tenant: TenantIndex) -> Int32 { Int32(entries.base[Int(tenant)].plan) }

  /// What it may do; lives as long as the directory.
  public func limits(of tenant: TenantIndex) -> UnsafePointer<TenantLimits> {
    UnsafePointer(limits.base + Int(entries.base[Int(tenant)].limits))
  }

  /// The revision of the rule of its requests.
  public func revision(of tenant: TenantIndex) -> UInt8 { entries.base[Int(tenant)].revision }

  /// The rule of its requests with its revision.
  func rule(of tenant: TenantIndex) -> RevisedRule {
    RevisedRule(rule: limits(of: tenant).pointee.requests, revision: revision(of: tenant))
  }

  /// Its name; lives as long as the directory.
  public func idBytes(of tenant: TenantIndex) -> UnsafeBufferPointer<UInt8> {
    let entry = entries.base[Int(tenant)]
    return UnsafeBufferPointer(start: text.base + Int(entry.id), count: Int(entry.idCount))
  }

  /// Its name's hash, its key in rendezvous hashing.
  public func rendezvousHash(of tenant: TenantIndex) -> UInt64 { Rendezvous.hash(idBytes(of: tenant)) }

  // MARK: - for people

  /// Its name.
  public func name(of tenant: TenantIndex) -> String { String(decoding: idBytes(of: tenant), as: UTF8.self) }

  /// Its hosts, in the order they were declared.
  public func hosts(of tenant: TenantIndex) -> [String] {
    var names: [String] = []
    var next = entries.base[Int(tenant)].firstHost
    while next >= 0 {
      let host = hosts.base[Int(next)]
      let bytes = UnsafeBufferPointer(start: text.base + Int(host.start), count: Int(host.count))
      let name = String(decoding: bytes, as: UTF8.self)
      names.append(name.hasPrefix(".") ? "*" + name : name)
      next = host.next
    }
    return names.reversed()
  }

  /// The limits it has of its own, in place of its plan's.
  public func overrides(of tenant: TenantIndex) -> TenantOverrides {
    overrides[entries.base[Int(tenant)].limits] ?? TenantOverrides()
  }

  /// What it has from the defaults, by what its table's line left out.
  public func inherited(by tenant: TenantIndex) -> TenantInheritance { entries.base[Int(tenant)].inherited }

  /// Where it was declared.
  public func source(of tenant: TenantIndex) -> (file: Int, line: Int) {
    let entry = entries.base[Int(tenant)]
    return (Int(entry.file), Int(entry.line))
  }
}
