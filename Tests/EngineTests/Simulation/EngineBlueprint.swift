import Balancing
import Primitives
import Tenancy

@testable import Engine

/// A configuration of a scenario as the engine is told it.
enum EngineBlueprint {
  static func make(_ scenario: Scenario, _ configuration: Configuration, previous: TenantDirectory? = nil) -> Blueprint
  {
    var random = SeededRandom(seed: scenario.seed &+ 77)
    let policies = scenario.hasPolicies ? EngineBlueprint.policies(scenario, configuration) : []
    var blueprint = Blueprint(tenants: directory(configuration, previous: previous, policies: policies))
    blueprint.policies = policies.compactMap { $0 }
    blueprint.keepsRecords = true
    blueprint.bounds.bodySize = Int64(scenario.bodyBound)
    blueprint.showsRateLimits = random.chance(50)
    if scenario.hasStreams {
      blueprint.http2.streams = scenario.streamBound
      blueprint.listeners = (0..<configuration.listeners).map { _ in
        var listener = Listener(.tcp(IPAddress(v4: 0), port: 8_080))
        listener.protocols = .both
        return listener
      }
    }
    for (number, backends) in configuration.backends.enumerated() {
      var shard = Shard(name: "shard-\(number)")
      for place in backends.indices where backends[place] {
        let endpoint = Simulation.endpoint(number, place)
        shard.backends.append(Backend(endpoint: endpoint, name: "10.1.\(number).\(place):9000", weight: 1 + place))
      }
      shard.balance = random.pick(BalanceAlgorithm.allCases)
      shard.poolIdle = random.pick([0, 1, 64])
      if scenario.isSticky { shard.sticky = Sticky(cookie: "GHSESSION", lifetime: 3_600 * .second) }
      if scenario.hasHealthChecks {
        shard.health = HealthCheck(.http(method: "GET", path: "/healthz"))
        shard.health!.interval = scenario.checkInterval
      }
      shard.speaksHTTP2 = configuration.speaksFrames(number)
      shard.concurrency = concurrency(scenario, number)
      if scenario.seed % 4 == 1 { watch(&shard) }
      if configuration.declares(number) { blueprint.shards.append(shard) }
    }
    blueprint.unlistedShards = Array(blueprint.shards.indices)
    return blueprint
  }

  /// Has it looked at how requests to a shard fare: backends are taken out, and there is a budget, but a large one.
  private static func watch(_ shard: inout Shard) {
    shard.retry = RetryRules(percent: 100, floor: 10_000, attempts: 3)
    var rules = OutlierRules()
    rules.failures = 2
    rules.tenants = 2
    rules.ejection = 500 * .millisecond
    shard.outlier = rules
  }

  private static func concurrency(_ scenario: Scenario, _ shard: Int) -> ShardConcurrency? {
    guard shard < scenario.slots.count, scenario.slots[shard] > 0 else { return nil }
    var concurrency = ShardConcurrency(limit: Int32(scenario.slots[shard]))
    concurrency.queue = QueueRules(
      bound: scenario.waiting, wait: scenario.wait, target: scenario.seed % 3 == 0 ? 5 * .millisecond : 0)
    return concurrency
  }

  /// The policy of each tenant that has one: the bucket that the checker knows is that of all its paths, and its clients
  /// have no larger ones.
  private static func policies(_ scenario: Scenario, _ configuration: Configuration) -> [LimitPolicy?] {
    configuration.tenants.map { tenant in
      guard let bucket = tenant.bucket, tenant.standing != .unknown else { return nil }
      let rate = RequestRate(count: bucket.count, period: bucket.period, burst: bucket.burst)
      var policy = LimitPolicy()
      // What was let in ahead of time by an earlier rate may come later than that rate holds.
      let delay: Int64 = scenario.reloads.isEmpty ? 100 * .millisecond : 0
      policy.requests = [
        RequestLimit(.path(prefix: "/"), rate, delay: delay), RequestLimit(.client, rate, delay: delay),
        RequestLimit(.field(name: "Host"), RequestRate(count: 1, period: .second, burst: 1), isShadow: true),
      ]
      policy.quotas = [QuotaLimit(1 << 40, .bytes, per: .day), QuotaLimit(1 << 40, .requests, per: .hour)]
      (policy.connections, policy.connectionsPerClient) = (10_000, 10_000)
      policy.bandwidth = BandwidthLimit(outward: 4 << 20, inward: 4 << 20)
      return policy
    }
  }

  static func directory(
    _ configuration: Configuration, previous: TenantDirectory? = nil, policies: [LimitPolicy?] = []
  ) -> TenantDirectory {
    var nextPolicy: Int32 = 0
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: [])
    for (number, tenant) in configuration.tenants.enumerated() where tenant.standing != .unknown {
      var record = TenantRecord(id: tenant.name)
      record.hosts = [tenant.host]
      record.home = tenant.home.map { home in (0..<home).count(where: configuration.declares) }
      record.epoch = tenant.epoch
      record.condition.state = tenant.standing == .suspended ? .suspended : .active
      record.concurrency = Int32(tenant.concurrency)
      if let bucket = tenant.bucket {
        let hasPolicy = !policies.isEmpty && policies[number] != nil
        let width: Int64 = hasPolicy ? 2 : 1
        record.requests = RequestRate(
          count: width * bucket.count, period: bucket.period, burst: width * bucket.burst)
        if hasPolicy {
          record.policy = nextPolicy
          nextPolicy += 1
        }
      }
      let outcome = builder.add(record)
      precondition(outcome == .added, "\(outcome)")
    }
    return builder.finish()
  }

  /// The index of a tenant, -1 when it is unknown.
  static func index(of tenant: Scenario.Tenant, in directory: TenantDirectory) -> TenantIndex {
    let name = Array(tenant.name.utf8)
    return directory.tenant(id: name, name.count)
  }
}
