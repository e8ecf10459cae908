public import Tenancy

/// A tenant as the store has it.
public struct TenantSettings: Sendable, Equatable {
  /// Its hosts, lower case.
  public var hosts: [String] = []
  /// The name of its plan, if it has one.
  public var plan: String?
  /// The name of its home shard, if it has one.
  public var home: String?
  /// Its placement's epoch.
  public var epoch: UInt64 = 0
  /// Whether it is served.
  public var condition = TenantCondition()
  /// What it has in place of its plan's lines, by the names of directives.
  public var overrides: [TenantOverride] = []

  /// A tenant without hosts, plan or home.
  public init() {}
}

/// Lines of one directive that a tenant has of its own, as the language writes them without the directive's name.
public struct TenantOverride: Sendable, Hashable {
  /// The directive.
  public var name: String
  /// What follows it, one or more.
  public var lines: [String]

  /// Directives of a tenant's block that say themselves what they are.
  static let settled: Set<String> = ["host", "plan", "home", "epoch", "state", "test", "include"]

  /// These lines of `name`.
  public init(name: String, lines: [String]) {
    self.name = name
    self.lines = lines
  }
}

/// What stands beside the declaration of a tenant of the configuration.
public struct TenantOverlay: Sendable, Equatable {
  /// Its state, in place of the declared one.
  public var state: TenantState?
  /// When it is active again, in milliseconds since 1970; 0 is never.
  public var until: Int64 = 0
  /// Its home, in place of the declared one unless that has a higher epoch.
  public var home: String?
  /// The epoch of that home.
  public var epoch: UInt64 = 0

  /// Nothing.
  public init() {}

  /// Whether it says nothing.
  public var isEmpty: Bool { state == nil && home == nil }
}

/// What is known of a tenant beside the configuration.
public enum LiveTenant: Sendable, Equatable {
  /// All of it: the store alone declares it.
  case whole(TenantSettings)
  /// What stands beside its declaration.
  case overlay(TenantOverlay)
}

/// What a configuration says of a tenant beside whose declaration something stands.
public struct DeclaredTenant: Sendable, Equatable {
  /// Its home's name, if it has one.
  public var home: String?
  /// Its placement's epoch.
  public var epoch: UInt64
  /// Whether it is served.
  public var condition: TenantCondition
}

/// All that is known of tenants beside the configuration.
public struct TenantAdditions: Sendable {
  /// What time it is, in milliseconds since 1970: states end by it.
  public var now: Int64
  /// What stands beside declarations, by tenant.
  public var overlays: [String: TenantOverlay] = [:]
  /// Calls its argument with each tenant of the store.
  public var forEachTenant: @Sendable (_ body: (String, TenantSettings) -> Void) -> Void = { _ in }

  /// Nothing is known.
  public init(now: Int64) { self.now = now }
}

extension TenantCondition {
  /// The condition of a tenant that is declared so, with what stands beside the declaration.
  public func with(_ overlay: TenantOverlay) -> TenantCondition {
    guard let state = overlay.state else { return self }
    return TenantCondition(state, until: overlay.until, isTest: isTest, expiry: expiry)
  }
}
