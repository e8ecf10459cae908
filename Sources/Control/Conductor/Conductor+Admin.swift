extension Conductor {
  /// Everything that the admin API can do: one list of each part of it.
  var adminRoutes: [AdminRoute] {
    StatusDesk(engine: engine, shared: shared, configPath: configPath).routes
      + shared.reloads.routes
      + GrantDesk(book: grants).routes
      + TenantDesk(tenants: tenants).routes
  }
}
