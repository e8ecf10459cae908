extension AdminSchema {
  /// All schemas of the admin API: one list of each part of it.
  static let all: [AdminSchema] = ofServer + ofStatus + ofGrants + ofAudit + ofTenants + ofMoves

  /// What every part answers.
  static let ofServer: [AdminSchema] = [
    AdminSchema(
      "Problem",
      .object([
        .member("type", .text), .member("title", .text), .member("status", .count), .member("code", .text),
        .member("detail", .text),
        .maybe(
          "errors",
          .list(.object([.member("tenant", .text), .member("code", .text), .member("detail", .text)]))),
      ])),
    AdminSchema("Document", .map(.any)),
  ]

  /// How the process and its shards do.
  static let ofStatus: [AdminSchema] = [
    AdminSchema(
      "Status",
      .object([
        .member("version", .text), .member("commit", .text), .member("pid", .count), .member("configuration", .text),
        .maybe("started", .time), .member("state", .choice(["starting", "ready", "draining"])),
        .member("generation", .count),
        .member("last_reload", .object([.member("successful", .flag), .member("time", .time)])),
        .member("workers", .count), .member("listeners", .list(.text)), .member("tenants", .count),
        .member("shards", .count),
        .member("clients", .object([.member("active", .count), .member("idle", .count)])),
        .member("backends_down", .list(.text)), .member("overload", .count),
      ])),
    AdminSchema(
      "Reload",
      .object([.member("generation", .count), .member("warnings", .text), .member("at_next_start", .list(.text))])),
    AdminSchema("Upgrade", .object([.member("process", .count), .member("before", .count)])),
    AdminSchema("ShardList", .page(.named("Shard"))),
    AdminSchema(
      "Shard",
      .object([
        .member("name", .text), .maybe("region", .text), .member("balance", .text), .member("standby", .list(.text)),
        .maybe(
          "concurrency",
          .object([.member("limit", .count), .member("held", .count), .member("waiting", .count)])),
        .member("backends", .list(.named("Backend"))),
      ])),
    AdminSchema(
      "Backend",
      .object([
        .member("address", .text), .member("weight", .count),
        .member("health", .choice(["up", "down", "ejected"])),
        .member("state", .choice(["active", "draining", "down"])), .member("active", .count), .member("idle", .count),
        .member("answers", .count), .member("errors", .count), .member("ejections", .count),
      ])),
    AdminSchema(
      "Top",
      .page(
        .object([
          .member("tenant", .text), .member("requests", .number), .member("errors", .number),
          .member("limited", .number), .member("bytes_in", .number), .member("bytes_out", .number),
          .member("in_flight", .count),
        ]))),
    AdminSchema(
      "Explanation",
      .object([
        .member("admitted", .flag), .maybe("status", .count), .maybe("code", .text), .maybe("tenant", .text),
        .maybe("tenant_source", .text), .maybe("declared", .text),
        .maybe(
          "values",
          .list(.object([.member("name", .text), .member("value", .text), .member("source", .text)]))),
        .maybe("shard", .text), .maybe("epoch", .count), .maybe("standbys", .list(.text)),
        .maybe("backends", .list(.object([.member("address", .text), .member("weight", .count)]))),
      ])),
  ]

  /// Grants.
  static let ofGrants: [AdminSchema] = [
    AdminSchema(
      "GrantRequest",
      .object([
        .member("role", .choice(AdminRole.allCases.map(\.rawValue))),
        .maybe("tenants", .orNull(.some(.matching("^[0-9A-Za-z._-]{1,64}$")))),
        .maybe("until", .orNull(.text)), .maybe("reason", .orNull(.text)), .maybe("break_glass", .orNull(.text)),
      ])),
    AdminSchema(
      "Grant",
      .object([
        .member("id", .text), .member("role", .choice(AdminRole.allCases.map(\.rawValue))),
        .maybe("tenants", .list(.text)), .maybe("until", .time), .member("reason", .text), .member("created", .time),
        .member("actor", .text), .member("state", .choice(["active", "sealed", "expired"])),
        .maybe("break_glass", .text), .maybe("opened", .time), .maybe("token", .text),
      ])),
    AdminSchema("GrantList", .page(.named("Grant"))),
  ]

  /// The audit log.
  static let ofAudit: [AdminSchema] = [
    AdminSchema("AuditList", .page(.named("AuditEntry"))),
    AdminSchema(
      "AuditEntry",
      .object([
        .member("n", .count), .member("time", .time), .member("actor", .text), .member("role", .text),
        .member("from", .text), .member("action", .text), .member("target", .text),
        .member("reason", .orNull(.text)), .member("result", .text), .member("before_hash", .orNull(.text)),
        .member("after_hash", .orNull(.text)), .maybe("tenants", .list(.text)), .member("chain", .text),
      ])),
  ]
}
