public import Balancing
import Platform
import Synchronization

/// A shard of the blueprint in use, and how it stands at the moment.
public struct ShardState: Sendable {
  /// Its name.
  public var name: String
  /// Where it stands, if that was said.
  public var region: String?
  /// How a backend is chosen, as the language calls it.
  public var balance: String
  /// The shards that serve while it can't, the first that can.
  public var standbys: [String]
  /// Its slots; `nil` when they are not bounded.
  public var slots: SlotMetrics?
  /// Its backends, in the order of the configuration.
  public var backends: [BackendStanding] = []
}

/// A backend of the blueprint in use, and how it stands at the moment.
public struct BackendStanding: Sendable {
  /// Its address as the configuration wrote it.
  public var name: String
  /// Its share beside the others.
  public var weight: Int
  /// Whether it may be chosen.
  public var isUp: Bool
  /// Whether it may not for what it answered to requests.
  public var isEjected: Bool
  /// How often it was taken out for that.
  public var ejections: UInt64
  /// What an operator wants of it.
  public var duty: BackendDuty
  /// Connections to it with a request, of HTTP/2 with at least one.
  public var activeConnections = 0
  /// Connections to it without.
  public var idleConnections = 0
  /// Responses by the first digit of their status: `classes[0]` counts 1xx.
  public var classes: [UInt64] = [0, 0, 0, 0, 0]
}

extension Engine {
  /// The shards of the blueprint in use, in its order. Any thread may ask.
  public func shardStates() -> [ShardState] {
    readmitBackends()
    let blueprint = self.blueprint
    return blueprint.shards.map { shard in
      let number = process.roster.number(ofShard: shard.name)
      var state = ShardState(
        name: shard.name, region: shard.region, balance: shard.balance.name,
        standbys: shard.standbys.map { blueprint.shards[$0].name })
      guard number >= 0 else { return state }
      if shard.concurrency != nil { state.slots = slots(ofShard: number) }
      state.backends = shard.backends.compactMap { standing(of: $0, shard, number) }
      return state
    }
  }

  private func standing(of backend: Backend, _ shard: Shard, _ number: Int32) -> BackendStanding? {
    let known = process.roster.number(
      ifKnown: backend, shard: number, tls: shard.tls, announcement: shard.announcement)
    guard let known else { return nil }
    let status = process.roster.statuses + known
    var standing = BackendStanding(
      name: backend.name, weight: backend.weight, isUp: status.pointee.isUp.load(ordering: .acquiring),
      isEjected: status.pointee.isEjected.load(ordering: .relaxed),
      ejections: status.pointee.ejections.load(ordering: .relaxed), duty: status.pointee.wanted)
    for worker in workers where worker.counters.backends.count > known {
      let row = worker.counters.backends.row(known)
      standing.activeConnections += Int(row[BackendPlace.active].current)
      standing.idleConnections += Int(row[BackendPlace.idle].current)
      for place in 0..<5 { standing.classes[place] += row[BackendPlace.classes + place].current }
    }
    return standing
  }

  /// Connections of clients, with a request in flight and without. Any thread may ask.
  public var clientConnections: (active: Int, idle: Int) {
    var count = (active: 0, idle: 0)
    for worker in workers {
      count.active += Int(worker.counters.mine[WorkerPlace.activeConnections].current)
      count.idle += Int(worker.counters.mine[WorkerPlace.idleConnections].current)
    }
    return count
  }
}
