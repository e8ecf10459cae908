import Primitives

/// When a tenant's requests to a shard are refused for a while because they fail.
public struct BreakerRules: Sendable, Hashable, BitwiseCopyable {
  /// Percent of the last requests that failed, 1 ... 100.
  public var percent: Int32 = 50
  /// How many requests that is, 2 ... `mostRequests`.
  public var requests: Int32 = 20
  /// Nanoseconds until one request is let through again, to see.
  public var duration: Int64 = 10 * .second

  /// The defaults of the language.
  public init() {}

  /// Requests that are looked back at, at most.
  public static let mostRequests = 64
}
