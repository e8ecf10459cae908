public import Balancing
public import HTTP
public import Platform
public import Primitives
public import Tenancy

/// Everything the data plane is told: one immutable value, built and checked off to the side and swapped in whole.
///
/// Spans of time are nanoseconds; names are unique among their kind; indices point into the arrays of this value.
public struct Blueprint: Sendable {
  /// Grows by one with each configuration that was put into use.
  public var generation: UInt64 = 1
  /// Event loops, at least 1.
  public var workers = 1
  /// How long a stop waits for requests in flight.
  public var drain: Int64 = 30 * .second
  /// Where clients connect.
  public var listeners: [Listener] = []
  /// How much one connection of HTTP/2 may ask for.
  public var http2 = HTTP2Limits()
  /// From where on the process stops doing some of what it does.
  public var overload = OverloadRules()
  /// Keys of TLS tickets made in memory, carried over from the blueprint before; `nil` when none were needed yet.
  public var tickets: TicketKeys?
  /// How long each step of a connection may take.
  public var timeouts = Timeouts()
  /// How much one connection or process may hold.
  public var bounds = Bounds()
  /// Peers whose forwarding fields and tenant field are believed.
  public var trust: [IPNetwork] = []
  /// Whether backends are told of the client by `Forwarded` (RFC 7239) too.
  public var addsForwarded = false
  /// Where a tenant's name may come from.
  public var resolving = ResolvingRules()
  /// Who serves requests that name no tenant; `nil` refuses them.
  public var unknownTenant: TenantIndex?
  /// Whether admitted answers carry `RateLimit` and `RateLimit-Policy`.
  public var showsRateLimits = true
  /// Whether they carry `X-RateLimit-Limit`, `-Remaining` and `-Reset` of their tightest limit too.
  public var addsLegacyRateLimits = false
  /// Whether access records are wanted.
  public var keepsRecords = false
  /// The regions that shards stand in; a tenant that may not leave one has its place here, plus one, as its number.
  public var regions: [String] = []
  /// The shards, in the order of the configuration; a tenant's home is an index here.
  public var shards: [Shard] = []
  /// Plans, by the index a tenant carries; only their names matter to the data plane.
  public var planNames: [String] = []
  /// How long plans wait for backends, by the same index; those beyond its end as `timeouts` say.
  public var planTimeouts: [TimeoutRules] = []
  /// What is asked of tenants beyond plain limits; a tenant's limits say which.
  public var policies: [LimitPolicy] = []
  /// The time zones of quotas, by name.
  public var zones: [String: TimeZoneTable] = [:]
  /// Shards that tenants without a home are spread over by rendezvous hash; empty refuses them.
  public var unlistedShards: [Int] = []
  /// The tenants.
  public var tenants: TenantDirectory

  /// The folders that listeners look certificates up in.
  public var certificateFolders: [CertificateFolder] {
    var folders: [CertificateFolder] = []
    for case let folder? in listeners.map({ $0.tls?.folder }) where !folders.contains(where: { $0 === folder }) {
      folders.append(folder)
    }
    return folders
  }

  /// A blueprint for `tenants` with the defaults of the language and no listener, shard or rule.
  public init(tenants: TenantDirectory) { self.tenants = tenants }
}

/// A place where clients connect, and how they are spoken to there.
public struct Listener: Sendable {
  /// Where it is.
  public var endpoint: Endpoint
  /// What is spoken there.
  public var protocols = ListenerProtocols.http1
  /// The server's side of TLS; `nil` speaks in clear.
  public var tls: ServerTLS?
  /// Whether requests are sent on to the first listener that speaks TLS.
  public var redirects = false
  /// Peers that announce whom they speak for (PROXY protocol), and must.
  public var announcers: [IPNetwork] = []

  /// A listener that speaks HTTP/1.1 in clear.
  public init(_ endpoint: Endpoint) { self.endpoint = endpoint }
}

/// The versions of HTTP that a listener speaks.
public enum ListenerProtocols: UInt8, Sendable, BitwiseCopyable {
  /// HTTP/1.1 and 1.0.
  case http1
  /// HTTP/2 only; in clear by prior knowledge (RFC 9113 §3.3).
  case http2
  /// Both; in clear the first bytes tell.
  case both
}

/// How much one connection of HTTP/2 may ask for.
public struct HTTP2Limits: Sendable, BitwiseCopyable {
  /// Streams open at once, 1 ... 1,000.
  public var streams = 128
  /// Resets by the client, or provoked by it, in `resetPeriod`.
  public var resets: Int64 = 100
  /// The span of `resets`, in nanoseconds.
  public var resetPeriod: Int64 = 10 * .second

  /// The defaults of the language.
  public init() {}
}

/// How long each step of a connection may take, in nanoseconds.
public struct Timeouts: Sendable, BitwiseCopyable {
  /// The whole request head, from its first byte.
  public var header: Int64 = 10 * .second
  /// Between two pieces of a request body.
  public var bodyIdle: Int64 = 30 * .second
  /// Between two requests of a client, and an unused upstream connection in its pool.
  public var keepAlive: Int64 = 60 * .second
  /// Until a backend accepts a connection.
  public var connect: Int64 = 2 * .second
  /// From the request's last byte to the response head.
  public var response: Int64 = 30 * .second
  /// Without a byte either way, on tunnels and streams.
  public var idle: Int64 = 300 * .second

  /// The defaults of the language.
  public init() {}
}

/// How much one connection, or the process, may hold.
public struct Bounds: Sendable, BitwiseCopyable {
  /// Bytes of a head, request line included (1 KiB ... 256 KiB).
  public var headerSize = 32 << 10
  /// Fields of a head (1 ... 1,000).
  public var headerCount = 128
  /// Bytes of a request body; 0 is unlimited.
  public var bodySize: Int64 = 0
  /// Client connections of the process.
  public var connections = 20_000

  /// The defaults of the language.
  public init() {}
}

/// A group of backends that holds the data of some tenants.
public struct Shard: Sendable {
  /// Its name, at most 255 bytes.
  public var name: String
  /// Where it stands, if that was said.
  public var region: String?
  /// Whether it serves tenants of tests, which no other shard ever does.
  public var isTest = false
  /// Its backends, at least one.
  public var backends: [Backend] = []
  /// How one of them is chosen.
  public var balance = BalanceAlgorithm.leastRequests
  /// How clients are kept on their backend, if they are.
  public var sticky: Sticky?
  /// How backends are checked, if they are.
  public var health: HealthCheck?
  /// Unused connections kept per worker and backend.
  public var poolIdle = 64
  /// Whether a connection carries requests of one tenant only.
  public var hasDedicatedPools = false
  /// Whether its backends are spoken to in HTTP/2.
  public var speaksHTTP2 = false
  /// How TLS is spoken to the backends; `nil` speaks in clear.
  public var tls: ShardTLS?
  /// How many requests its backends are given at once; `nil` is unlimited.
  public var concurrency: ShardConcurrency?
  /// How many attempts its requests may make; `nil` makes up to three, without a budget.
  public var retry: RetryRules?
  /// When a backend is taken out for what it answers; `nil` is never.
  public var outlier: OutlierRules?
  /// When a tenant's requests are refused because they fail; `nil` is never.
  public var breaker: BreakerRules?
  /// The shards that serve while none of its backends is up, as indices, the first that can.
  public var standbys: [Int] = []
  /// Nanoseconds that a backend must have been up again before the shard serves itself.
  public var standbyDelay: Int64 = 10 * .second
  /// How each connection to a backend says first whom it speaks for; such a connection serves one request, by HTTP/1.1.
  public var announcement = ProxyHeader.Form.none

  /// Whether it is looked at how its requests fare.
  public var isWatched: Bool { retry != nil || outlier != nil || breaker != nil || !standbys.isEmpty }

  /// A shard without backends.
  public init(name: String) { self.name = name }
}

/// How many requests the backends of a shard are given at once, and what becomes of the others.
public struct ShardConcurrency: Sendable, Hashable {
  /// Requests at its backends at once, 1 ... 1,000,000; spread over them by weight. Where it is adaptive, what it begins with.
  public var limit: Int32
  /// Between what bounds it follows the time that requests take; `nil` when it is fixed.
  public var adaptive: ClosedRange<Int32>?
  /// How much waits beside them, and how long.
  public var queue = QueueRules()
  /// Percent of `limit` that tenants above their share may hold with requests longer than usual, 1 ... 100.
  public var longShare: Int32 = 37
  /// Percent of `limit` that only critical requests may take when no more are free, 0 ... 90.
  public var reserve: Int32 = 0
  /// Requests of one tenant at the backends at once, whether anybody else wants the room or not.
  public var perTenant: Int32 = .max

  /// `limit` requests at once, with the defaults of the language.
  public init(limit: Int32) { self.limit = limit }

  /// Requests that an adaptive limit begins with, for each backend.
  public static let start: Int32 = 20
}

/// An application server.
public struct Backend: Sendable, Hashable {
  /// Where it listens.
  public var endpoint: Endpoint
  /// Its address as the configuration wrote it: its name in metrics and logs.
  public var name: String
  /// Its share beside the others, 1 ... 256.
  public var weight: Int

  /// The backend `name` at `endpoint`.
  public init(endpoint: Endpoint, name: String, weight: Int = 1) {
    self.endpoint = endpoint
    self.name = name
    self.weight = weight
  }
}

/// The cookie that keeps a client on its backend.
public struct Sticky: Sendable {
  /// The cookie's name, a token of at most 64 bytes.
  public var cookie: String
  /// How long it is good for, in nanoseconds.
  public var lifetime: Int64

  /// A cookie `cookie`, good for `lifetime` nanoseconds.
  public init(cookie: String, lifetime: Int64) {
    self.cookie = cookie
    self.lifetime = lifetime
  }
}

/// An active check, made of each backend of a shard at an interval.
public struct HealthCheck: Sendable {
  /// What is asked, and so what success is.
  public enum Question: Sendable, Equatable {
    /// An answer of 200 ... 399 to GET or HEAD of a target that starts with a slash.
    case http(method: String, path: String)
    /// SERVING from grpc.health.v1.Health/Check for a service, for the server as a whole where its name is empty; over
    /// HTTP/2 only.
    case grpc(service: String)
    /// That a connection is accepted, and its handshake comes to its end.
    case tcp
  }

  /// What is asked.
  public var question: Question
  /// Nanoseconds from one check to the next.
  public var interval: Int64 = 5 * .second
  /// Nanoseconds a check may take.
  public var timeout: Int64 = 2 * .second
  /// Successes in a row that bring a backend back.
  public var rise = 2
  /// Failures in a row that take a backend out.
  public var fall = 3

  /// A check with the defaults of the language.
  public init(_ question: Question) { self.question = question }
}
