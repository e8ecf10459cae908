/// Who is served first when a shard is saturated.
public enum Criticality: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// Before all others.
  case critical
  /// The usual.
  case `default`
  /// After all others, and the first to be refused.
  case sheddable
}

/// What a tenant is owed, and may take, of a shard that is saturated. None of it bites before.
public struct SchedulingTerms: Sendable, Hashable, BitwiseCopyable {
  /// Its share beside the others', 1 ... 1,000.
  public var weight: Int32 = 1
  /// Percent of the shard that are its own while it wants them, 0 ... 100; lent to others meanwhile.
  public var least: UInt8 = 0
  /// Percent of the shard that it may hold while others wait, 1 ... 100.
  public var most: UInt8 = 100
  /// Its class.
  public var criticality = Criticality.default

  /// The terms of a tenant of which nothing was said.
  public init() {}

  /// These terms.
  public init(weight: Int32, least: UInt8 = 0, most: UInt8 = 100, criticality: Criticality = .default) {
    self.weight = weight
    self.least = least
    self.most = most
    self.criticality = criticality
  }
}

/// What one tenant says of its terms; the rest is its plan's.
public struct SchedulingOverrides: Sendable, Hashable, BitwiseCopyable {
  /// Its weight.
  public var weight: Int32?
  /// Percent of the shard that are its own, and that it may hold while others wait.
  public var share: SchedulingShare?
  /// Its class.
  public var criticality: Criticality?

  /// Nothing of its own.
  public init() {}

  /// The terms of a plan with these in their places.
  public func applied(to plan: SchedulingTerms) -> SchedulingTerms {
    var terms = plan
    if let weight { terms.weight = weight }
    if let share {
      terms.least = share.least
      terms.most = share.most
    }
    if let criticality { terms.criticality = criticality }
    return terms
  }
}

/// The least and the most of a saturated shard, in percent.
public struct SchedulingShare: Sendable, Hashable, BitwiseCopyable {
  /// 0 ... 100.
  public var least: UInt8
  /// 1 ... 100, not below `least`.
  public var most: UInt8

  /// From `least` to `most` percent.
  public init(least: UInt8, most: UInt8) {
    self.least = least
    self.most = most
  }
}
