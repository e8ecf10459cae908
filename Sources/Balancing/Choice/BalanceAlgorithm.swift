/// How one of a shard's backends is chosen.
public enum BalanceAlgorithm: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// In turn, as smoothly as the weights allow.
  case roundRobin
  /// The one with the fewest requests in flight for its weight.
  case leastRequests
  /// The one that answers soonest, by a decaying average that rises at once with a slow answer.
  case peakEWMA
  /// By lot, in proportion to the weights.
  case random

  /// The name in the configuration language.
  public var name: String {
    switch self {
    case .roundRobin: "round-robin"
    case .leastRequests: "least-requests"
    case .peakEWMA: "peak-ewma"
    case .random: "random"
    }
  }

  /// The algorithm that the configuration language calls `name`.
  public init?(name: String) {
    guard let found = BalanceAlgorithm.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
