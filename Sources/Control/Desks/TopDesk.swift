import Engine
import Primitives
import Tenancy

/// Tells which tenants were busiest over the last seconds.
struct TopDesk {
  /// What is told: as many as are asked for, and at most.
  static let usual = 20
  static let most = 1000

  let engine: Engine
  /// One call looks at a time: with a million tenants two looks take memory.
  private let turns = Turns(1)

  init(engine: Engine) { self.engine = engine }

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/top", role: .viewer, summary: "The busiest tenants of the next second.",
        response: "Top", query: ["limit"], handler: top)
    ]
  }

  @Sendable private func top(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let limit = try call.number("limit", in: 1...Int64(TopDesk.most)) ?? Int64(TopDesk.usual)
    try turns.take(call, patience: .seconds(10))
    defer { turns.giveBack() }
    let first = engine.tenantSample()
    guard call.pause(.seconds(1)) else { throw AdminProblem(503, "draining", "The proxy stops.") }
    let items = busiest(between: first, engine.tenantSample(), Int(limit), call.caller)
    return AdminAnswer(body: AdminJSON.bytes(TopAnswer(items: items)))
  }

  private func busiest(
    between first: TenantSample, _ second: TenantSample, _ limit: Int, _ caller: AdminCaller
  ) -> [TopAnswer.Item] {
    let directory = engine.blueprint.tenants
    let seconds = Double(second.time - first.time) / 1e9
    var busy: [(tenant: TenantIndex, was: TenantSample.Counts, now: TenantSample.Counts)] = []
    for (tenant, now) in second.counts where tenant < directory.capacity && directory.isLive(tenant) {
      let was = first.counts[tenant] ?? TenantSample.Counts()
      guard now.requests > was.requests || engine.inFlight(of: tenant) > 0 else { continue }
      if caller.tenants == nil || caller.mayReach(directory.name(of: tenant)) { busy.append((tenant, was, now)) }
    }
    busy.sort { ($1.now.requests &- $1.was.requests, $0.tenant) < ($0.now.requests &- $0.was.requests, $1.tenant) }
    return busy.prefix(limit).map { one in
      func rate(_ count: KeyPath<TenantSample.Counts, UInt64>) -> Double {
        // Three digits are enough of what is counted in a second.
        (Double(one.now[keyPath: count] &- one.was[keyPath: count]) / seconds * 1000).rounded() / 1000
      }
      return TopAnswer.Item(
        tenant: directory.name(of: one.tenant), requests: rate(\.requests), errors: rate(\.errors),
        limited: rate(\.limited), bytesIn: rate(\.bytesIn), bytesOut: rate(\.bytesOut),
        inFlight: engine.inFlight(of: one.tenant))
    }
  }
}
