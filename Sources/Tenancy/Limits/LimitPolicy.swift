import Primitives

/// What the buckets of a limit of requests are apart by, from the widest level to the narrowest.
public enum LimitScope: Sendable, Hashable {
  /// One bucket for the whole process.
  case process
  /// One bucket for all tenants of a plan, called so.
  case pool(plan: String)
  /// One bucket a tenant.
  case tenant
  /// One bucket a tenant for the paths that begin with a prefix.
  case path(prefix: String)
  /// A bucket for each client address of a tenant; addresses of IPv6 by their first 64 bits.
  case client
  /// A bucket for each value of a field of a tenant's requests; requests without it share one.
  case field(name: String)
}

/// A limit of requests beside or instead of a tenant's plain one.
public struct RequestLimit: Sendable, Hashable {
  /// What its buckets are apart by.
  public var scope: LimitScope
  /// How fast a bucket fills, and how much it holds.
  public var rate: RequestRate
  /// Nanoseconds that a request may be made to wait instead of being refused; 0 refuses at once.
  public var delay: Int64
  /// Whether it only counts what it would have refused.
  public var isShadow: Bool

  /// A limit of these parts.
  public init(_ scope: LimitScope, _ rate: RequestRate, delay: Int64 = 0, isShadow: Bool = false) {
    self.scope = scope
    self.rate = rate
    self.delay = delay
    self.isShadow = isShadow
  }

  /// What users know it by, in answers, logs and metrics: the words of its directive without the numbers.
  public var name: String {
    switch scope {
    case .process: "process requests"
    case .pool: "pool requests"
    case .tenant: "requests"
    case .path(let prefix): "requests per path \(prefix)"
    case .client: "requests per client"
    case .field(let name): "requests per header \(name)"
    }
  }

  /// Whether it is the process that has no room, not the tenant that asks too much.
  public var isCapacity: Bool {
    switch scope {
    case .process, .pool: true
    default: false
    }
  }
}

/// How many requests a request counts as.
public struct RequestCost: Sendable, Hashable {
  /// The method, `*` for any.
  public var method: String
  /// What its path begins with, by whole segments.
  public var path: String
  /// The count.
  public var tokens: Int64

  /// The cost of requests with this method and path.
  public init(method: String, path: String, tokens: Int64) {
    self.method = method
    self.path = path
    self.tokens = tokens
  }
}

/// What a quota counts.
public enum QuotaUnit: String, Sendable, Hashable, BitwiseCopyable {
  /// Requests admitted, by what they cost.
  case requests
  /// Bytes of requests and responses.
  case bytes
}

/// An amount a calendar period.
public struct QuotaLimit: Sendable, Hashable {
  /// The most of it.
  public var amount: Int64
  /// What is counted.
  public var unit: QuotaUnit
  /// The period.
  public var period: CalendarPeriod
  /// Percent of the amount at which it is told of, 1 ... 100.
  public var soft: Int64
  /// The zone whose calendar holds; empty is UTC.
  public var zone: String

  /// A quota of these parts.
  public init(_ amount: Int64, _ unit: QuotaUnit, per period: CalendarPeriod, soft: Int64 = 80, zone: String = "") {
    self.amount = amount
    self.unit = unit
    self.period = period
    self.soft = soft
    self.zone = zone
  }

  /// What users know it by.
  public var name: String { "quota \(unit.rawValue) per \(period.rawValue)" }
}

/// Bytes that a tenant's streams may move together, each way.
public struct BandwidthLimit: Sendable, Hashable, BitwiseCopyable {
  /// Bytes a second to clients, 0 for no bound.
  public var outward: Int64
  /// Bytes a second from clients, 0 for no bound.
  public var inward: Int64

  /// These bounds; by default none.
  public init(outward: Int64 = 0, inward: Int64 = 0) {
    self.outward = outward
    self.inward = inward
  }
}

/// All that is asked of a tenant beyond its plain rate and its requests in flight.
public struct LimitPolicy: Sendable, Hashable {
  /// Most limits of requests, and most quotas, of a policy.
  public static let mostLimits = 12
  /// Most costs of a policy.
  public static let mostCosts = 64

  /// Its limits of requests, from the widest level to the narrowest; of `tenant` only the labels count.
  public var requests: [RequestLimit] = []
  /// Its quotas.
  public var quotas: [QuotaLimit] = []
  /// What some requests cost; the first that fits holds.
  public var costs: [RequestCost] = []
  /// Connections of all its clients; 0 for no bound.
  public var connections: Int32 = 0
  /// Connections of one client; 0 for no bound.
  public var connectionsPerClient: Int32 = 0
  /// Bytes a second.
  public var bandwidth = BandwidthLimit()

  /// A policy that asks nothing.
  public init() {}

  /// Whether it asks nothing.
  public var isEmpty: Bool { self == LimitPolicy() }
}
