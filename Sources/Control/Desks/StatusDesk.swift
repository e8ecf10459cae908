import Engine
import Glibc
import Telemetry

/// Tells how the process does.
struct StatusDesk {
  let engine: Engine
  let shared: Conductor.Shared
  let configPath: String

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/status", role: .viewer, summary: "How the proxy does.", response: "Status",
        handler: status),
      AdminRoute(
        method: "GET", path: "/v1/shards", role: .viewer, summary: "The shards and how their backends stand.",
        response: "ShardList", handler: shards),
    ]
  }

  @Sendable private func status(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    let blueprint = engine.blueprint
    let (active, idle) = engine.clientConnections
    let reload = shared.reload.withLock { $0 }
    let isReady = shared.isReady.load(ordering: .acquiring)
    let isDraining = shared.isDraining.load(ordering: .acquiring)
    let down = engine.shardStates().flatMap { shard in
      shard.backends.filter { !$0.isUp }.map { "\(shard.name) \($0.name)" }
    }
    let answer = StatusAnswer(
      version: Build.version, commit: Build.commit, pid: getpid(), configuration: configPath,
      started: ProcessFacts.current().startTime.map { AdminTime.text(Int64($0 * 1000) * 1_000_000) },
      state: isDraining ? "draining" : isReady ? "ready" : "starting", generation: blueprint.generation,
      lastReload: .init(
        successful: reload.isSuccessful, time: AdminTime.text(Int64(reload.lastSuccess * 1000) * 1_000_000)),
      workers: blueprint.workers, listeners: shared.addresses.withLock { $0.map { "\($0)" } },
      tenants: blueprint.tenants.count, shards: blueprint.shards.count, clients: .init(active: active, idle: idle),
      backendsDown: down, overload: Int(engine.overload.rawValue))
    return AdminAnswer(body: AdminJSON.bytes(answer))
  }

  @Sendable private func shards(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    return AdminAnswer(body: AdminJSON.bytes(AdminList(items: engine.shardStates().map { ShardAnswer($0) })))
  }
}

/// A list, or a page of one.
struct AdminList<Item: Codable & Sendable>: Codable, Sendable {
  var items: [Item]
  /// Where the next page begins; `nil` when there is none.
  var next: String?

  enum CodingKeys: CodingKey { case items, next }

  func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(items, forKey: .items)
    try members.encode(next, forKey: .next)
  }
}

/// How the process does.
struct StatusAnswer: Codable, Sendable {
  struct Reload: Codable, Sendable {
    var successful: Bool
    /// When a configuration was last put into use.
    var time: String
  }
  struct Clients: Codable, Sendable {
    var active: Int
    var idle: Int
  }

  var version: String
  var commit: String
  var pid: Int32
  var configuration: String
  var started: String?
  /// `starting`, `ready` or `draining`.
  var state: String
  var generation: UInt64
  var lastReload: Reload
  var workers: Int
  var listeners: [String]
  var tenants: Int
  var shards: Int
  /// Connections of clients.
  var clients: Clients
  /// Shard and address of backends that can't be chosen.
  var backendsDown: [String]
  /// What the process no longer does, 0 to 3.
  var overload: Int

  enum CodingKeys: String, CodingKey {
    case version, commit, pid, configuration, started, state, generation, workers, listeners, tenants, shards, clients
    case overload
    case lastReload = "last_reload"
    case backendsDown = "backends_down"
  }
}

/// A shard and how it stands.
struct ShardAnswer: Codable, Sendable {
  struct Slots: Codable, Sendable {
    var limit: Int
    var held: Int
    var waiting: Int
  }
  struct Backend: Codable, Sendable {
    var address: String
    var weight: Int
    /// `up`, `down` or `ejected`: whether it may be chosen.
    var health: String
    /// `active`, `draining` or `down`, as an operator wants it.
    var state: String
    /// Connections with a request, and without.
    var active: Int
    var idle: Int
    var answers: UInt64
    /// Of these with 500 or more.
    var errors: UInt64
    var ejections: UInt64
  }

  var name: String
  var region: String?
  var balance: String
  var standby: [String]
  var concurrency: Slots?
  var backends: [Backend]

  init(_ shard: ShardState) {
    name = shard.name
    region = shard.region
    balance = shard.balance
    standby = shard.standbys
    concurrency = shard.slots.map { Slots(limit: $0.limit, held: $0.held, waiting: $0.waiting) }
    backends = shard.backends.map { backend in
      Backend(
        address: backend.name, weight: backend.weight,
        health: backend.isUp ? "up" : backend.isEjected ? "ejected" : "down", state: backend.duty.name,
        active: backend.activeConnections,
        idle: backend.idleConnections, answers: backend.classes.reduce(0, &+), errors: backend.classes[4],
        ejections: backend.ejections)
    }
  }
}
