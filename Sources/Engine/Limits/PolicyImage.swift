import Primitives
import Tenancy

/// A limit of requests or a quota as the data path reads it: a level to be asked, and when it applies.
struct PolicyLevel: BitwiseCopyable {
  /// What is asked; the key is filled in for each request.
  var level: LimitLevel
  /// What its buckets are apart by.
  var scope: Scope
  /// The prefix of a path, or the name of a field in lower case.
  var text: NameBytes
  /// How the rate is shown; of no meaning for quotas.
  var rate: RequestRate

  enum Scope: UInt8, BitwiseCopyable {
    case all, path, client, field
  }
}

/// What some requests cost, as the data path reads it.
struct PolicyCost: BitwiseCopyable {
  /// The method; empty for any.
  var method: NameBytes
  var path: NameBytes
  var tokens: Int64
}

/// A policy as the data path reads it.
struct PolicyEntry: BitwiseCopyable {
  var levels: UnsafeMutablePointer<PolicyLevel>
  var levelCount: Int
  var costs: UnsafeMutablePointer<PolicyCost>
  var costCount: Int
  var connections: Int32
  var connectionsPerClient: Int32
  var bandwidth: BandwidthLimit
  /// Whether some level needs the wall clock.
  var hasQuota: Bool
}

/// The policies of a blueprint in the form the data path reads.
final class PolicyImage: @unchecked Sendable {
  // Unchecked: written before anybody else sees it, then only read.
  let entries: UnsafeMutablePointer<PolicyEntry>
  private let count: Int
  /// The zones of quotas; a level's `zone` is a place here.
  let zones: [TimeZoneTable]
  private var texts: [UnsafeMutablePointer<UInt8>] = []
  /// Buckets that tenants share, and the rate they will have.
  private var shared: [(bucket: UnsafeMutablePointer<SharedBucket>, rate: RequestRate)] = []

  init(_ blueprint: Blueprint, _ roster: LimitRoster) {
    count = blueprint.policies.count
    entries = .allocate(capacity: max(1, count))
    let names = blueprint.zones.keys.sorted()
    zones = [.utc] + names.map { blueprint.zones[$0]! }
    let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0 + 1)) })
    for (place, policy) in blueprint.policies.enumerated() { entries[place] = entry(policy, places, roster) }
  }

  deinit {
    for place in 0..<count {
      entries[place].levels.deallocate()
      entries[place].costs.deallocate()
    }
    entries.deallocate()
    for text in texts { text.deallocate() }
  }

  /// Makes the rates of this image those of the buckets that tenants share; for the control thread, before any worker is
  /// given the image.
  func refitShared(at now: Instant) {
    for (bucket, rate) in shared { bucket.pointee.refit(to: rate, at: now) }
  }

  private func entry(_ policy: LimitPolicy, _ zones: [String: Int32], _ roster: LimitRoster) -> PolicyEntry {
    var levels: [PolicyLevel] = []
    var labels = RequestLimit(.tenant, RequestRate(count: 0, period: 1, burst: 0))
    for limit in policy.requests where limit.scope == .tenant { labels = limit }
    let requests = policy.requests.prefix(LimitPolicy.mostLimits)
    for limit in requests where limit.isCapacity { levels.append(level(limit, roster)) }
    levels.append(level(labels, roster))
    for limit in requests where !limit.isCapacity && limit.scope != .tenant {
      levels.append(level(limit, roster))
    }
    for quota in policy.quotas.prefix(LimitPolicy.mostLimits) { levels.append(level(quota, zones, roster)) }
    let costs = policy.costs.map {
      PolicyCost(method: keep($0.method == "*" ? "" : $0.method), path: keep($0.path), tokens: $0.tokens)
    }
    let entry = PolicyEntry(
      levels: .allocate(capacity: levels.count), levelCount: levels.count,
      costs: .allocate(capacity: max(1, costs.count)), costCount: costs.count, connections: policy.connections,
      connectionsPerClient: policy.connectionsPerClient, bandwidth: policy.bandwidth,
      hasQuota: !policy.quotas.isEmpty)
    for (place, level) in levels.enumerated() { entry.levels[place] = level }
    for (place, cost) in costs.enumerated() { entry.costs[place] = cost }
    return entry
  }

  private func level(_ limit: RequestLimit, _ roster: LimitRoster) -> PolicyLevel {
    let isKeyed: Bool
    var scope = PolicyLevel.Scope.all
    var text = ""
    switch limit.scope {
    case .path(let prefix): (scope, text, isKeyed) = (.path, prefix, false)
    case .client: (scope, isKeyed) = (.client, true)
    case .field(let name): (scope, text, isKeyed) = (.field, name.lowercased(), true)
    case .process, .pool, .tenant: isKeyed = false
    }
    let own: LimitLevel.Kind = limit.scope == .tenant ? .account : isKeyed ? .keyed : .fixed
    let kind = limit.isCapacity ? .shared : own
    // A roster without room for a name knows the limit by that of all: it still holds.
    var level = LimitLevel(kind, number: max(0, roster.number(of: limit.name)))
    level.isShadow = limit.isShadow
    level.isCapacity = limit.isCapacity
    level.delay = limit.delay
    level.identity = Rendezvous.hash(limit.name)
    level.rule = TokenBucketRule(limit.rate)
    if limit.isCapacity {
      var key = "process"
      if case .pool(let plan) = limit.scope { key = "plan \(plan)" }
      let bucket = roster.bucket(key, rate: limit.rate)
      level.bucket = bucket
      level.revision = bucket.pointee.revision(for: limit.rate)
      if !shared.contains(where: { $0.bucket == bucket }) { shared.append((bucket, limit.rate)) }
    }
    return PolicyLevel(level: level, scope: scope, text: keep(text), rate: limit.rate)
  }

  private func level(_ quota: QuotaLimit, _ zones: [String: Int32], _ roster: LimitRoster) -> PolicyLevel {
    var level = LimitLevel(
      quota.unit == .bytes ? .byteQuota : .requestQuota, number: max(0, roster.number(of: quota.name)))
    level.identity = Rendezvous.hash(quota.name)
    level.amount = quota.amount
    level.soft = quota.soft
    level.period = quota.period
    level.zone = zones[quota.zone] ?? 0
    return PolicyLevel(
      level: level, scope: .all, text: keep(""), rate: RequestRate(count: quota.amount, period: 1, burst: quota.amount))
  }

  private func keep(_ text: String) -> NameBytes {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
    for (place, byte) in text.utf8.enumerated() { bytes[place] = byte }
    texts.append(bytes)
    return NameBytes(bytes: UnsafePointer(bytes), count: text.utf8.count)
  }
}
