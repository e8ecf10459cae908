/// A tenant's number: dense, the same in all of the process, kept over reloads; -1 is nobody.
public typealias TenantIndex = Int32

/// A tenant as a configuration declares it.
public struct TenantRecord: Sendable {
  /// Its name, 1 to 64 bytes.
  public var id: String
  /// Its hosts, lower case; `*.name` covers all names below.
  public var hosts: [String] = []
  /// Its plan's place, -1 without plan.
  public var plan = -1
  /// Its shard's place, `nil` when it has no home.
  public var home: Int?
  /// The region that it may not leave, by number from 1; 0 is none.
  public var region: UInt8 = 0
  /// Its placement's epoch.
  public var epoch: UInt64 = 0
  /// Whether it is served, and whether it is one of tests.
  public var condition = TenantCondition()
  /// Its own rate, in place of the plan's.
  public var requests: RequestRate?
  /// Its own bound of requests in flight, in place of the plan's; 0 is unlimited.
  public var concurrency: Int32?
  /// Its own policy's place, in place of the plan's.
  public var policy: Int32?
  /// What it says itself of its part of a saturated shard.
  public var scheduling = SchedulingOverrides()
  /// The file that declares it, by number; -1 is no file.
  public var file = 0
  /// The line that declares it.
  public var line = 0

  /// A tenant without hosts, plan or home.
  public init(id: String) { self.id = id }
}

/// What a tenant has not said itself but takes from the defaults of all tenants.
public struct TenantInheritance: OptionSet, Sendable, BitwiseCopyable {
  /// The bits, four of them.
  public let rawValue: UInt8

  /// The set of these bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Its plan.
  public static let plan = TenantInheritance(rawValue: 1)
  /// Its home.
  public static let home = TenantInheritance(rawValue: 2)
  /// Its rate.
  public static let requests = TenantInheritance(rawValue: 4)
  /// Its bound of requests in flight.
  public static let concurrency = TenantInheritance(rawValue: 8)
}

/// A tenant as a table's line declares it, in bytes of the line.
public struct TenantLine {
  /// Its name.
  public var id: UnsafeBufferPointer<UInt8>
  /// Its plan's place, -1 without plan.
  public var plan: Int32 = -1
  /// Its shard's place, -1 when it has no home.
  public var home: Int32 = -1
  /// The region that it may not leave, by number from 1; 0 is none.
  public var region: UInt8 = 0
  /// Its placement's epoch.
  public var epoch: UInt64 = 0
  /// Whether it is served, and whether it is one of tests.
  public var condition = TenantCondition()
  /// Its own rate, in place of the plan's.
  public var requests: RequestRate?
  /// Its own bound of requests in flight, in place of the plan's; 0 is unlimited.
  public var concurrency: Int32?
  /// Its own policy's place, in place of the plan's.
  public var policy: Int32?
  /// What it says itself of its part of a saturated shard.
  public var scheduling = SchedulingOverrides()
  /// The file that declares it, by number; -1 is no file.
  public var file: Int32 = 0
  /// The line that declares it.
  public var line: Int32 = 0
  /// Which of these values are defaults.
  public var inherited: TenantInheritance = []

  /// A tenant of that name.
  public init(id: UnsafeBufferPointer<UInt8>) { self.id = id }
}

/// Limits that a tenant has of its own, in place of its plan's.
public struct TenantOverrides: Sendable, Hashable, BitwiseCopyable {
  /// Its rate.
  public var requests: RequestRate?
  /// Its bound of requests in flight.
  public var concurrency: Int32?
  /// Its part of a saturated shard.
  public var scheduling: SchedulingOverrides
  /// The place of its policy.
  public var policy: Int32?

  /// These limits; by default none.
  public init(
    requests: RequestRate? = nil, concurrency: Int32? = nil, scheduling: SchedulingOverrides = SchedulingOverrides(),
    policy: Int32? = nil
  ) {
    self.requests = requests
    self.concurrency = concurrency
    self.scheduling = scheduling
    self.policy = policy
  }
}

/// What became of a tenant, or a host, that was to be added.
public enum AddOutcome: Sendable, Equatable {
  /// It is in.
  case added
  /// The tenant is declared already, there.
  case duplicateTenant(file: Int, line: Int)
  /// The host belongs to a tenant declared there.
  case duplicateHost(file: Int, line: Int)
  /// The epoch is below the one in use.
  case epochLower(current: UInt64)
  /// No further tenant can be numbered.
  case tooMany
}
