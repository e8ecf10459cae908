import HTTP
import Primitives
import Tenancy

/// What a request says of whose it is.
struct RequestFacts {
  /// The host name, normalised; empty when there is none.
  var host: UnsafeBufferPointer<UInt8>
  /// The tenant field's value, from trusted peers only; `nil` when absent.
  var field: UnsafeBufferPointer<UInt8>?
  /// Whether the tenant field is there more than once.
  var hasTwoFields = false
  /// The target's path.
  var path: UnsafeBufferPointer<UInt8>
  /// What it does, and whether it asks for a connection on which more may follow.
  var method: Method
  var wantsUpgrade: Bool
  /// What the client's certificate says, where a rule asks for it.
  var certificate = CertificateNames.none
}

/// Whose request it is and where it goes, before any limit is asked.
struct Decision: BitwiseCopyable {
  var tenant: TenantIndex = -1
  var source = TenantSource.none
  /// Why it is refused; `.none` when it isn't.
  var code = RefusalCode.none
  /// The shard's place in the image, -1 when there is none.
  var shard: Int32 = -1
  var epoch: UInt64 = 0
}

extension RequestFacts {
  /// Whether it changes nothing by its method (RFC 9110 §9.2.1), nor by what an upgraded connection may carry.
  fileprivate var isSafe: Bool {
    switch method {
    case .get, .head, .options, .trace: !wantsUpgrade
    default: false
    }
  }
}

extension ImageView {
  /// What a request head says of whose it is.
  ///
  /// - Parameter name: the host's name as the parser normalised it, in use as long as the facts are.
  func facts(
    of head: RequestHead, _ fields: UnsafePointer<Field>, _ base: UnsafePointer<UInt8>, isTrusted: Bool,
    name: UnsafePointer<UInt8>
  ) -> RequestFacts {
    var facts = RequestFacts(
      host: UnsafeBufferPointer(start: name, count: Int(head.hostNameCount)), field: nil,
      path: UnsafeBufferPointer(start: base + Int(head.path.start), count: head.path.count), method: head.method,
      wantsUpgrade: head.wantsUpgrade)
    guard isTrusted, rules._withUnsafeGuaranteedRef({ $0.hasHeader }) else { return facts }
    for index in 0..<head.fieldCount where isTenantField(fields[index], base) {
      let value = fields[index].value
      facts.hasTwoFields = facts.field != nil
      facts.field = UnsafeBufferPointer(start: base + Int(value.start), count: value.count)
    }
    return facts
  }

  /// Whether a field is the one that `resolve { header … }` names, in any case and with `_` for `-`.
  func isTenantField(_ field: Field, _ base: UnsafePointer<UInt8>) -> Bool {
    rules._withUnsafeGuaranteedRef { $0.isHeader(base + Int(field.name.start), field.name.count) }
  }

  /// Decides a request: the one function behind the data path and `explain`.
  func decide(_ facts: RequestFacts) -> Decision {
    var decision = Decision()
    if facts.hasTwoFields {
      decision.code = .tenantConflict
      return decision
    }
    let resolution = rules._withUnsafeGuaranteedRef { rules in
      directory._withUnsafeGuaranteedRef { directory in
        rules.resolve(
          in: directory, host: facts.host, header: facts.field, path: facts.path, certificate: facts.certificate,
          fallback: unknownTenant)
      }
    }
    decision.source = resolution.source
    switch resolution.outcome {
    case .conflict:
      decision.code = .tenantConflict
      return decision
    case .unknown:
      decision.code = .tenantUnknown
      return decision
    case .resolved:
      decision.tenant = resolution.tenant
    }
    return directory._withUnsafeGuaranteedRef { place(decision, in: $0, facts) }
  }

  /// Where a tenant's data lives now.
  @inline(never)
  func placement(of tenant: TenantIndex, _ method: Method, wantsUpgrade: Bool) -> Decision {
    var decision = Decision()
    decision.tenant = tenant
    let nothing = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    let facts = RequestFacts(host: nothing, field: nil, path: nothing, method: method, wantsUpgrade: wantsUpgrade)
    return directory._withUnsafeGuaranteedRef { place(decision, in: $0, facts) }
  }

  /// Adds where the tenant's data lives.
  @inline(__always)
  private func place(_ decision: Decision, in directory: TenantDirectory, _ facts: RequestFacts) -> Decision {
    var decision = decision
    let tenant = decision.tenant
    decision.epoch = directory.epoch(of: tenant)
    decision.shard = directory.home(of: tenant)
    if decision.shard < 0, unlistedCount > 0 {
      let choice = Rendezvous.choose(
        key: directory.rendezvousHash(of: tenant), shards: unlistedHashes, count: unlistedCount)
      decision.shard = unlistedShards[choice]
    }
    if !directory.isOrdinary(tenant) {
      return judge(decision, directory.condition(of: tenant), in: directory, isSafe: facts.isSafe)
    }
    if decision.shard < 0 { decision.code = .noBackend }
    return decision
  }

  /// Decides for a tenant that is out of the ordinary.
  @inline(never)
  private func judge(
    _ placed: Decision, _ condition: TenantCondition, in directory: TenantDirectory, isSafe: Bool
  ) -> Decision {
    var decision = placed
    let region = directory.region(of: decision.tenant)
    if condition.isTest || region != 0 {
      decision.shard = shard(for: decision, in: directory, isTest: condition.isTest, region: region)
    }
    switch condition.state {
    case .active, .pastDue: break
    case .suspended: decision.code = .tenantSuspended
    case .readOnly: decision.code = isSafe ? .none : .tenantReadOnly
    case .maintenance: decision.code = .tenantMaintenance
    case .gone: decision.code = .tenantGone
    }
    if decision.code == .none, decision.shard < 0 {
      decision.code = condition.isTest ? .noTestShard : region != 0 ? .regionPinned : .noBackend
    }
    return decision
  }

  /// The shard of a tenant that not every shard may serve: its home, or where it has none the one that its name falls to,
  /// among those for tests, for a tenant of tests, and those of its region, if it may not leave one; -1 when there is none.
  private func shard(for decision: Decision, in directory: TenantDirectory, isTest: Bool, region: UInt8) -> Int32 {
    func serves(_ place: Int32) -> Bool {
      let shard = shards + Int(place)
      return (!isTest || shard.pointee.isTest) && (region == 0 || shard.pointee.region == region)
    }
    let home = directory.home(of: decision.tenant)
    if home >= 0 { return serves(home) ? home : -1 }
    let key = directory.rendezvousHash(of: decision.tenant)
    var best: Int32 = -1
    var bestScore: UInt64 = 0
    for index in 0..<(isTest ? shardCount : unlistedCount) {
      let place = isTest ? Int32(index) : unlistedShards[index]
      guard serves(place) else { continue }
      let score = Rendezvous.score(key: key, shard: shards[Int(place)].hash)
      if best < 0 || score > bestScore { (best, bestScore) = (place, score) }
    }
    return best
  }
}
