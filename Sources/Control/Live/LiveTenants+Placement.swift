import Configuration

extension LiveTenants {
  /// Has a tenant live on a shard from now on, and returns once all workers send its requests there. A call that says what
  /// holds already changes nothing; an epoch below the one in use is refused.
  func place(
    _ tenant: String, on shard: String, epoch: UInt64, by caller: AdminCaller, action: String, reason: String?
  ) throws(AdminProblem) {
    let configuration = try catalog().configuration
    guard let place = configuration.reader.shard(shard) else {
      throw AdminProblem(422, "shard_unknown", "There is no shard '\(shard)'.")
    }
    let index = configuration.blueprint.tenants.tenant(tenant)
    let region = index >= 0 ? configuration.blueprint.tenants.region(of: index) : 0
    guard region == 0 || configuration.reader.region(ofShard: place) == region else {
      let name = configuration.blueprint.regions[Int(region) - 1]
      throw .conflict("region_pinned", "Tenant '\(tenant)' may not leave region '\(name)', where '\(shard)' is not.")
    }
    let edit = TenantEdit(
      tenant: tenant, action: action, actor: caller.actor, reason: reason
    ) { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      guard let sight else { throw TenantDesk.unknown(tenant) }
      let current = sight.settings
      if current.home == shard, current.epoch == epoch { return sight.row }
      guard epoch > current.epoch else {
        throw .conflict("epoch_lower", "Epoch \(epoch) is not above \(current.epoch), which is in use.")
      }
      return sight.row(home: shard, epoch: epoch)
    }
    _ = try make([edit])
  }
}
