import Tenancy
import Testing

/// What a directory should say, kept in the simplest way: a dictionary and lists.
struct DirectoryModel {
  var tenants: [String: TenantRecord] = [:]
  /// Numbers that were ever given, and to whom.
  var numbers: [String: TenantIndex] = [:]
  var given: Set<TenantIndex> = []

  /// What declaring all of `records` anew should give: the first thing refused, or nothing.
  func refusal(ofAll records: [TenantRecord]) -> AddOutcome? {
    var seen: [String: TenantRecord] = [:]
    var owners: [String: TenantRecord] = [:]
    for record in records {
      if let other = seen[record.id] { return .duplicateTenant(file: other.file, line: other.line) }
      if let known = tenants[record.id], known.epoch > record.epoch { return .epochLower(current: known.epoch) }
      seen[record.id] = record
      for host in record.hosts {
        if let other = owners[host] { return .duplicateHost(file: other.file, line: other.line) }
        owners[host] = record
      }
    }
    return nil
  }

  /// What putting one tenant in should give.
  func refusal(of record: TenantRecord) -> AddOutcome? {
    if let known = tenants[record.id], known.epoch > record.epoch { return .epochLower(current: known.epoch) }
    for (place, host) in record.hosts.enumerated() {
      if let other = tenants.values.first(where: { $0.id != record.id && $0.hosts.contains(host) }) {
        return .duplicateHost(file: other.file, line: other.line)
      }
      if record.hosts[..<place].contains(host) { return .duplicateHost(file: record.file, line: record.line) }
    }
    return nil
  }

  /// Compares a directory with what it should say, and notes the numbers of tenants that are new.
  mutating func check(_ directory: TenantDirectory, hosts: [String]) {
    #expect(directory.count == tenants.count)
    for (id, record) in tenants {
      let tenant = directory.index(id)
      guard tenant >= 0 else {
        Issue.record("\(id) is not there")
        continue
      }
      #expect(directory.isLive(tenant) && directory.name(of: tenant) == id)
      if let known = numbers[id] { #expect(tenant == known) } else { #expect(given.insert(tenant).inserted) }
      numbers[id] = tenant
      #expect(directory.hosts(of: tenant) == record.hosts)
      #expect(directory.epoch(of: tenant) == record.epoch && directory.state(of: tenant) == record.condition.state)
      #expect(
        directory.home(of: tenant) == Int32(record.home ?? -1) && directory.plan(of: tenant) == Int32(record.plan))
      #expect(
        directory.overrides(of: tenant) == TenantOverrides(requests: record.requests, concurrency: record.concurrency))
      #expect(directory.source(of: tenant) == (record.file, record.line))
    }
    numbers = numbers.filter { tenants[$0.key] != nil }
    for tenant in given where !numbers.values.contains(tenant) { #expect(!directory.isLive(tenant)) }
    for host in hosts where !host.hasPrefix("*") {
      let found = directory.index(host: host)
      #expect((found < 0 ? nil : directory.name(of: found)) == owner(of: host))
    }
  }

  /// Whose a host is: an exact name first, then the longest wildcard.
  private func owner(of host: String) -> String? {
    func named(_ name: String) -> String? { tenants.values.first { $0.hosts.contains(name) }?.id }
    if let exact = named(host) { return exact }
    var rest = Substring(host)
    while let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if let found = named("*." + rest) { return found }
    }
    return nil
  }
}

extension TenantDirectory {
  func index(_ id: String) -> TenantIndex {
    var id = id
    return id.withUTF8 { tenant(id: $0.baseAddress!, $0.count) }
  }

  func index(host: String) -> TenantIndex {
    var host = host
    return host.withUTF8 { tenant(host: $0.baseAddress!, $0.count) }
  }
}
