import Platform

/// What clients and values are turned into keys with.
public struct HashKeys: Sendable, Hashable, BitwiseCopyable {
  /// The first half.
  public var first: UInt64
  /// The second.
  public var second: UInt64

  /// These halves.
  public init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// Keys that nobody knows.
  public static var random: HashKeys { HashKeys(first: Machine.randomNumber(), second: Machine.randomNumber()) }
}
