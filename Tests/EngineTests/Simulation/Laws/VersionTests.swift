import Primitives
import Testing

@testable import Engine

/// The same request by HTTP/1.1 and by HTTP/2, to a backend of either, gets the same decision: tenant, shard, status,
/// code, body, trailers, and what the backend sees.
struct VersionTests {
  private func transcript(clients: Bool, shards: Bool, _ seed: UInt64) -> Transcript {
    let scenario = VersionTests.everyKind(seed: seed).changed {
      $0.clients[0].manners.isFramed = clients
      $0.framedShards = $0.shards.map { _ in shards }
    }
    let simulation = Simulation(scenario, tellsFinished: true)
    simulation.stage.transcript = Transcript()
    simulation.stage.transcript!.isOfAnyVersion = true
    let violations = simulation.run(EnginePlant(simulation))
    #expect(violations.isEmpty, "clients framed \(clients), shards framed \(shards)")
    return simulation.stage.transcript!
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func theVersionMakesNoDifference(_ seed: UInt64) {
    let plain = transcript(clients: false, shards: false, seed)
    #expect(plain.lines.count == VersionTests.count)
    for (clients, shards) in [(true, false), (false, true), (true, true)] {
      let difference = transcript(clients: clients, shards: shards, seed).difference(from: plain)
      #expect(difference == nil, "clients framed \(clients), shards framed \(shards)")
    }
  }

  private static let count = 24

  /// One client that asks in every way, of tenants of every standing, one request after the other.
  private static func everyKind(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: count, climate: .faulty, edition: 2)
    scenario.hasStreams = true
    scenario.isSticky = true
    scenario.bodyBound = 20_000
    scenario.shards = [1, 1]
    scenario.tenants = [
      Scenario.Tenant(name: "tenant-0", host: "t0.example", standing: .active, home: 0, epoch: 3),
      Scenario.Tenant(name: "tenant-1", host: "t1.example", standing: .active, home: 1),
      Scenario.Tenant(name: "tenant-2", host: "t2.example", standing: .suspended, home: 0),
      Scenario.Tenant(name: "tenant-3", host: "t3.example", standing: .unknown),
      Scenario.Tenant(
        name: "tenant-4", host: "t4.example", standing: .limited,
        bucket: RateBound.Bucket(count: 1, period: 3_600 * .second, burst: 2), home: 1),
    ]
    let tenants = [0, 1, 0, 1, 2, 3, 0, 1, 4, 4, 4, 4]
    for number in scenario.plans.indices {
      let plan = RequestPlan(number: number, tenant: tenants[number % tenants.count])
      scenario.plans[number] = plan
      ask(plan, scenario)
    }
    scenario.clients = [(Array(scenario.plans.indices), Client.Manners())]
    scenario.clients[0].manners.comesAt = 0
    return scenario
  }

  private static func ask(_ plan: RequestPlan, _ scenario: Scenario) {
    plan.responseSize = 100 * plan.number
    let isServed = scenario.tenants[plan.tenant].standing == .active
    switch plan.number {
    case 1: (plan.method, plan.responseFraming, plan.interim) = ("HEAD", .chunked, 2)
    case 2: (plan.method, plan.requestFraming, plan.requestSize) = ("POST", .length, 18_000)
    case 3:
      (plan.method, plan.requestFraming, plan.requestSize) = ("PUT", .chunked, 9_000)
      (plan.requestHasTrailers, plan.responseFraming, plan.responseHasTrailers) = (true, .chunked, true)
    case 6: (plan.status, plan.responseSize) = (204, 0)
    case 7: (plan.status, plan.responseSize) = (304, 0)
    case 12: (plan.method, plan.requestFraming, plan.requestSize) = ("POST", .length, 30_000)
    case 13: plan.faults = [.malformed(0)]
    case 14: plan.faults = [.silence]
    case 15:
      (plan.method, plan.requestFraming, plan.requestSize) = ("POST", .length, 10)
      plan.faults = [.closesUnanswered(resetting: true)]
    case 19: (plan.method, plan.responseSize) = ("DELETE", 60_000)
    default:
      guard isServed, plan.number % 2 == 0 else { return }
      (plan.method, plan.requestFraming, plan.requestSize) = ("PATCH", .chunked, 0)
    }
  }
}
