import Primitives
import Tenancy

/// A tenant that an operator moves while its requests come.
struct PlannedMove {
  /// Nanoseconds from the start of the world.
  var at: Int64
  var tenant: Int
  /// The shard it goes to.
  var shard: Int
  var mode: MoveMode
  /// How long requests are held at most, and how many.
  var hold: Int64
  var requests: Int
  /// How long somebody takes to say that it may go on; `nil` asks nobody.
  var confirmation: Int64?
  /// When somebody will not have it after all, after its start; `nil` is never.
  var cancellation: Int64?
}

extension Scenario {
  /// Moves of tenants that live somewhere, among all else that happens.
  mutating func makeMoves() {
    guard shards.count > 1, random.chance(70) else { return }
    for _ in 0..<1 + random.below(4) {
      let tenant = random.below(tenants.count)
      guard let home = tenants[tenant].home, tenants[tenant].standing != .unknown else { continue }
      moves.append(
        PlannedMove(
          at: Int64(random.below(4_000)) * .millisecond, tenant: tenant,
          shard: (home + 1 + random.below(shards.count - 1)) % shards.count, mode: random.pick(MoveMode.allCases),
          hold: Int64(50 + random.below(3_000)) * .millisecond, requests: random.pick([1, 3, 1_000, 1_000]),
          confirmation: random.chance(50) ? Int64(random.below(900)) * .millisecond : nil,
          cancellation: random.chance(20) ? Int64(random.below(3_000)) * .millisecond : nil))
    }
  }

  /// One in which most that happens is that tenants are moved while much is under way.
  static func moved(seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed &* 4, edition: 3)
    scenario.drain = nil
    scenario.reloads = []
    if scenario.shards.count == 1 { scenario.shards.append(2) }
    if scenario.hasStreams { scenario.framedShards = scenario.shards.map { _ in false } }
    for number in scenario.tenants.indices {
      scenario.tenants[number].home = 0
      scenario.moves.append(
        PlannedMove(
          at: Int64(200 + scenario.random.below(1_500)) * .millisecond, tenant: number, shard: 1, mode: .hold,
          hold: 3 * .second, requests: 2, confirmation: Int64(scenario.random.below(900)) * .millisecond))
    }
    return scenario
  }
}
