import Primitives

/// How much may wait for a shard, and how long.
public struct QueueRules: Sendable, Hashable, BitwiseCopyable {
  /// The most requests that one shard's queue can be told to hold.
  public static let mostWaiting = 100_000

  /// Requests that wait at most, 1 ... `mostWaiting`.
  public var bound = 1_000
  /// Nanoseconds that one of them waits at most.
  public var wait: Int64 = .second
  /// Nanoseconds that a tenant's queue may stand above before the newest are served first and the oldest dropped one by
  /// one (CoDel, RFC 8289); 0 never does.
  public var target: Int64 = 0

  /// The defaults of the language.
  public init() {}

  /// These rules.
  public init(bound: Int, wait: Int64, target: Int64 = 0) {
    self.bound = bound
    self.wait = wait
    self.target = target
  }
}
