import Tenancy

/// What holds for a tenant of a table whose line does not say it.
struct TableDefaults {
  /// The plan's place, -1 without plan.
  var plan: Int32 = -1
  /// The shard's place, -1 without home.
  var home: Int32 = -1
  var requests: RequestRate?
  var concurrency: Int32?

  /// Gives a tenant what it lacks.
  func complete(_ tenant: inout TenantLine) {
    if tenant.plan < 0, plan >= 0 {
      tenant.plan = plan
      tenant.inherited.insert(.plan)
    }
    if tenant.home < 0, home >= 0 {
      tenant.home = home
      tenant.inherited.insert(.home)
    }
    if tenant.requests == nil, let requests {
      tenant.requests = requests
      tenant.inherited.insert(.requests)
    }
    if tenant.concurrency == nil, let concurrency {
      tenant.concurrency = concurrency
      tenant.inherited.insert(.concurrency)
    }
  }
}
