/// Who knows where tenants are, and writes it down.
protocol Placements: Sendable {
  /// Places a tenant: written down, and in use from then on by all workers, which take it up within moments.
  func place(
    _ tenant: String, on shard: String, epoch: UInt64, by caller: AdminCaller, action: String, reason: String?
  ) throws(AdminProblem)
  /// Where a tenant is; `nil` when there is none of this name.
  func placement(of tenant: String) -> (shard: String?, epoch: UInt64)?
}

extension LiveTenants: Placements {}
