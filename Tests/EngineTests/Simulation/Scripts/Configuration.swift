import Primitives

/// What the proxy of a world is told, from one reload to the next.
struct Configuration {
  /// All tenants of the world by number; those whose standing is `unknown` are not declared.
  var tenants: [Scenario.Tenant]
  /// Which backends of each shard are declared.
  var backends: [[Bool]]
  /// How many listeners there are; clients may come to listener 0 always, to 1 at times.
  var listeners = 1
  /// Which shards are spoken to in HTTP/2, and which are not declared; none when it isn't said.
  var framed: [Bool] = []
  var isGone: [Bool] = []

  /// Whether a shard is spoken to in HTTP/2.
  func speaksFrames(_ shard: Int) -> Bool { shard < framed.count && framed[shard] }
  /// Whether a shard is declared.
  func declares(_ shard: Int) -> Bool { shard >= isGone.count || !isGone[shard] }

  /// Changes one thing or another, as operators do all day: none of it may harm a request.
  mutating func change(_ random: inout SeededRandom, allowsLimits: Bool) {
    for _ in 0..<1 + random.below(4) { changeOnce(&random, allowsLimits) }
  }

  private mutating func changeOnce(_ random: inout SeededRandom, _ allowsLimits: Bool) {
    let number = random.below(tenants.count)
    switch random.below(9) {
    case 0: tenants[number].toggle(.unknown)
    case 1: tenants[number].toggle(.suspended)
    case 2, 3, 4: move(number, &random)
    case 5, 6: if allowsLimits { limit(number, &random) }
    case 7:
      let shard = random.below(backends.count)
      let place = random.below(backends[shard].count)
      backends[shard][place].toggle()
      if !backends[shard].contains(true) { backends[shard][place] = true }
    default: listeners = 3 - listeners
    }
  }

  /// Gives a tenant a new home, or none, with a higher epoch.
  private mutating func move(_ number: Int, _ random: inout SeededRandom) {
    tenants[number].home = random.chance(85) ? random.below(backends.count) : nil
    tenants[number].epoch += 1 + UInt64(random.below(3))
  }

  /// Gives a tenant other limits, or none.
  private mutating func limit(_ number: Int, _ random: inout SeededRandom) {
    guard [.active, .limited].contains(tenants[number].standing) else { return }
    tenants[number].bucket = random.chance(70) ? Scenario.bucket(&random) : nil
    tenants[number].concurrency = random.chance(40) ? 1 + random.below(3) : 0
    tenants[number].standing = tenants[number].served
  }
}

extension Scenario.Tenant {
  /// What it is when it is served.
  fileprivate var served: Verdicts.Standing { bucket != nil || concurrency > 0 ? .limited : .active }

  /// Takes a tenant out of service, or into it.
  fileprivate mutating func toggle(_ other: Verdicts.Standing) { standing = standing == other ? served : other }
}

/// A configuration, and when it is put into use.
struct Reload {
  /// Nanoseconds from the start of the world.
  var at: Int64
  var configuration: Configuration
}

/// A stop: the process no longer accepts, and ends what is in flight.
struct Drain {
  /// Nanoseconds from the start of the world.
  var at: Int64
  /// How long it waits.
  var time: Int64
}
