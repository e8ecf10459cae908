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
      path: UnsafeBufferPointer(start: base + Int(head.path.start), count: head.path.count))
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
    return directory._withUnsafeGuaranteedRef { place(decision, in: $0) }
  }

  /// Where a tenant's data lives now.
  func placement(of tenant: TenantIndex) -> Decision {
    var decision = Decision()
    decision.tenant = tenant
    return directory._withUnsafeGuaranteedRef { place(decision, in: $0) }
  }

  /// Adds where the tenant's data lives.
  private func place(_ decision: Decision, in directory: TenantDirectory) -> Decision {
    var decision = decision
    let tenant = decision.tenant
    decision.epoch = directory.epoch(of: tenant)
    decision.shard = directory.home(of: tenant)
    if decision.shard < 0, unlistedCount > 0 {
      let choice = Rendezvous.choose(
        key: directory.rendezvousHash(of: tenant), shards: unlistedHashes, count: unlistedCount)
      decision.shard = unlistedShards[choice]
    }
    if directory.state(of: tenant) == .suspended {
      decision.code = .tenantSuspended
    } else if decision.shard < 0 {
      decision.code = .noBackend
    }
    return decision
  }
}
