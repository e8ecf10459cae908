import Balancing
import HTTP
import Primitives
import Tenancy

/// One event loop: it owns its sockets, buffers, pools and counters and shares nothing that it must lock.
///
/// Born in its own thread. Its work is told in the folders beside this one: `Client` receives requests, `Exchange`
/// decides and answers, `Upstream` talks to backends.
struct Worker<N: Network & ~Copyable>: ~Copyable {
  /// The world.
  var network: N
  /// Which worker this is, from 0; worker 0 checks the backends' health.
  let number: Int
  /// What all workers share.
  let process: ProcessState
  /// What the control thread asks.
  let mailbox: Mailbox
  /// What this worker counts, and its first row.
  let counters: WorkerCounters
  let mine: UnsafeMutablePointer<Counter>
  /// Access records on their way out.
  let records: RecordRing
  /// The blueprint in use, and its hot parts.
  var image: BlueprintImage
  var view: ImageView

  var connections: Slab<Connection>
  var exchanges: Slab<Exchange>
  /// An exchange of which nothing is known yet: copied, which costs less than to set each of its fields.
  let blankExchange: UnsafeMutablePointer<Exchange>
  var buffers = BufferPool()
  var timers: TimerWheel
  var parser: HeadParser
  /// Where heads of HTTP/2 become heads of HTTP/1.1.
  var headText = HeadText()
  var random: SeededRandom

  /// Where bytes are received: `Limit.headroom` bytes of room, `Limit.scratch` bytes of data, padding.
  let scratch: UnsafeMutablePointer<UInt8>
  /// Where heads and answers are built.
  let writeScratch: UnsafeMutablePointer<UInt8>
  /// Where host names are normalised and cookies made.
  let nameScratch: UnsafeMutablePointer<UInt8>

  /// The levels of the request whose limits are asked.
  let levels: UnsafeMutablePointer<LimitLevel>
  /// What exchanges hold of limits.
  var holds: Slab<LimitHold>
  /// Where fields about limits are built, and how many bytes wait to be kept with their request.
  let limitText: UnsafeMutablePointer<UInt8>
  var limitTextCount = 0
  /// Connections that are not read for want of bandwidth, and when the first of them is.
  var paused: [Pause] = []
  var nextPause = Instant.distantFuture
  /// Exchanges that wait for tokens they were given ahead of time, and when the first of them goes on.
  var delayed: [Pause] = []
  var nextDelayed = Instant.distantFuture
  /// Tenants whose requests are held, and long streams of tenants that are gone elsewhere, which end one by one.
  var held: [HeldTenant] = []
  /// Requests that were held and are under way at once, for each tenant.
  var releaseBound = Limit.releasedAtOnce
  var departing: [Departure] = []
  /// When bytes are next counted in quotas; `distantFuture` while no exchange asks for it.
  var nextByteCount = Instant.distantFuture
  /// The limits that refused last, and the client they refused.
  let violated: UnsafeMutablePointer<Int32>
  var violatedCount = 0
  var violatedBy: Int32 = -1

  /// The load of each backend of the image as this worker sees it, in the image's order.
  var loads: UnsafeMutablePointer<BackendLoad>
  /// The place of a backend in `loads`, by its number; -1 when the image has it no more.
  let loadOfBackend: UnsafeMutablePointer<Int32>
  /// Idle upstream connections by backend number, the most recently used first, and how many.
  let poolHeads: UnsafeMutablePointer<Int32>
  let poolCounts: UnsafeMutablePointer<Int32>
  /// Backend numbers that the tables above know.
  var knownBackends: Int32 = 0
  /// The roster's version that `loads` follows.
  var rosterVersion: UInt64 = 0

  /// Connections to look at again before the next wait, by handle.
  var ready: [UInt64] = []
  /// Clients of HTTP/2 with frames to send at the end of this turn, by handle.
  var framed: [UInt64] = []
  /// What became of exchanges of this worker that waited; and what is to be told to this and other workers.
  var granted: [Grant] = []
  var deliveries: [Delivery] = []
  /// What each listener speaks.
  var listenerProtocols: [ListenerProtocols]
  /// Slots whose connection or exchange has ended in this turn; freed at its end, so that none is reused within it.
  var deadConnections: [Int32] = []
  var deadExchanges: [Int32] = []
  /// Accepting rests until then, for want of descriptors.
  var acceptsAgain = Instant.distantFuture
  /// Whether the last accept found no descriptor, and the slot at which idle clients were last looked for.
  var isExhausted = false
  var idleCursor: Int32 = -1
  /// Whether listeners are told of connections.
  var isAccepting = true
  /// When the next health check is due.
  var nextProbe = Instant.distantFuture
  /// Health checks by place in the image.
  var probes: [ProbeSchedule] = []
  /// When a drain ends; `distantFuture` while there is none.
  var drainDeadline = Instant.distantFuture
  var isDraining = false
  /// Client connections of this worker.
  var clientCount = 0
  /// The `Date` field of this second, and the second.
  var date: UnsafeMutablePointer<UInt8>
  var dateSecond: Int64 = -1

  init(
    network: consuming N, number: Int, process: ProcessState, mailbox: Mailbox, counters: WorkerCounters,
    records: RecordRing, image: BlueprintImage, seed: UInt64, connectionCapacity: Int
  ) {
    let now = network.now
    self.network = network
    self.number = number
    self.process = process
    self.mailbox = mailbox
    self.counters = counters
    mine = counters.mine
    self.records = records
    self.image = image
    view = ImageView(image)
    connections = Slab(capacity: connectionCapacity)
    exchanges = Slab(capacity: connectionCapacity)
    blankExchange = .allocate(capacity: 1)
    blankExchange.initialize(to: Exchange(client: -1, started: .distantPast))
    timers = TimerWheel(now: now)
    parser = HeadParser(fieldCapacity: image.blueprint.bounds.headerCount)
    listenerProtocols = image.blueprint.listeners.map(\.protocols)
    random = SeededRandom(seed: seed)
    scratch = .allocate(capacity: Limit.headroom + Limit.scratch + BufferPool.padding)
    writeScratch = .allocate(capacity: Limit.writeScratch + BufferPool.padding)
    nameScratch = .allocate(capacity: 1024)
    date = .allocate(capacity: 64)
    levels = .allocate(capacity: LimitHold.mostMarks)
    holds = Slab(capacity: connectionCapacity)
    limitText = .allocate(capacity: Limit.limitText)
    violated = .allocate(capacity: LimitHold.mostMarks)
    loads = .allocate(capacity: 1)
    loadOfBackend = .allocate(capacity: Limit.backends)
    poolHeads = .allocate(capacity: Limit.backends)
    poolCounts = .allocate(capacity: Limit.backends)
    ready.reserveCapacity(1024)
    deadConnections.reserveCapacity(1024)
    deadExchanges.reserveCapacity(1024)
    granted.reserveCapacity(1024)
    deliveries.reserveCapacity(1024)
    process.register(mailbox, of: number)
    adoptBackends()
    scheduleProbes()
    mailbox.generation.store(image.blueprint.generation, ordering: .releasing)
  }

  deinit {
    blankExchange.deallocate()
    scratch.deallocate()
    writeScratch.deallocate()
    nameScratch.deallocate()
    date.deallocate()
    levels.deallocate()
    limitText.deallocate()
    violated.deallocate()
    loads.deallocate()
    loadOfBackend.deallocate()
    poolHeads.deallocate()
    poolCounts.deallocate()
  }
}

/// The parts of a blueprint's image that requests read, copied out of it so that no reference is counted.
struct ImageView {
  let shards: UnsafeMutablePointer<ShardEntry>
  let shardCount: Int
  let placeOfShard: UnsafeMutablePointer<Int32>
  let backends: UnsafeMutablePointer<BackendEntry>
  let backendCount: Int
  let standbys: UnsafeMutablePointer<Int32>
  let unlistedHashes: UnsafeMutablePointer<UInt64>
  let unlistedShards: UnsafeMutablePointer<Int32>
  let unlistedCount: Int
  let trust: UnsafeMutablePointer<IPNetwork>
  let trustCount: Int
  let plans: UnsafeMutablePointer<NameBytes>
  let planTimeouts: UnsafeMutablePointer<PlanTimeoutEntry>
  let routeTimeouts: UnsafeMutablePointer<RouteTimeoutEntry>
  let planTimeoutCount: Int
  let policies: UnsafeMutablePointer<PolicyEntry>
  let policyImage: Unmanaged<PolicyImage>
  let generation: UInt64
  let directory: Unmanaged<TenantDirectory>
  let rules: Unmanaged<CompiledRules>
  let unknownTenant: TenantIndex
  /// Whether a client's certificate may name the tenant.
  let asksForCertificate: Bool
  let timeouts: Timeouts
  let bounds: Bounds
  let http2: HTTP2Bounds
  let showsRateLimits: Bool
  let addsLegacyRateLimits: Bool
  /// Whether some shard's connections carry requests of one tenant only.
  let hasDedicatedPools: Bool
  let addsForwarded: Bool
  let keepsRecords: Bool

  init(_ image: BlueprintImage) {
    let blueprint = image.blueprint
    let tables = image.tables
    shards = tables.shards
    shardCount = blueprint.shards.count
    placeOfShard = tables.placeOfShard
    backends = tables.backends
    backendCount = tables.backendCount
    standbys = tables.standbys
    unlistedHashes = tables.unlistedHashes
    unlistedShards = tables.unlistedShards
    unlistedCount = blueprint.unlistedShards.count
    trust = tables.trust
    trustCount = blueprint.trust.count
    plans = tables.plans
    planTimeouts = tables.timeouts.plans
    routeTimeouts = tables.timeouts.routes
    planTimeoutCount = tables.timeouts.planCount
    policies = image.policies.entries
    policyImage = .passUnretained(image.policies)
    generation = blueprint.generation
    directory = .passUnretained(blueprint.tenants)
    rules = .passUnretained(tables.rules)
    unknownTenant = blueprint.unknownTenant ?? -1
    asksForCertificate = tables.rules.hasCertificate
    timeouts = blueprint.timeouts
    bounds = blueprint.bounds
    http2 = blueprint.http2Bounds
    showsRateLimits = blueprint.showsRateLimits
    addsLegacyRateLimits = blueprint.addsLegacyRateLimits
    hasDedicatedPools = blueprint.shards.contains(where: \.hasDedicatedPools)
    addsForwarded = blueprint.addsForwarded
    keepsRecords = blueprint.keepsRecords
  }

  /// Whether forwarding fields of `address` are believed.
  func trusts(_ address: IPAddress) -> Bool {
    for index in 0..<trustCount where trust[index].contains(address) { return true }
    return false
  }
}
