public import Primitives

/// What the process no longer does, each level with all before it.
public enum OverloadLevel: UInt8, Comparable, CaseIterable, Sendable {
  /// It does everything.
  case none
  /// No connection is accepted.
  case noConnections
  /// Requests of sheddable tenants are refused.
  case shedsSheddable
  /// Only requests of critical tenants are served.
  case shedsDefault

  /// Whether `lhs` does more than `rhs`.
  public static func < (lhs: OverloadLevel, rhs: OverloadLevel) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// A resource that may run out.
public enum OverloadResource: UInt8, CaseIterable, Sendable {
  case memory, descriptors, loopLag
}

/// From where on a resource is scarce; `nil` is not watched.
public struct OverloadRules: Sendable, Hashable {
  /// Percent of the memory that the process may use, 1 ... 99.
  public var memory: Int64?
  /// What that memory is, in bytes; `nil` is what the machine or its control group allows.
  public var memoryBound: Int64?
  /// Percent of the descriptors that the process may open, 1 ... 99.
  public var descriptors: Int64?
  /// Nanoseconds that a worker may be busy before it looks at what has come meanwhile.
  public var loopLag: Int64?

  /// Nothing is watched.
  public init() {}

  /// Whether anything is watched.
  public var isActive: Bool { memory != nil || descriptors != nil || loopLag != nil }
}

/// What a look at the process found.
public struct ResourceUse: Sendable {
  /// Bytes of memory in use.
  public var memory: Int64 = 0
  /// Bytes of memory that there may be in use, at least 1.
  public var memoryBound: Int64 = 1
  /// Descriptors in use.
  public var descriptors: Int64 = 0
  /// Descriptors that there may be in use, at least 1.
  public var descriptorBound: Int64 = 1
  /// Nanoseconds that the slowest worker kept others waiting.
  public var loopLag: Int64 = 0

  /// Nothing is in use.
  public init() {}
}

/// Decides what a process that runs out of something stops doing: first it accepts no connections, then it refuses the
/// sheddable, then all but the critical. A level is entered at once and left one at a time after a calm while.
public struct OverloadGuard: Sendable {
  /// Nanoseconds below a level before it is left.
  static let calm: Int64 = .second

  /// The level now.
  public private(set) var level = OverloadLevel.none
  /// The resource for whose want it was last raised.
  public private(set) var cause = OverloadResource.memory
  private var calmSince = Instant.distantFuture

  /// Nothing is scarce.
  public init() {}

  /// Looks at what is in use; returns whether the level has changed.
  public mutating func note(_ use: ResourceUse, _ rules: OverloadRules, at now: Instant) -> Bool {
    let (wanted, scarcest) = OverloadGuard.level(use, rules)
    if wanted > level {
      (level, cause, calmSince) = (wanted, scarcest, .distantFuture)
      return true
    }
    guard wanted < level else {
      calmSince = .distantFuture
      return false
    }
    if calmSince == .distantFuture { calmSince = now }
    guard now - calmSince >= OverloadGuard.calm else { return false }
    calmSince = now
    level = OverloadLevel(rawValue: level.rawValue - 1)!
    return true
  }

  /// The level that a use deserves, and why.
  private static func level(_ use: ResourceUse, _ rules: OverloadRules) -> (OverloadLevel, OverloadResource) {
    var worst = (level: OverloadLevel.none, cause: OverloadResource.memory)
    func consider(_ level: OverloadLevel, _ cause: OverloadResource) {
      if level > worst.level { worst = (level, cause) }
    }
    if let percent = rules.memory { consider(level(use.memory, of: use.memoryBound, from: percent), .memory) }
    if let percent = rules.descriptors {
      // What is there is not made worse by serving it: more than no connections is never needed.
      consider(min(.noConnections, level(use.descriptors, of: use.descriptorBound, from: percent)), .descriptors)
    }
    if let lag = rules.loopLag {
      consider(
        use.loopLag < lag
          ? .none : use.loopLag < 2 * lag ? .noConnections : use.loopLag < 4 * lag ? .shedsSheddable : .shedsDefault,
        .loopLag)
    }
    return worst
  }

  /// From the threshold on no connections; half of the way from there to the bound the sheddable go, at three quarters all
  /// but the critical.
  private static func level(_ amount: Int64, of bound: Int64, from percent: Int64) -> OverloadLevel {
    // In hundredths of the bound: how far beyond the threshold, and how far it is from there to the bound.
    let beyond = amount * 100 - percent * bound
    let way = (100 - percent) * bound
    guard beyond >= 0 else { return .none }
    return beyond * 2 < way ? .noConnections : beyond * 4 < way * 3 ? .shedsSheddable : .shedsDefault
  }
}
