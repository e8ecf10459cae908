/// Builds a directory tenant by tenant; numbers given by the previous directory are kept.
///
/// A number that was given up is not given again: what was counted under it stays the old tenant's.
public struct TenantDirectoryBuilder: ~Copyable {
  private let previous: TenantDirectory?
  private var entries: GrowingMemory<TenantEntry>
  private var hosts: GrowingMemory<HostEntry>
  private var text: GrowingMemory<UInt8>
  private var limits: GrowingMemory<TenantLimits>
  private var ids: NameIndex
  private var hostNames: NameIndex
  private var hasWildcards = false
  private var count = 0
  private let planLimits: [TenantLimits]
  private var ownLimits: [OwnLimits: Int32] = [:]

  /// Limits of a tenant that differ from its plan's; equal ones are kept once.
  private struct OwnLimits: Hashable {
    var plan: Int32
    var overrides: TenantOverrides
  }

  /// A builder that knows the limits of each plan by its place.
  ///
  /// - Parameters:
  ///   - previous: the directory in use, if one is.
  ///   - planLimits: what each plan allows.
  ///   - expected: about how many tenants will be added; more are no error.
  public init(previous: TenantDirectory?, planLimits: [TenantLimits], expected: Int = 0) {
    let expected = max(expected, (previous?.count ?? 0) + 16)
    self.previous = previous
    self.planLimits = planLimits
    entries = GrowingMemory(capacity: max(expected, previous?.capacity ?? 0))
    hosts = GrowingMemory(capacity: max(expected, (previous?.hosts.count ?? 0) + 16))
    text = GrowingMemory(capacity: max(expected * 32, (previous?.text.count ?? 0) + 1024))
    limits = GrowingMemory(capacity: planLimits.count + 16)
    ids = NameIndex(capacity: expected)
    hostNames = NameIndex(capacity: expected)
    _ = limits.append(TenantLimits())
    for plan in planLimits { _ = limits.append(plan) }
    entries.fill(upTo: previous?.capacity ?? 0, with: TenantEntry())
  }

  /// Makes room for about `more` tenants with a host each, so that no table grows on the way.
  public mutating func expect(_ more: Int) {
    let more = min(more, TenantLedger.maximumTenants)
    if more > entries.capacity { entries.reserve(more - entries.count) }
    if more > hosts.capacity { hosts.reserve(more - hosts.count) }
    if more * 32 > text.capacity { text.reserve(more * 32 - text.count) }
    if ids.count == 0, more > 16 { ids = NameIndex(capacity: more) }
    if hostNames.count == 0, more > 16 { hostNames = NameIndex(capacity: more) }
  }

  /// Adds a tenant with its hosts; on any other outcome than `added` what was added before stays.
  public mutating func add(_ record: TenantRecord) -> AddOutcome {
    var id = record.id
    let outcome = id.withUTF8 { bytes in
      var line = TenantLine(id: bytes)
      line.plan = Int32(record.plan)
      line.home = Int32(record.home ?? -1)
      line.epoch = record.epoch
      line.state = record.state
      line.requests = record.requests
      line.concurrency = record.concurrency
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

  /// The tenant added last.
  private var last: TenantIndex = -1

  /// Adds a tenant; its hosts follow by `add(host:)`.
  public mutating func add(_ line: TenantLine) -> AddOutcome {
    let bytes = line.id.baseAddress!
    let hash = ByteHash.hash(bytes, line.id.count)
    let known = find(hash, bytes, line.id.count)
    if known >= 0 {
      let entry = entries.base[Int(known)]
      return .duplicateTenant(file: Int(entry.file), line: Int(entry.line))
    }
    let old = previous?.tenant(id: bytes, line.id.count) ?? -1
    if old >= 0, let previous, previous.epoch(of: old) > line.epoch {
      return .epochLower(current: previous.epoch(of: old))
    }
    let index = old >= 0 ? old : TenantIndex(entries.count)
    guard Int(index) < TenantLedger.maximumTenants else { return .tooMany }
    entries.fill(upTo: Int(index) + 1, with: TenantEntry())
    let start = text.append(bytes, line.id.count)
    let limits = place(of: line)
    var entry = TenantEntry()
    entry.epoch = line.epoch
    (entry.id, entry.idCount) = (UInt32(start), UInt8(line.id.count))
    (entry.file, entry.line) = (line.file, line.line)
    (entry.plan, entry.home, entry.state) = (Int16(line.plan), line.home, line.state)
    (entry.limits, entry.revision) = (limits, revision(of: old, limits))
    entry.come(inheriting: line.inherited)
    entries.base[Int(index)] = entry
    insertID(hash, index)
    count += 1
    last = index
    return .added
  }

  private func find(_ hash: UInt64, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TenantIndex {
    ids.find(hash) { tenant in
      let entry = entries.base[Int(tenant)]
      guard Int(entry.idCount) == count else { return false }
      for place in 0..<count where text.base[Int(entry.id) + place] != bytes[place] { return false }
      return true
    }
  }

  private mutating func insertID(_ hash: UInt64, _ index: TenantIndex) {
    let entries = entries.base
    let text = text.base
    ids.insert(hash, index) { ByteHash.hash(text + Int(entries[Int($0)].id), Int(entries[Int($0)].idCount)) }
  }

  /// The place of the limits that hold for a tenant.
  private mutating func place(of line: TenantLine) -> Int32 {
    guard line.requests != nil || line.concurrency != nil else { return line.plan + 1 }
    let own = OwnLimits(
      plan: line.plan, overrides: TenantOverrides(requests: line.requests, concurrency: line.concurrency))
    if let known = ownLimits[own] { return known }
    var merged = line.plan >= 0 ? planLimits[Int(line.plan)] : TenantLimits()
    if let rate = line.requests { merged.requests = TokenBucketRule(rate) }
    if let concurrency = line.concurrency { merged.concurrency = concurrency }
    let place = Int32(limits.append(merged))
    ownLimits[own] = place
    return place
  }

  /// The revision of the rule at `limits` for a tenant that was `old` before: one more than there, if the rate has changed.
  private func revision(of old: TenantIndex, _ limits: Int32) -> UInt8 {
    guard old >= 0, let previous else { return 0 }
    let hasChanged = previous.limits(of: old).pointee.requests.rate != self.limits.base[Int(limits)].requests.rate
    return UInt8((UInt64(previous.revision(of: old)) + (hasChanged ? 1 : 0)) % TokenBucket.revisions)
  }

  /// Adds a host, lower case, of the tenant added last; `*.name` covers all names below.
  public mutating func add(host: UnsafeBufferPointer<UInt8>) -> AddOutcome {
    let isWildcard = host[0] == UInt8(ascii: "*")
    let bytes = host.baseAddress! + (isWildcard ? 1 : 0)
    let length = host.count - (isWildcard ? 1 : 0)
    let hash = ByteHash.hash(bytes, length)
    let known = hostNames.find(hash) { number in
      let entry = hosts.base[Int(number)]
      guard Int(entry.count) == length else { return false }
      for place in 0..<length where text.base[Int(entry.start) + place] != bytes[place] { return false }
      return true
    }
    if known >= 0 {
      let entry = entries.base[Int(hosts.base[Int(known)].tenant)]
      return .duplicateHost(file: Int(entry.file), line: Int(entry.line))
    }
    hasWildcards = hasWildcards || isWildcard
    let start = text.append(bytes, length)
    let next = entries.base[Int(last)].firstHost
    let number = hosts.append(HostEntry(start: UInt32(start), tenant: last, next: next, count: UInt8(length)))
    entries.base[Int(last)].firstHost = Int32(number)
    insertHost(hash, Int32(number))
    return .added
  }

  private mutating func insertHost(_ hash: UInt64, _ number: Int32) {
    let hosts = hosts.base
    let text = text.base
    hostNames.insert(hash, number) { ByteHash.hash(text + Int(hosts[Int($0)].start), Int(hosts[Int($0)].count)) }
  }

  /// The directory of all that was added.
  public consuming func finish() -> TenantDirectory {
    // Moved out first: a value that is partly consumed can't be read.
    let (hasWildcards, count) = (hasWildcards, count)
    var overrides: [Int32: TenantOverrides] = [:]
    for (own, place) in ownLimits { overrides[place] = own.overrides }
    return TenantDirectory(
      entries: entries, hosts: hosts, text: text, limits: limits, ids: ids, hostNames: hostNames,
      hasWildcards: hasWildcards, overrides: overrides, count: count)
  }
}
