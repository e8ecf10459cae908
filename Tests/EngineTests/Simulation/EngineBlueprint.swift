import Balancing
import Primitives
import Tenancy

@testable import Engine

/// A configuration of a scenario as the engine is told it.
enum EngineBlueprint {
  static func make(_ scenario: Scenario, _ configuration: Configuration, previous: TenantDirectory? = nil) -> Blueprint
  {
    var random = SeededRandom(seed: scenario.seed &+ 77)
    var blueprint = Blueprint(tenants: directory(configuration, previous: previous))
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
      if configuration.declares(number) { blueprint.shards.append(shard) }
    }
    blueprint.unlistedShards = Array(blueprint.shards.indices)
    return blueprint
  }

  static func directory(_ configuration: Configuration, previous: TenantDirectory? = nil) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: [])
    for tenant in configuration.tenants where tenant.standing != .unknown {
      var record = TenantRecord(id: tenant.name)
      record.hosts = [tenant.host]
      record.home = tenant.home.map { home in (0..<home).count(where: configuration.declares) }
      record.epoch = tenant.epoch
      record.state = tenant.standing == .suspended ? .suspended : .active
      record.concurrency = Int32(tenant.concurrency)
      if let bucket = tenant.bucket {
        record.requests = RequestRate(count: bucket.count, period: bucket.period, burst: bucket.burst)
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
