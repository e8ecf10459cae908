/// Whether a tenant is served.
public enum TenantState: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// It is served.
  case active
  /// Its requests are refused.
  case suspended
  /// Requests that may change something are refused.
  case readOnly
  /// Its requests are refused for a while.
  case maintenance
  /// It is served, as one whose requests are shed first.
  case pastDue
  /// Its requests are refused for good.
  case gone
}

/// Whether a tenant is served and until when, and whether it is one of tests.
public struct TenantCondition: Sendable, Hashable, BitwiseCopyable {
  /// Whether it is served.
  public var state: TenantState
  /// When it is active again by itself, in milliseconds since 1970; 0 is never.
  public var until: Int64
  /// Whether it is one of tests, which only shards for tests serve.
  public var isTest: Bool
  /// When a tenant of tests is gone, in milliseconds since 1970; 0 is never.
  public var expiry: Int64

  /// This state, by default an ordinary tenant's that is served.
  public init(_ state: TenantState = .active, until: Int64 = 0, isTest: Bool = false, expiry: Int64 = 0) {
    self.state = state
    self.until = until
    self.isTest = isTest
    self.expiry = expiry
  }

  /// When this condition changes by itself; 0 is never.
  public var change: Int64 {
    if isTest, expiry > 0, state != .gone { return until > 0 ? min(until, expiry) : expiry }
    return until
  }

  /// The condition at `time`, in milliseconds since 1970.
  public func at(_ time: Int64) -> TenantCondition {
    var condition = self
    if isTest, expiry > 0, expiry <= time {
      condition.state = .gone
      condition.until = 0
    } else if until > 0, until <= time {
      condition.state = .active
      condition.until = 0
    }
    return condition
  }

  /// What an entry keeps of it: 0 for an ordinary tenant that is served, so that one test tells it from all others.
  var mark: UInt8 { state.rawValue | (isTest ? TenantCondition.testMark : 0) }

  static let testMark: UInt8 = 0x80
  /// In an entry's mark: the tenant may not leave its region.
  static let regionMark: UInt8 = 0x40
}
