import Primitives

/// Who takes part in a world and what they will do, all of it drawn from the world's seed.
///
/// Whatever is in it may be left out, and a world remains: that is how a failing one is made smaller.
struct Scenario {
  /// A tenant of a world.
  struct Tenant {
    var name: String
    var host: String
    var standing: Verdicts.Standing
    var bucket: RateBound.Bucket?
    var concurrency = 0
    /// The shard it lives on; `nil` when it is not listed.
    var home: Int?
    var epoch: UInt64 = 0
  }

  /// What worlds are drawn like. Those of earlier editions stay as they were, so that a seed that found a bug keeps its
  /// meaning.
  static let newestEdition = 5

  let seed: UInt64
  let edition: Int
  /// The seed of what happens by chance within the world.
  var worldSeed: UInt64
  let climate: Climate
  var workers = 1
  /// How bytes are split on their way; left to chance when it isn't said.
  var splits: Splits?
  /// Tenants as the first configuration has them.
  var tenants: [Tenant] = []
  /// Backends of each shard.
  var shards: [Int] = []
  var clients: [(plans: [Int], manners: Client.Manners)] = []
  var plans: [RequestPlan] = []
  var troubles: [Trouble] = []
  var reloads: [Reload] = []
  var drain: Drain?
  /// Listeners of the first configuration.
  var listeners = 1
  var bodyBound = 0
  var staleness = 0
  var hasHealthChecks = false
  var checkInterval: Int64 = 5 * .second
  var isSticky = false
  /// Whether tenants with a rate are held to it by a class of paths and by client, under a wider plain rate.
  var hasPolicies = false
  /// Whether HTTP/2 is spoken beside HTTP/1.1, and to which shards by the first configuration.
  var hasStreams = false
  var framedShards: [Bool] = []
  /// Streams at once that the proxy takes of a client, and a backend of the proxy.
  var streamBound = 128
  var originStreams = 128
  /// The window of streams to backends, if it is a small one.
  var originWindow: Int?
  /// Requests that each shard's backends are given at once, 0 for no bound; how many wait, and how long.
  var slots: [Int] = []
  var waiting = 10_000
  var wait: Int64 = 600 * .second
  /// Tenants that are moved.
  var moves: [PlannedMove] = []
  var random: SeededRandom

  init(seed: UInt64, isTransparent: Bool = false, edition: Int = newestEdition) {
    self.seed = seed
    self.edition = edition
    worldSeed = seed
    random = SeededRandom(seed: seed ^ 0x5CE0_A210)
    climate = isTransparent ? .calm : Climate.allCases[Int(seed % 4)]
    let isLarge = edition > 1 && !isTransparent && random.chance(6)
    workers = random.pick(isLarge ? [2, 4, 8] : [1, 1, 2, 3])
    shards = (0..<1 + random.below(isLarge ? 9 : 3)).map { _ in 1 + random.below(isLarge ? 5 : 3) }
    if isTransparent { shards = [1] }
    staleness = climate == .calm || climate == .limited ? 0 : random.pick([0, 20, 80])
    hasHealthChecks = climate == .rough && random.chance(40)
    isSticky = random.chance(40)
    if random.chance(20), !isTransparent { bodyBound = 20_000 }
    for number in 0..<2 + random.below(isLarge ? 60 : 5) { tenants.append(makeTenant(number, isTransparent)) }
    for _ in 0..<2 + random.below(isLarge ? 40 : 9) { makeClient(isTransparent, isLarge ? 3 : 8) }
    if edition > 1, !isTransparent { makeEvents() }
    if edition > 2, !isTransparent { makeStreams() }
    if edition > 3, !isTransparent { makeSlots() }
    if edition > 4, !isTransparent { makeMoves() }
  }

  /// Bounds of shards; where all is well nobody is to be refused for them.
  private mutating func makeSlots() {
    guard random.chance(50) else { return }
    slots = shards.map { _ in random.chance(70) ? 1 + random.below(6) : 0 }
    guard climate != .calm, climate != .limited, random.chance(50) else { return }
    waiting = 1 + random.below(12)
    wait = Int64(20 + random.below(3_000)) * .millisecond
  }

  /// The configuration the world begins with.
  var configuration: Configuration {
    Configuration(
      tenants: tenants, backends: shards.map { Array(repeating: true, count: $0) }, listeners: listeners,
      framed: framedShards)
  }

  static func bucket(_ random: inout SeededRandom) -> RateBound.Bucket {
    let period: Int64 = random.pick([.second, 60 * .second])
    return .init(count: Int64(1 + random.below(30)), period: period, burst: Int64(1 + random.below(6)))
  }

  private mutating func makeTenant(_ number: Int, _ isTransparent: Bool) -> Tenant {
    var tenant = Tenant(name: "tenant-\(number)", host: "t\(number).example", standing: .active)
    tenant.home = random.chance(80) ? random.below(shards.count) : nil
    tenant.epoch = UInt64(random.below(9))
    if isTransparent || number == 0 { return tenant }
    switch random.below(10) {
    case 0: tenant.standing = .unknown
    case 1: tenant.standing = .suspended
    case 2, 3, 4, 5:
      guard climate == .limited || climate == .rough else { break }
      tenant.standing = .limited
      tenant.bucket = Scenario.bucket(&random)
      if random.chance(40) { tenant.concurrency = 1 + random.below(3) }
    default: break
    }
    return tenant
  }
}
