import Primitives

/// When a backend that fails requests is taken out for a while.
public struct OutlierRules: Sendable, Hashable, BitwiseCopyable {
  /// Failures in a row, 1 ... 1,000,000.
  public var failures: Int32 = 5
  /// Tenants that they are of at least, 1 ... `mostTenants`.
  public var tenants: Int32 = 3
  /// Nanoseconds that it is out the first time; as many times as much each time it comes to it again.
  public var ejection: Int64 = 30 * .second
  /// Percent of a shard's backends that are out at most, 0 ... 100.
  public var mostPercent: Int32 = 50

  /// The defaults of the language.
  public init() {}

  /// Tenants that are told from each other.
  public static let mostTenants = 8
  /// Nanoseconds after which a failure has nothing to do with the next.
  public static let window: Int64 = 10 * .second
  /// Nanoseconds of the longest ejection, unless the first one is longer.
  public static let longest: Int64 = 300 * .second

  /// Percent of a shard's backends that may be unavailable, for whatever reason, before none is kept out for its answers.
  var panicPercent: Int32 { max(50, mostPercent) }

  /// Whether one more of `count` backends may be taken out, when `ejected` are out already and `down` by other reasons.
  public func mayEject(of count: Int, ejected: Int, down: Int) -> Bool {
    (ejected + 1) * 100 <= count * Int(mostPercent) && (ejected + down + 1) * 100 <= count * Int(panicPercent)
  }

  /// Whether so many of `count` backends are unavailable that those which answer, however badly, are needed.
  public func isPanic(of count: Int, ejected: Int, down: Int) -> Bool {
    ejected > 0 && (ejected + down) * 100 > count * Int(panicPercent)
  }
}
