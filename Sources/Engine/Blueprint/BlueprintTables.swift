import Balancing
import HTTP
import Primitives
import Tenancy

/// Bytes of a name that lives as long as its image.
struct NameBytes: BitwiseCopyable {
  let bytes: UnsafePointer<UInt8>
  let count: Int
}

/// A shard as the data path reads it.
struct ShardEntry: BitwiseCopyable {
  /// Its number in the roster.
  var number: Int32
  /// Its backends in the image's list.
  var firstBackend: Int32
  var backendCount: Int32
  var balance: BalanceAlgorithm
  var name: NameBytes
  /// Its name's hash: its place in rendezvous hashing, and in affinity cookies.
  var hash: UInt64
  /// The affinity cookie's name, empty when there is none.
  var cookie: NameBytes
  /// How long the cookie is good for, in seconds.
  var cookieLifetime: Int64
  var speaksHTTP2: Bool
  /// Its slots; `nil` when they are not bounded.
  var gate: UnsafeMutablePointer<ShardGate>?
  /// What is looked at of its requests; `nil` when nothing is.
  var watch: UnsafeMutablePointer<ShardWatch>?
  /// What becomes of what is seen.
  var rules: WatchRules
  /// How connections to its backends say whom they speak for.
  var announcement: ProxyHeader.Form
  /// Whether it serves tenants of tests.
  var isTest: Bool
  /// The region it stands in, by number; 0 is none.
  var region: UInt8
}

/// A backend as the data path reads it.
struct BackendEntry: BitwiseCopyable {
  /// Its number in the roster.
  var number: Int32
  var weight: Int32
  /// Unused connections kept to it.
  var poolIdle: Int32
  /// Whether each of them carries requests of one tenant only.
  var isDedicated: Bool
  /// What an affinity cookie calls it: a hash of shard and address.
  var key: UInt64
  var name: NameBytes
}

/// What the data path reads of a blueprint beside its tenants: flat tables and no reference counting. Immutable; images of
/// blueprints that differ by tenants alone share them.
final class BlueprintTables: @unchecked Sendable {
  // Unchecked: all memory is written in `init` and only read afterwards.
  let rules: CompiledRules
  let shards: UnsafeMutablePointer<ShardEntry>
  /// The place of a shard in `shards` by its number in the roster, -1 when it is not among them.
  let placeOfShard: UnsafeMutablePointer<Int32>
  let backends: UnsafeMutablePointer<BackendEntry>
  let backendCount: Int
  /// The standbys of shards, as places in `shards`.
  let standbys: UnsafeMutablePointer<Int32>
  /// Hashes and indices of the shards that tenants without home are spread over.
  let unlistedHashes: UnsafeMutablePointer<UInt64>
  let unlistedShards: UnsafeMutablePointer<Int32>
  let trust: UnsafeMutablePointer<IPNetwork>
  /// How long the tenants of plans wait.
  let timeouts: TimeoutImage
  /// Names of plans, by index.
  let plans: UnsafeMutablePointer<NameBytes>
  private let names: UnsafeMutablePointer<UInt8>

  /// The tables of `blueprint`; `nil` when the roster is full.
  init?(_ blueprint: Blueprint, roster: Roster) {
    rules = CompiledRules(blueprint.resolving)
    timeouts = TimeoutImage(blueprint)
    var arena = NameArena(blueprint)
    names = arena.start
    let shardCount = blueprint.shards.count
    backendCount = blueprint.shards.reduce(0) { $0 + $1.backends.count }
    shards = .allocate(capacity: max(1, shardCount))
    placeOfShard = .allocate(capacity: Limit.shards)
    placeOfShard.initialize(repeating: -1, count: Limit.shards)
    backends = .allocate(capacity: max(1, backendCount))
    standbys = .allocate(capacity: max(1, blueprint.shards.reduce(0) { $0 + $1.standbys.count }))
    unlistedHashes = .allocate(capacity: max(1, blueprint.unlistedShards.count))
    unlistedShards = .allocate(capacity: max(1, blueprint.unlistedShards.count))
    trust = .allocate(capacity: max(1, blueprint.trust.count))
    plans = .allocate(capacity: max(1, blueprint.planNames.count))
    for (index, network) in blueprint.trust.enumerated() { trust[index] = network }
    for (index, name) in blueprint.planNames.enumerated() { plans[index] = arena.add(name) }
    var nextBackend = 0
    var nextStandby = 0
    var isComplete = true
    for (index, shard) in blueprint.shards.enumerated() {
      let number = roster.number(ofShard: shard.name)
      if number >= 0 { placeOfShard[Int(number)] = Int32(index) }
      let name = arena.add(shard.name)
      let hash = Rendezvous.hash(shard.name)
      let rules = WatchRules(shard, firstStandby: nextStandby)
      for standby in shard.standbys {
        standbys[nextStandby] = Int32(standby)
        nextStandby += 1
      }
      shards[index] = ShardEntry(
        number: number, firstBackend: Int32(nextBackend), backendCount: Int32(shard.backends.count),
        balance: shard.balance, name: name, hash: hash,
        cookie: arena.add(shard.sticky?.cookie ?? ""), cookieLifetime: (shard.sticky?.lifetime ?? 0) / .second,
        speaksHTTP2: shard.speaksHTTP2, gate: number < 0 ? nil : roster.gate(ofShard: number, shard.concurrency),
        watch: number < 0 || !shard.isWatched ? nil : roster.watch(ofShard: number), rules: rules,
        announcement: shard.announcement, isTest: shard.isTest,
        region: UInt8(shard.region.flatMap { blueprint.regions.firstIndex(of: $0) }.map { $0 + 1 } ?? 0))
      let weights = shard.backends.reduce(0) { $0 + $1.weight }
      var allSlots: Int64 = 0
      for backend in shard.backends {
        let backendNumber =
          number < 0
          ? -1
          : roster.number(
            of: backend, shard: number, check: shard.health, tls: shard.tls, announcement: shard.announcement)
        isComplete = isComplete && backendNumber >= 0
        if backendNumber >= 0 {
          let slots = roster.slots(ofBackend: backendNumber, shard.concurrency, weight: backend.weight, among: weights)
          roster.statuses[Int(backendNumber)].slots.store(slots, ordering: .relaxed)
          allSlots += Int64(slots)
        }
        backends[nextBackend] = BackendEntry(
          number: backendNumber, weight: Int32(backend.weight),
          // What speaks for one client must not serve another.
          poolIdle: shard.announcement == .none ? Int32(shard.poolIdle) : 0, isDedicated: shard.hasDedicatedPools,
          key: Rendezvous.hash("\(shard.name) \(backend.name)"), name: arena.add(backend.name))
        nextBackend += 1
      }
      if let gate = shards[index].gate, shard.concurrency?.adaptive != nil {
        gate.pointee.slots.limit.store(Int32(clamping: allSlots), ordering: .relaxed)
      }
    }
    for (place, shard) in blueprint.unlistedShards.enumerated() {
      unlistedHashes[place] = shards[shard].hash
      unlistedShards[place] = Int32(shard)
    }
    guard isComplete else { return nil }
  }

  deinit {
    shards.deallocate()
    placeOfShard.deallocate()
    backends.deallocate()
    standbys.deallocate()
    unlistedHashes.deallocate()
    unlistedShards.deallocate()
    trust.deallocate()
    plans.deallocate()
    names.deallocate()
  }
}

/// One run of memory for all names of an image.
private struct NameArena {
  let start: UnsafeMutablePointer<UInt8>
  private var next: Int = 0

  init(_ blueprint: Blueprint) {
    var size = 64
    for shard in blueprint.shards {
      size += shard.name.utf8.count + (shard.sticky?.cookie.utf8.count ?? 0)
      for backend in shard.backends { size += backend.name.utf8.count }
    }
    for plan in blueprint.planNames { size += plan.utf8.count }
    start = .allocate(capacity: size)
  }

  mutating func add(_ name: String) -> NameBytes {
    let first = start + next
    for byte in name.utf8 {
      start[next] = byte
      next += 1
    }
    return NameBytes(bytes: UnsafePointer(first), count: name.utf8.count)
  }
}
