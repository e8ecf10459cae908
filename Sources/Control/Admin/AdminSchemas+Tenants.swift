import Tenancy

extension AdminSchema {
  private static let states = AdminShape.choice(TenantState.allCases.map(\.apiName))

  /// Tenants and their history.
  static let ofTenants: [AdminSchema] = [
    AdminSchema(
      "Tenant",
      .object([
        .maybe("id", .text), .maybe("hosts", .list(.text)), .maybe("plan", .orNull(.text)),
        .maybe("home", .orNull(.text)), .maybe("epoch", .count), .maybe("state", states),
        .maybe("until", .orNull(.time)), .maybe("test", .flag), .maybe("expires", .orNull(.time)),
        .maybe("overrides", .map(.any)), .maybe("source", .text),
      ])),
    AdminSchema("TenantList", .page(.named("Tenant"))),
    AdminSchema(
      "QuotaList",
      .page(
        .object([
          .member("limit", .text), .member("amount", .count), .member("used", .count), .member("soft", .count),
          .maybe("since", .time),
        ]))),
    AdminSchema("QuotaRequest", .object([.maybe("limit", .text)])),
    AdminSchema("TenantState", .object([.member("state", states), .maybe("until", .orNull(.time))])),
    AdminSchema(
      "TenantEffective",
      .object([
        .member("tenant", .text), .member("declared", .text),
        .member(
          "values", .list(.object([.member("name", .text), .member("value", .text), .member("source", .text)]))),
      ])),
    AdminSchema("TenantImport", .object([.member("tenants", .list(.named("Tenant")))])),
    AdminSchema(
      "TenantImportResult",
      .object([
        .member("dry_run", .flag), .member("created", .count), .member("changed", .count),
        .member("unchanged", .count),
      ])),
    AdminSchema(
      "TenantBundle",
      .object([
        .member("tenant", .named("Tenant")),
        .member("placement", .object([.member("shard", .orNull(.text)), .member("epoch", .count)])),
        .member("history", .list(.named("HistoryEntry"))),
      ])),
    AdminSchema("HistoryList", .page(.named("HistoryEntry"))),
    AdminSchema(
      "HistoryEntry",
      .object([
        .member("n", .count), .member("time", .time), .member("actor", .text), .member("action", .text),
        .member("tenant", .text), .member("reason", .orNull(.text)), .member("before", .orNull(.named("Tenant"))),
        .member("after", .orNull(.named("Tenant"))),
      ])),
    AdminSchema("RestoreRequest", .object([.maybe("tenant", .text)])),
    AdminSchema(
      "RestoreResult",
      .object([
        .member("n", .count), .member("dry_run", .flag),
        .member(
          "changes",
          .list(
            .object([
              .member("tenant", .text), .maybe("before", .named("Tenant")), .maybe("after", .named("Tenant")),
            ]))),
      ])),
  ]
}
