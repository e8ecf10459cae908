import Balancing
import HTTP
import Platform
import Primitives
import Synchronization
import Tenancy

/// What all workers know of one backend: whether it may be chosen, and why.
struct BackendStatus: ~Copyable {
  /// Its endpoint.
  let endpoint: Endpoint
  /// Whether it may be chosen.
  let isUp = Atomic<Bool>(true)
  /// When it came back, for its slow start; nanoseconds of the monotonic clock.
  let recoveredAt = Atomic<Int64>(Instant.distantPast.nanoseconds)
  /// Whether a failure was noted since the last success: a success need not take the lock otherwise.
  let isSuspect = Atomic<Bool>(false)
  /// Requests that hold a slot of it, and how many may.
  let held = Atomic<Int32>(0)
  let slots = Atomic<Int32>(.max)
  /// Whether requests failed there since one last succeeded, and whether it is out for that; and how often it was.
  let isFailing = Atomic<Bool>(false)
  let isEjected = Atomic<Bool>(false)
  let ejections = Atomic<UInt64>(0)
  /// What an operator wants of it (`BackendDuty`), and until when it serves those bound to it while it drains.
  let duty = Atomic<UInt8>(0)
  let drainsUntil = Atomic<Int64>(0)
  /// The rules of rise and fall, and how requests fare there.
  let health: Mutex<BackendHealth>

  init(endpoint: Endpoint, health: HealthState) {
    self.endpoint = endpoint
    self.health = Mutex(BackendHealth(checks: health))
  }
}

/// Why a backend may be chosen, or may not.
struct BackendHealth: BitwiseCopyable {
  /// What checks and connects say.
  var checks: HealthState
  /// What requests say.
  var outlier = OutlierState()
}

/// Shards and backends of the whole process by number; a name keeps its number over reloads.
///
/// Numbers are handed out by the control thread and only grow, up to `Limit.shards` and `Limit.backends`.
final class Roster: @unchecked Sendable {
  // Unchecked: `statuses` is written by the control thread before a number is published to any worker; after that only
  // its atomics and its lock change.
  /// What the roster keeps of names.
  struct Names {
    /// The names of shards, by number.
    var shards: [String] = []
    /// Numbers of shards, by name.
    var shardNumbers: [String: Int32] = [:]
    /// The names of backends, by number.
    var backends: [String] = []
    /// The shards of backends, by backend number.
    var backendShards: [Int32] = []
    /// Numbers of backends, by shard number, name and endpoint.
    var backendNumbers: [String: Int32] = [:]
  }

  /// The statuses, by backend number.
  let statuses: UnsafeMutablePointer<BackendStatus>
  private let addresses: UnsafeMutablePointer<SocketAddress>
  private let speakers: UnsafeMutablePointer<BackendTLS?>
  /// The slots of shards, by shard number; `nil` while a shard has no bound.
  let gates: UnsafeMutablePointer<UnsafeMutablePointer<ShardGate>?>
  /// Adaptive limits, by backend number; `nil` where there was never one.
  let adaptive: UnsafeMutablePointer<UnsafeMutablePointer<AdaptiveSlots>?>
  /// What is looked at of requests, by shard number; `nil` while a shard asks for nothing.
  let watches: UnsafeMutablePointer<UnsafeMutablePointer<ShardWatch>?>
  /// Backends that are out for their answers, by number; and when the first of them comes back, in nanoseconds.
  let ejected = Mutex<[Int32]>([])
  let nextReturn = Atomic<Int64>(.max)
  /// How tenants stand with their shards; empty while no shard has a bound.
  let standings = TenantStandings()
  /// Grows whenever a backend went up or down.
  let version = Atomic<UInt64>(1)
  /// The names.
  let names = Mutex(Names())
  /// What is counted of limits.
  let limits: LimitRoster

  init(_ hashKeys: HashKeys = .random) {
    limits = LimitRoster(hashKeys)
    statuses = .allocate(capacity: Limit.backends)
    addresses = .allocate(capacity: Limit.backends)
    speakers = .allocate(capacity: Limit.backends)
    gates = .allocate(capacity: Limit.shards)
    gates.initialize(repeating: nil, count: Limit.shards)
    watches = .allocate(capacity: Limit.shards)
    watches.initialize(repeating: nil, count: Limit.shards)
    adaptive = .allocate(capacity: Limit.backends)
    adaptive.initialize(repeating: nil, count: Limit.backends)
  }

  deinit {
    let count = names.withLock { $0.backends.count }
    statuses.deinitialize(count: count)
    statuses.deallocate()
    addresses.deallocate()
    speakers.deinitialize(count: count)
    speakers.deallocate()
    for shard in 0..<Limit.shards {
      gates[shard]?.deinitialize(count: 1)
      gates[shard]?.deallocate()
      watches[shard]?.deinitialize(count: 1)
      watches[shard]?.deallocate()
    }
    gates.deallocate()
    watches.deallocate()
    for backend in 0..<Limit.backends {
      adaptive[backend]?.deinitialize(count: 1)
      adaptive[backend]?.deallocate()
    }
    adaptive.deallocate()
  }

  /// Gives a backend of weight `weight` among `sum` its slots by the rules of a new configuration; returns how many. For
  /// the control thread.
  func slots(ofBackend number: Int32, _ rules: ShardConcurrency?, weight: Int, among sum: Int) -> Int32 {
    let known = adaptive[Int(number)]
    known?.pointee.isOn.store(false, ordering: .relaxed)
    guard let rules else { return .max }
    let fixed = ShardGate.part(rules.limit, of: weight, among: sum)
    guard let bounds = rules.adaptive else { return fixed }
    let least = ShardGate.part(bounds.lowerBound, of: weight, among: sum)
    let most = ShardGate.part(bounds.upperBound, of: weight, among: sum)
    if let known { return known.pointee.bound(least: least, most: most) }
    let fresh = UnsafeMutablePointer<AdaptiveSlots>.allocate(capacity: 1)
    fresh.initialize(to: AdaptiveSlots(AdaptiveLimit(least: least, most: most, start: fixed)))
    adaptive[Int(number)] = fresh
    return fixed
  }

  /// The slots of shard number `shard` by the rules of a new configuration; `nil` when it has no bound. For the control
  /// thread.
  func gate(ofShard shard: Int32, _ rules: ShardConcurrency?) -> UnsafeMutablePointer<ShardGate>? {
    if let known = gates[Int(shard)] {
      known.pointee.adopt(rules)
      return rules == nil ? nil : known
    }
    guard let rules else { return nil }
    let gate = UnsafeMutablePointer<ShardGate>.allocate(capacity: 1)
    gate.initialize(to: ShardGate())
    gate.pointee.adopt(rules)
    gates[Int(shard)] = gate
    return gate
  }

  /// The kernel's form of a backend's endpoint: the first field of its status.
  func address(of number: Int32) -> UnsafePointer<SocketAddress> { UnsafePointer(addresses + Int(number)) }

  /// How many backends have a number.
  var count: Int { names.withLock { $0.backends.count } }

  /// How TLS is spoken to a backend; `nil` speaks in clear.
  func tls(of number: Int32) -> BackendTLS? { speakers[Int(number)] }

  /// The endpoint of a backend.
  func endpoint(of number: Int32) -> Endpoint { statuses[Int(number)].endpoint }

  /// The number of the shard `name`, -1 when there are too many.
  func number(ofShard name: String) -> Int32 {
    names.withLock { names in
      if let number = names.shardNumbers[name] { return number }
      guard names.shards.count < Limit.shards else { return -1 }
      let number = Int32(names.shards.count)
      names.shards.append(name)
      names.shardNumbers[name] = number
      return number
    }
  }

  /// The number of a backend of shard number `shard`; one that is spoken to in another way, by TLS or by what goes before
  /// it, is another backend. -1 when there are too many or its endpoint can't be one.
  func number(
    of backend: Backend, shard: Int32, check: HealthCheck?, tls: ShardTLS? = nil,
    announcement: ProxyHeader.Form = .none
  ) -> Int32 {
    let state = HealthState(rise: check?.rise ?? 1, fall: check?.fall ?? 3, hasActiveChecks: check != nil)
    return names.withLock { names in
      let key = Roster.key(of: backend, shard, tls, announcement)
      if let number = names.backendNumbers[key] {
        refit(number, rise: check?.rise ?? 1, fall: check?.fall ?? 3, hasActiveChecks: check != nil)
        return number
      }
      guard names.backends.count < Limit.backends, let address = SocketAddress(backend.endpoint) else { return -1 }
      let number = Int32(names.backends.count)
      (statuses + Int(number)).initialize(to: BackendStatus(endpoint: backend.endpoint, health: state))
      (addresses + Int(number)).initialize(to: address)
      (speakers + Int(number)).initialize(to: tls.map { BackendTLS($0, backend) })
      names.backends.append(backend.name)
      names.backendShards.append(shard)
      names.backendNumbers[key] = number
      return number
    }
  }

  /// The number of a backend of shard number `shard`; `nil` while it has none.
  func number(ifKnown backend: Backend, shard: Int32, tls: ShardTLS?, announcement: ProxyHeader.Form) -> Int? {
    names.withLock { $0.backendNumbers[Roster.key(of: backend, shard, tls, announcement)].map { Int($0) } }
  }

  /// What tells a backend from all others.
  private static func key(
    of backend: Backend, _ shard: Int32, _ tls: ShardTLS?, _ announcement: ProxyHeader.Form
  ) -> String {
    "\(shard) \(backend.name) \(backend.endpoint) \(tls?.digest ?? []) \(announcement)"
  }

  /// Gives a backend that was known before the rules of the new configuration; what is known of it stays.
  private func refit(_ number: Int32, rise: Int, fall: Int, hasActiveChecks: Bool) {
    (statuses + Int(number)).pointee.health.withLock {
      $0.checks.adopt(rise: rise, fall: fall, hasActiveChecks: hasActiveChecks)
    }
  }

  /// Notes what happened to a backend; publishes the change, if it makes one, and returns it.
  @discardableResult
  func note(_ number: Int32, at now: Instant, _ body: (inout HealthState) -> HealthChange) -> HealthChange {
    let status = statuses + Int(number)
    // Published under the lock, so that two workers' words come in the order in which they were decided.
    return status.pointee.health.withLock { health in
      let change = body(&health.checks)
      switch change {
      case .none: return change
      case .wentUp:
        status.pointee.recoveredAt.store(now.nanoseconds, ordering: .relaxed)
        status.pointee.isUp.store(!health.outlier.isEjected && status.pointee.wanted == .active, ordering: .releasing)
      case .wentDown:
        status.pointee.isUp.store(false, ordering: .releasing)
      }
      version.add(1, ordering: .releasing)
      return change
    }
  }

  /// Whether a backend that is down may be tried once now; takes the try.
  func takeTrial(_ number: Int32, at now: Instant) -> Bool {
    let status = statuses + Int(number)
    guard status.pointee.wanted == .active else { return false }
    return status.pointee.health.withLock { !$0.outlier.isEjected && $0.checks.takeTrial(at: now) }
  }
}
