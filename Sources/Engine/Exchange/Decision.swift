import HTTP
import Primitives
import Tenancy

/// What a request says of whose it is.
struct RequestFacts {
  /// The host name, normalised; empty when there is none.
  var host: UnsafeBufferPointer<UInt8>
  /// The tenant field's value, from trusted peers only; `nil` when absent.
  var field: UnsafeBufferPointer<UInt8>?
  /// The target's path.
  var path: UnsafeBufferPointer<UInt8>
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
  /// Decides a request: the one function behind the data path and `explain`.
  func decide(_ facts: RequestFacts) -> Decision {
    var decision = Decision()
    let resolution = rules._withUnsafeGuaranteedRef { rules in
      directory._withUnsafeGuaranteedRef { directory in
        rules.resolve(
          in: directory, host: facts.host, header: facts.field, path: facts.path, fallback: unknownTenant)
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

  /// Adds where the tenant's data lives.
  private func place(_ decision: Decision, in directory: TenantDirectory) -> Decision {
    var decision = decision
    let tenant = decision.tenant
    decision.epoch = directory.epoch(of: tenant)
    decision.shard = directory.home(of: tenant)
    if decision.shard < 0, unlistedCount > 0 {
      let choice = Rendezvous.choose(key: directory.rendezvousHash(of: tenant), shards: unlistedHashes, unlistedCount)
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
