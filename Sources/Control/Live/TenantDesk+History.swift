import Configuration
import Tenancy

/// What became of tenants, and how it is undone.
extension TenantDesk {
  var historyRoutes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/history", role: .viewer, summary: "Changes of tenants, the newest first.",
        response: "HistoryList", query: ["after", "limit"], handler: history),
      AdminRoute(
        method: "GET", path: "/v1/tenants/{id}/history", role: .viewer, tenantParameter: "id",
        summary: "Changes of a tenant, the newest first.", response: "HistoryList", query: ["after", "limit"],
        handler: history),
      AdminRoute(
        method: "POST", path: "/v1/history/{n}:restore", role: .admin,
        summary: "Has a tenant, or all, be again what they were right after a change.", request: "RestoreRequest",
        response: "RestoreResult", query: ["dry-run"], action: "history.restore", handler: restore),
    ]
  }

  @Sendable private func history(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let limit = try TenantDesk.limit(call)
    let catalog = try tenants.catalog()
    let id = call.parameters["id"]
    var place = UInt64.max
    if let after = call.query["after"] {
      guard let n = UInt64(after) else { throw .badRequest("'after' is the number of a change.") }
      place = n
    }
    let found = catalog.history.page(before: place, limit: limit) { entry in
      id.map { $0 == entry.tenant } ?? call.caller.mayReach(entry.tenant)
    }
    let items = found.prefix(limit).map { HistoryAnswer($0) }
    let next = found.count > limit ? items.last.map { String($0.n) } : nil
    return AdminAnswer(body: AdminJSON.bytes(AdminList(items: items, next: next)))
  }

  @Sendable private func restore(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    guard let n = call.parameters["n"].flatMap({ UInt64($0) }) else { throw .badRequest("A change has a number.") }
    let asked = try call.body.isEmpty ? RestoreRequest() : AdminJSON.read(RestoreRequest.self, call.body)
    let catalog = try tenants.catalog()
    guard var states = catalog.history.states(after: n) else {
      throw AdminProblem(
        404, "history_unknown",
        "There is no change \(n) to go back to; the history goes from \(catalog.history.first) to \(catalog.history.last)."
      )
    }
    if let tenant = asked.tenant {
      guard call.caller.mayReach(tenant) else { throw .forbidden("The caller is limited to other tenants.") }
      states = states.filter { $0.key == tenant }
      guard !states.isEmpty || catalog.sight(tenant, now: LiveTenants.wallTime()) != nil else {
        throw TenantDesk.unknown(tenant)
      }
    } else {
      try call.caller.mustReachAll()
    }
    let edits = states.sorted { $0.key < $1.key }.map { tenant, row in
      TenantDesk.restoration(of: tenant, to: row.flatMap { LiveTenant(bytes: $0) }, n, call, catalog)
    }
    let outcomes = edits.isEmpty ? [] : try tenants.make(edits, isDryRun: call.isDryRun)
    let changes = zip(edits, outcomes).filter { $1.hasChanged }.map { edit, outcome in
      RestoreResult.Change(tenant: edit.tenant, before: outcome.before?.document, after: outcome.after?.document)
    }
    var answer = AdminAnswer(body: AdminJSON.bytes(RestoreResult(n: n, dryRun: call.isDryRun, changes: changes)))
    if !call.isDryRun, !changes.isEmpty {
      answer.change = AdminChange(
        target: asked.tenant.map { "tenant/\($0)" } ?? "tenants", after: answer.body,
        tenants: changes.prefix(1_000).map(\.tenant))
    }
    return answer
  }

  private static func restoration(
    of tenant: String, to row: LiveTenant?, _ n: UInt64, _ call: AdminCall, _ catalog: TenantCatalog
  ) -> TenantEdit {
    let index = catalog.configuration.blueprint.tenants.tenant(tenant)
    let declaredHome = index >= 0 ? catalog.configuration.declaration(of: tenant, at: index).home : nil
    return TenantEdit(
      tenant: tenant, action: "history.restore", actor: call.caller.actor,
      reason: call.reason ?? "back to change \(n)"
    ) { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      try restored(row, sight, declaredHome: declaredHome)
    }
  }

  /// What is to be kept so that a tenant is again what it was. Epochs only grow: who lives elsewhere now moves back by a
  /// new one.
  private static func restored(
    _ row: LiveTenant?, _ sight: TenantSight?, declaredHome: String?
  ) throws(AdminProblem) -> LiveTenant? {
    let current = sight?.settings
    func epoch(_ home: String?, _ known: UInt64) -> UInt64 {
      guard let current else { return known }
      return current.home == home ? max(known, current.epoch) : max(known, current.epoch + 1)
    }
    if case .whole(var settings)? = row {
      try checkStore(sight)
      settings.epoch = epoch(settings.home, settings.epoch)
      return .whole(settings)
    }
    guard let sight, sight.isDeclared else { return nil }
    var overlay = TenantOverlay()
    if case .overlay(let known)? = row { overlay = known }
    if let home = overlay.home ?? (sight.overlay?.home == nil ? nil : declaredHome) {
      overlay.epoch = epoch(home, overlay.epoch)
      overlay.home = home
    } else if let known = sight.overlay, known.home != nil {
      // It had no home of its own, and there is no way back to that.
      (overlay.home, overlay.epoch) = (known.home, known.epoch)
    }
    return overlay.isEmpty ? nil : .overlay(overlay)
  }
}

/// Whom to restore; all when no tenant is named.
private struct RestoreRequest: Decodable {
  var tenant: String?
}

/// What was restored, or would be.
struct RestoreResult: Encodable, Sendable {
  struct Change: Encodable, Sendable {
    var tenant: String
    var before: TenantDocument?
    var after: TenantDocument?
  }

  var n: UInt64
  var dryRun: Bool
  var changes: [Change]

  enum CodingKeys: String, CodingKey {
    case n, changes
    case dryRun = "dry_run"
  }
}

/// A change as the API tells of it.
struct HistoryAnswer: Codable, Sendable {
  /// What was kept of the tenant.
  enum Past: Codable, Sendable {
    case whole(TenantDocument)
    case overlay(OverlayDocument)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let whole = try? value.decode(TenantDocument.self) {
        self = .whole(whole)
      } else {
        self = .overlay(try value.decode(OverlayDocument.self))
      }
    }

    func encode(to encoder: any Encoder) throws {
      var value = encoder.singleValueContainer()
      switch self {
      case .whole(let document): try value.encode(document)
      case .overlay(let document): try value.encode(document)
      }
    }
  }

  var n: UInt64
  var time: String
  var actor: String
  var action: String
  var tenant: String
  var reason: String?
  var before: Past?
  var after: Past?

  enum CodingKeys: CodingKey { case n, time, actor, action, tenant, reason, before, after }

  init(_ entry: HistoryEntry) {
    n = entry.n
    time = WallTime.text(entry.time)
    actor = entry.actor
    action = entry.action
    tenant = entry.tenant
    reason = entry.reason
    before = HistoryAnswer.past(entry.tenant, entry.before)
    after = HistoryAnswer.past(entry.tenant, entry.after)
  }

  private static func past(_ id: String, _ row: [UInt8]?) -> Past? {
    switch row.flatMap({ LiveTenant(bytes: $0) }) {
    case .whole(let settings)?: .whole(TenantDocument(id, settings, source: nil))
    case .overlay(let overlay)?: .overlay(OverlayDocument(id, overlay))
    case nil: nil
    }
  }

  func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(n, forKey: .n)
    try members.encode(time, forKey: .time)
    try members.encode(actor, forKey: .actor)
    try members.encode(action, forKey: .action)
    try members.encode(tenant, forKey: .tenant)
    try members.encode(reason, forKey: .reason)
    try members.encode(before, forKey: .before)
    try members.encode(after, forKey: .after)
  }
}
