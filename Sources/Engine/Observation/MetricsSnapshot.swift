public import Balancing

/// What the data plane counted, summed over the workers at one moment. Counts only grow.
public struct MetricsSnapshot: Sendable {
  /// Rows of tenants with traffic, the busiest first, at most as many as were asked for.
  public var tenants: [TenantMetrics] = []
  /// The sum of all other tenants' rows, if there are any.
  public var otherTenants: TenantMetrics?
  /// How many tenants `otherTenants` sums up.
  public var foldedTenants = 0
  /// Tenants configured.
  public var tenantCount = 0
  /// Requests refused before a tenant was known, by the code of the refusal.
  public var refused: [(code: String, count: UInt64)] = []
  /// One row a shard.
  public var shards: [ShardMetrics] = []
  /// Client connections with a request in flight.
  public var activeConnections = 0
  /// Client connections waiting for one.
  public var idleConnections = 0
  /// Affinity decisions.
  public var affinity = AffinityMetrics()
  /// Handshakes of clients.
  public var handshakes = HandshakeMetrics()
  /// When certificates stop to be good, in seconds since 1970, by their first name: the soonest of them.
  public var expiries: [(name: String, time: Int64)] = []
  /// Access records that found the ring full.
  public var droppedRecords: UInt64 = 0
  /// Connections and streams of HTTP/2 that were ended for what their clients did too much of, by kind.
  public var floods: [(kind: String, count: UInt64)] = []
  /// What the process no longer does, 0 to 3; `nil` when nothing is watched.
  public var overload: Int?
  /// Requests refused for that.
  public var overloaded: UInt64 = 0
  /// Idle clients that were parted from for want of room.
  public var idleParted: UInt64 = 0
  /// Requests held for the moves of their tenants.
  public var holds = HoldMetrics()
  /// Moves of tenants by state; none when there can be none.
  public var moves: [(state: String, count: Int)] = []
  /// Answers by which a backend said that a request was placed by an earlier epoch than it knows.
  public var staleRoutes: UInt64 = 0
  /// The blueprint's generation.
  public var generation: UInt64 = 0

  /// An empty snapshot.
  public init() {}
}

/// What was counted of one tenant.
public struct TenantMetrics: Sendable {
  /// The tenant's name.
  public var name: String
  /// Answers by shard (empty name: none) and by the first digit of their status: `classes[0]` counts 1xx.
  public var answers: [(shard: String, classes: [UInt64])] = []
  /// Requests in flight now.
  public var inFlight = 0
  /// Bytes received from the tenant's clients, heads and bodies.
  public var bytesIn: UInt64 = 0
  /// Bytes sent to the tenant's clients, heads and bodies.
  public var bytesOut: UInt64 = 0
  /// Refusals by the name of the limit.
  public var limited: [(limit: String, count: UInt64)] = []
  /// What limits that only count would have refused.
  public var shadowed: [(limit: String, count: UInt64)] = []
  /// Buckets of clients or values that had to make room for others, by the name of the limit.
  public var evicted: [(limit: String, count: UInt64)] = []
  /// How much of a limit is used, in shares of it.
  public var ratios: [(limit: String, ratio: Double)] = []
  /// How long requests took.
  public var duration = HistogramSnapshot()

  /// An empty row for `name`.
  public init(name: String) { self.name = name }
}

/// What was counted of one shard.
public struct ShardMetrics: Sendable {
  /// The shard's name.
  public var name: String
  /// One row a backend.
  public var backends: [BackendMetrics] = []
  /// Upstream connections with an exchange.
  public var activeConnections = 0
  /// Upstream connections in a pool.
  public var idleConnections = 0
  /// Attempts after the first of an exchange.
  public var retries: UInt64 = 0
  /// From the start of an attempt to the end of its response.
  public var duration = HistogramSnapshot()
  /// Its slots, and who waits for them; `nil` when they are not bounded.
  public var slots: SlotMetrics?
  /// What became of requests that failed; `nil` when nothing was to.
  public var troubles: TroubleMetrics?

  /// An empty row for `name`.
  public init(name: String) { self.name = name }
}

/// The slots of one shard.
public struct SlotMetrics: Sendable {
  /// Requests that its backends are given at once.
  public var limit = 0
  /// Requests that they have now.
  public var held = 0
  /// Requests that wait.
  public var waiting = 0
  /// Nanoseconds that a request of most tenants holds its slot; 0 while that is not known.
  public var usual: Int64 = 0
  /// How long requests waited that were given a slot.
  public var waited = HistogramSnapshot()
  /// Requests refused while they waited, or since there was no room for them, by reason.
  public var shed: [(reason: String, count: UInt64)] = []

  /// Nothing counted.
  public init() {}
}

/// What became of requests to one shard that failed.
public struct TroubleMetrics: Sendable {
  /// Retries that were not made for want of a budget.
  public var refusedRetries: UInt64 = 0
  /// Breakers of tenants that opened.
  public var opened: UInt64 = 0
  /// Requests that they refused.
  public var heldOff: UInt64 = 0
  /// Requests that a standby served.
  public var standIns: UInt64 = 0

  /// Nothing counted.
  public init() {}
}

/// What was counted of one backend.
public struct BackendMetrics: Sendable {
  /// The backend's address as configured.
  public var name: String
  /// Whether it may be chosen.
  public var isUp = true
  /// How often it was taken out for its answers.
  public var ejections: UInt64 = 0
  /// What an operator wants of it.
  public var duty = BackendDuty.active
  /// Responses by the first digit of their status: `classes[0]` counts 1xx.
  public var classes: [UInt64] = [0, 0, 0, 0, 0]

  /// An empty row for `name`.
  public init(name: String) { self.name = name }
}

/// What was held of requests for the moves of their tenants.
public struct HoldMetrics: Sendable {
  /// Requests held now.
  public var parked = 0
  /// Requests held so far.
  public var total: UInt64 = 0
  /// Refused since there was no room to hold them.
  public var overflowed: UInt64 = 0
  /// Refused since they were held for too long.
  public var late: UInt64 = 0

  /// Nothing counted.
  public init() {}
}

/// How handshakes of clients ended.
public struct HandshakeMetrics: Sendable {
  /// With a new session.
  public var full: UInt64 = 0
  /// With an earlier session taken up.
  public var resumed: UInt64 = 0
  /// Not at all, for want of agreement, trust or time.
  public var failed: UInt64 = 0
  /// Those that failed, by the side of the proxy and the kind of the reason, those that happened only.
  public var failures: [(side: String, reason: String, count: UInt64)] = []

  /// Nothing counted.
  public init() {}
}

/// How affinity cookies fared.
public struct AffinityMetrics: Sendable {
  /// A client without cookie was given one.
  public var bound: UInt64 = 0
  /// A cookie was honoured.
  public var kept: UInt64 = 0
  /// A good cookie named a backend that is gone or down.
  public var rebound: UInt64 = 0
  /// A cookie was forged, expired, of another tenant or of an older epoch.
  public var rejected: UInt64 = 0

  /// Nothing counted.
  public init() {}
}

/// Counts of durations by upper bound.
public struct HistogramSnapshot: Sendable {
  /// Upper bounds in seconds, ascending; durations over the last are in one more bucket.
  public static let bounds: [Double] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  /// Counts by bucket, not cumulative: one more than there are bounds.
  public var buckets = [UInt64](repeating: 0, count: bounds.count + 1)
  /// The sum of all durations in seconds.
  public var sum = 0.0

  /// Nothing counted.
  public init() {}
}
