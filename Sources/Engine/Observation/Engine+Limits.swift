import Platform
import Primitives
import Tenancy

/// A soft line that a tenant has crossed.
public struct LimitCrossing: Sendable {
  /// The tenant's name.
  public var tenant: String
  /// The name of the limit.
  public var limit: String
  /// Percent of the limit at which it is told of.
  public var soft: Int64
  /// What is used.
  public var used: Int64
  /// The most of it.
  public var amount: Int64
}

/// What is used of a quota, as it is kept over a restart.
public struct QuotaUse: Sendable, Hashable {
  /// The tenant's name.
  public var tenant: String
  /// The name of the quota.
  public var limit: String
  /// The first second of the period, since 1970.
  public var start: Int64
  /// What is used.
  public var used: Int64

  /// What `tenant` has used of the quota `limit` in the period that began at `start`.
  public init(tenant: String, limit: String, start: Int64, used: Int64) {
    self.tenant = tenant
    self.limit = limit
    self.start = start
    self.used = used
  }
}

/// A quota of a tenant, and what is used of it.
public struct QuotaState: Sendable, Equatable {
  /// The name of the quota.
  public var limit: String
  /// The most of it.
  public var amount: Int64
  /// Percent of it at which it is told of.
  public var soft: Int64
  /// What is used.
  public var used: Int64
  /// The first second, since 1970, of the period in which it was; 0 before the first use.
  public var start: Int64
}

extension Engine {
  /// The quotas of the tenant called `name`; `nil` when there is none.
  public func quotas(of name: String) -> [QuotaState]? {
    let blueprint = blueprint
    let tenant = blueprint.tenants.tenant(name)
    guard tenant >= 0 else { return nil }
    let policy = Int(blueprint.tenants.limits(of: tenant).pointee.policy)
    guard blueprint.policies.indices.contains(policy) else { return [] }
    let meters = process.roster.limits.meters(ifMadeFor: tenant)
    return blueprint.policies[policy].quotas.map { quota in
      let meter = meters?.pointee.withBook { $0.meter(of: Rendezvous.hash(quota.name)) } ?? QuotaMeter()
      return QuotaState(
        limit: quota.name, amount: quota.amount, soft: quota.soft, used: meter.used, start: meter.span.start)
    }
  }

  /// Has the quota `limit` of the tenant called `name` begin anew, or all that it has.
  public func resetQuotas(of name: String, limit: String?) {
    let tenant = blueprint.tenants.tenant(name)
    guard tenant >= 0, let meters = process.roster.limits.meters(ifMadeFor: tenant) else { return }
    for quota in quotas(of: name) ?? [] where limit == nil || quota.limit == limit {
      meters.pointee.withBook { $0.reset(Rendezvous.hash(quota.limit)) }
    }
  }

  /// Adds how much is used of the limits of the tenants that are told of.
  func addRatios(_ snapshot: inout MetricsSnapshot, _ blueprint: Blueprint) {
    let now = Clock.now()
    for place in snapshot.tenants.indices {
      let name = Array(snapshot.tenants[place].name.utf8)
      let tenant = blueprint.tenants.tenant(id: name, name.count)
      guard tenant >= 0 else { continue }
      snapshot.tenants[place].ratios = ratios(of: tenant, blueprint, at: now)
    }
  }

  private func ratios(
    of tenant: TenantIndex, _ blueprint: Blueprint, at now: Instant
  ) -> [(limit: String, ratio: Double)] {
    let directory = blueprint.tenants
    let limits = directory.limits(of: tenant).pointee
    let account = process.ledger.account(tenant)
    var ratios: [(limit: String, ratio: Double)] = []
    if !limits.requests.isUnlimited {
      let ratio = account.pointee.bucket.ratio(limits.requests, revision: directory.revision(of: tenant), at: now)
      ratios.append((limit: "requests", ratio: ratio))
    }
    if limits.concurrency > 0 {
      let inFlight = account.pointee.inFlight.load(ordering: .relaxed)
      ratios.append((limit: "concurrency", ratio: Double(inFlight) / Double(limits.concurrency)))
    }
    guard limits.policy >= 0, let meters = process.roster.limits.meters(ifMadeFor: tenant) else { return ratios }
    let policy = blueprint.policies[Int(limits.policy)]
    meters.pointee.withBook { book in
      for limit in policy.requests {
        guard let ratio = book.ratio(of: Rendezvous.hash(limit.name), at: now) else { continue }
        ratios.append((limit: limit.name, ratio: ratio))
      }
      for quota in policy.quotas {
        guard let used = book.used(of: Rendezvous.hash(quota.name)) else { continue }
        ratios.append((limit: quota.name, ratio: Double(used) / Double(quota.amount)))
      }
      if policy.connections > 0 {
        ratios.append((limit: "connections", ratio: Double(book.connections) / Double(policy.connections)))
      }
    }
    return ratios
  }

  /// Soft lines that were crossed since this was last asked. For the control thread.
  public func takeCrossings() -> [LimitCrossing] {
    let events = process.roster.limits.takeEvents()
    guard !events.isEmpty else { return [] }
    let (directory, names) = (blueprint.tenants, process.roster.limits.allNames)
    return events.compactMap { event in
      guard directory.isLive(event.tenant), names.indices.contains(Int(event.limit)) else { return nil }
      return LimitCrossing(
        tenant: directory.name(of: event.tenant), limit: names[Int(event.limit)], soft: event.soft, used: event.used,
        amount: event.amount)
    }
  }

  /// What has changed of quotas since this was last asked. For one thread at a time.
  public func takeQuotaChanges() -> [QuotaUse] {
    let (directory, names) = (blueprint.tenants, process.roster.limits.allNames)
    var changes: [QuotaUse] = []
    for tenant in process.roster.limits.meteredTenants() {
      guard let meters = process.roster.limits.meters(ifMadeFor: tenant) else { continue }
      let lines = meters.pointee.withBook { $0.hasChanged ? $0.takeChanged() : [] }
      guard !lines.isEmpty, directory.isLive(tenant) else { continue }
      let name = directory.name(of: tenant)
      for line in lines where names.indices.contains(Int(line.number)) {
        changes.append(
          QuotaUse(tenant: name, limit: names[Int(line.number)], start: line.meter.span.start, used: line.meter.used))
      }
    }
    return changes
  }

  /// Takes over what was kept of quotas; those that are in use already go on as they are.
  public func restore(_ uses: some Sequence<QuotaUse>) {
    let directory = blueprint.tenants
    for use in uses {
      let name = Array(use.tenant.utf8)
      let tenant = directory.tenant(id: name, name.count)
      guard !name.isEmpty, tenant >= 0 else { continue }
      let identity = Rendezvous.hash(use.limit)
      process.roster.limits.meters(of: tenant).pointee.withBook {
        $0.restore(identity, start: use.start, used: use.used)
      }
    }
  }
}
