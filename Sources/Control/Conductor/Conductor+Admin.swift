extension Conductor {
  /// Everything that the admin API can do: one list of each part of it, and the document that describes them.
  var adminRoutes: [AdminRoute] {
    let routes =
      StatusDesk(engine: engine, shared: shared, configPath: configPath).routes
      + TopDesk(engine: engine).routes
      + ExplainDesk(tenants: tenants).routes
      + shared.reloads.routes
      + shared.upgrades.routes
      + GrantDesk(book: grants).routes
      + AuditDesk(log: auditor.log).routes
      + TenantDesk(tenants: tenants).routes
      + QuotaDesk(engine: engine, keeper: quotas).routes
      + BackendDesk(engine: engine).routes
      + MoveDesk(keeper: moves).routes
    return routes + [AdminDocument.route(for: routes, AdminSchema.all)]
  }
}
