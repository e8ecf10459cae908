public import Platform
public import Primitives

/// Where the admin API is served, and to whom.
public struct AdminSettings: Sendable {
  /// Its addresses; empty serves it nowhere.
  public var endpoints: [Endpoint] = []
  /// TLS on its TCP addresses; `nil` speaks in clear, which only loopback addresses may.
  public var tls: ServerTLS?
  /// Users that may call through a Unix socket beside root and the process's own.
  public var users: Set<UInt32> = []

  /// Nowhere.
  public init() {}
}
