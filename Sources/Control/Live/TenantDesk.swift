import ConfigLanguage
import Configuration
import Tenancy

/// Where tenants are asked for and changed: the part of the admin API that is about one of them, or a list.
struct TenantDesk: Sendable {
  /// Items of a page, at most and usually.
  static let mostItems = 1_000
  private static let usualItems = 100

  let tenants: LiveTenants

  /// The rows of the admin API.
  var routes: [AdminRoute] { reads + changes + importRoutes + historyRoutes }

  private var reads: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/tenants", role: .viewer, summary: "Tenants by name, in pages.",
        response: "TenantList",
        query: ["after", "limit"], handler: list),
      AdminRoute(
        method: "GET", path: "/v1/tenants/{id}", role: .viewer, tenantParameter: "id", summary: "A tenant.",
        response: "Tenant", handler: get),
      AdminRoute(
        method: "GET", path: "/v1/tenants/{id}/effective", role: .viewer, tenantParameter: "id",
        summary: "Each value that holds for a tenant, and where it comes from.", response: "TenantEffective",
        handler: effective),
    ]
  }

  private var changes: [AdminRoute] {
    [
      AdminRoute(
        method: "PUT", path: "/v1/tenants/{id}", role: .operator, tenantParameter: "id",
        summary: "Makes a tenant of the store, or puts another in its place.", request: "Tenant", response: "Tenant",
        query: ["dry-run"], action: "tenant.put", handler: put),
      AdminRoute(
        method: "PATCH", path: "/v1/tenants/{id}", role: .operator, tenantParameter: "id",
        summary: "Changes a tenant of the store by a merge patch (RFC 7396).", request: "Tenant", response: "Tenant",
        query: ["dry-run"], action: "tenant.patch", handler: patch),
      AdminRoute(
        method: "DELETE", path: "/v1/tenants/{id}", role: .operator, tenantParameter: "id",
        summary: "Takes a tenant out of the store.", query: ["dry-run"], success: 204, action: "tenant.delete",
        handler: delete),
      AdminRoute(
        method: "PUT", path: "/v1/tenants/{id}/state", role: .support, tenantParameter: "id",
        summary: "Sets whether a tenant is served, wherever it is declared; role support for a time only.",
        request: "TenantState", response: "Tenant", query: ["dry-run"], action: "tenant.state", handler: setState),
    ]
  }

  // MARK: - reading

  /// How many items a page is to have.
  static func limit(_ call: AdminCall) throws(AdminProblem) -> Int {
    guard let text = call.query["limit"] else { return usualItems }
    guard let limit = Int(text), (1...mostItems).contains(limit) else {
      throw .badRequest("'limit' is a number from 1 to \(mostItems).")
    }
    return limit
  }

  /// Why there is no such tenant.
  static func unknown(_ id: String) -> AdminProblem {
    AdminProblem(404, "tenant_unknown", "There is no tenant '\(id)'.")
  }

  @Sendable private func list(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let catalog = try tenants.catalog()
    let limit = try TenantDesk.limit(call)
    let page = tenants.page(after: call.query["after"], limit: limit, of: catalog) { call.caller.mayReach($0) }
    let now = LiveTenants.wallTime()
    let items = page.names.compactMap { catalog.sight($0, now: now)?.document }
    return AdminAnswer(body: AdminJSON.bytes(AdminList(items: items, next: page.hasMore ? page.names.last : nil)))
  }

  @Sendable private func get(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let id = call.parameters["id"] ?? ""
    guard let sight = try tenants.sight(id) else { throw TenantDesk.unknown(id) }
    return TenantDesk.answer(sight)
  }

  /// The answer that tells of a tenant.
  static func answer(_ sight: TenantSight, status: Int = 200) -> AdminAnswer {
    let json = sight.document.json
    return AdminAnswer(status: status, body: json, etag: TenantDocument.tag(of: json))
  }

  @Sendable private func effective(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let id = call.parameters["id"] ?? ""
    let catalog = try tenants.catalog()
    let sight = catalog.sight(id, now: LiveTenants.wallTime())
    guard let explanation = TenantExplanation(of: id, in: catalog.configuration, overlay: sight?.overlay) else {
      throw TenantDesk.unknown(id)
    }
    return AdminAnswer(body: Array(explanation.json.utf8))
  }

  // MARK: - changing

  /// Makes one edit and tells what holds then.
  private func make(
    _ call: AdminCall, _ action: String,
    _ change: @escaping @Sendable (TenantSight?) throws(AdminProblem) -> LiveTenant?
  ) throws(AdminProblem) -> AdminAnswer {
    let id = call.parameters["id"] ?? ""
    let wanted = call.ifMatch
    let edit = TenantEdit(
      tenant: id, action: action, actor: call.caller.actor, reason: call.reason
    ) { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      try TenantDesk.check(wanted, sight)
      return try change(sight)
    }
    let outcome = try tenants.make([edit], isDryRun: call.isDryRun)[0]
    guard let after = outcome.after else {
      return AdminAnswer(status: 204, change: call.isDryRun ? nil : TenantDesk.change(id, outcome))
    }
    var answer = TenantDesk.answer(after, status: outcome.before == nil ? 201 : 200)
    if call.isDryRun { answer.status = 200 } else { answer.change = TenantDesk.change(id, outcome) }
    return answer
  }

  /// What the audit is told of an edit.
  static func change(_ id: String, _ outcome: TenantEditOutcome) -> AdminChange? {
    guard outcome.hasChanged else { return nil }
    return AdminChange(
      target: "tenant/\(id)", before: outcome.before?.document.json ?? [], after: outcome.after?.document.json ?? [],
      tenants: [id])
  }

  /// Refuses a call that wants another version than there is (RFC 9110, section 13.1.1).
  private static func check(_ wanted: String?, _ sight: TenantSight?) throws(AdminProblem) {
    guard let wanted else { return }
    let current = sight.map { TenantDocument.tag(of: $0.document.json) }
    let tags = wanted.split(separator: ",").map { $0.drop { $0 == " " || $0 == "\t" } }
      .map { String($0.reversed().drop { $0 == " " || $0 == "\t" }.reversed()) }
    if let current, tags.contains("*") || tags.contains(current) { return }
    throw AdminProblem(
      412, "precondition_failed", current == nil ? "There is no such tenant." : "The tenant is another by now.")
  }

  /// Refuses to change what only the configuration may.
  static func checkStore(_ sight: TenantSight?) throws(AdminProblem) {
    guard let sight, sight.isDeclared else { return }
    throw .conflict(
      "tenant_read_only", "Tenant '\(sight.id)' is declared at \(sight.source); here only its state can be set.")
  }

  @Sendable private func put(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let value = try AdminJSON.read(JSONValue.self, call.body)
    let id = call.parameters["id"] ?? ""
    return try make(call, "tenant.put") { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      try TenantDesk.checkStore(sight)
      return .whole(try TenantSettings(value, id: id, current: sight))
    }
  }

  @Sendable private func patch(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let patch = try AdminJSON.read(JSONValue.self, call.body)
    let id = call.parameters["id"] ?? ""
    return try make(call, "tenant.patch") { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      guard let sight else { throw TenantDesk.unknown(id) }
      try TenantDesk.checkStore(sight)
      var value = try AdminJSON.read(JSONValue.self, sight.document.json)
      // An epoch that is not asked for follows the home.
      if case .object(var members) = value {
        members["epoch"] = nil
        value = .object(members)
      }
      return .whole(try TenantSettings(value.merged(with: patch), id: id, current: sight))
    }
  }

  @Sendable private func delete(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let id = call.parameters["id"] ?? ""
    return try make(call, "tenant.delete") { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      guard let sight else { throw TenantDesk.unknown(id) }
      try TenantDesk.checkStore(sight)
      return nil
    }
  }

  @Sendable private func setState(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let wanted = try AdminJSON.read(StateRequest.self, call.body)
    let condition = try TenantCondition(state: wanted.state, until: wanted.until)
    if call.caller.role < .operator, condition.state != .active, condition.until == 0 {
      throw .forbidden("Role \(call.caller.role.rawValue) sets a state for a time only: say 'until'.")
    }
    let id = call.parameters["id"] ?? ""
    return try make(call, "tenant.state") { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      guard let sight else { throw TenantDesk.unknown(id) }
      let current = sight.settings.condition
      if current.state == condition.state, current.until == condition.until { return sight.row }
      return sight.row(in: condition)
    }
  }
}

/// The body of a call that sets a state.
private struct StateRequest: Decodable {
  var state: String
  var until: String?
}

extension TenantSight {
  /// What is to be kept of the tenant when it is in another state.
  func row(in condition: TenantCondition) -> LiveTenant? {
    if case .whole(var settings)? = row {
      settings.condition.state = condition.state
      settings.condition.until = condition.until
      return .whole(settings)
    }
    var overlay = overlay ?? TenantOverlay()
    overlay.state = condition.state
    overlay.until = condition.until
    return .overlay(overlay)
  }

  /// What is to be kept of the tenant when it lives elsewhere.
  func row(home: String, epoch: UInt64) -> LiveTenant? {
    if case .whole(var settings)? = row {
      settings.home = home
      settings.epoch = epoch
      return .whole(settings)
    }
    var overlay = overlay ?? TenantOverlay()
    overlay.home = home
    overlay.epoch = epoch
    return .overlay(overlay)
  }
}
