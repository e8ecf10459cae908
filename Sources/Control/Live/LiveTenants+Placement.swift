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
    let directory = configuration.blueprint.tenants
    let index = directory.tenant(tenant)
    let (isTest, region) = index < 0 ? (false, 0) : (directory.condition(of: index).isTest, directory.region(of: index))
    if let fault = configuration.reader.homeFault(place, isTest: isTest, region: region) {
      throw .conflict("home_unfit", "Tenant '\(tenant)' \(fault).")
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
