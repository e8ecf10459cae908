import Configuration
import Tenancy

/// Many tenants at once, and all that is known of one.
extension TenantDesk {
  /// Tenants of an import at most.
  static let mostImported = 200_000

  var importRoutes: [AdminRoute] {
    [
      AdminRoute(
        method: "POST", path: "/v1/tenants:import", role: .operator,
        summary: "Puts many tenants into the store, all or none.", request: "TenantImport",
        response: "TenantImportResult",
        query: ["dry-run"], mostBody: AdminRoute.largestBody, action: "tenant.import", handler: importTenants),
      AdminRoute(
        method: "GET", path: "/v1/tenants:export", role: .viewer,
        summary: "All tenants of the store, as an import takes them.",
        response: "TenantImport", handler: exportTenants),
      AdminRoute(
        method: "GET", path: "/v1/tenants/{id}:export", role: .viewer, tenantParameter: "id",
        summary: "All that is known of a tenant: its settings, where it lives, its history.", response: "TenantBundle",
        handler: exportTenant),
    ]
  }

  @Sendable private func importTenants(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let edits = try importEdits(call)
    guard !edits.isEmpty else { return AdminAnswer(body: AdminJSON.bytes(ImportResult(call.isDryRun, []))) }
    let outcomes = try tenants.make(edits, isDryRun: call.isDryRun)
    let result = ImportResult(call.isDryRun, outcomes)
    var answer = AdminAnswer(body: AdminJSON.bytes(result))
    if !call.isDryRun, result.created + result.changed > 0 {
      answer.change = AdminChange(target: "tenants", after: answer.body)
    }
    return answer
  }

  private func importEdits(_ call: AdminCall) throws(AdminProblem) -> [TenantEdit] {
    guard case .object(let body) = try AdminJSON.read(JSONValue.self, call.body),
      case .list(let items)? = body["tenants"]
    else { throw .badRequest("The body is {\"tenants\":[…]}.") }
    guard items.count <= TenantDesk.mostImported else {
      throw AdminProblem(413, "too_many_tenants", "An import has \(TenantDesk.mostImported) tenants at most.")
    }
    var edits: [TenantEdit] = []
    var seen: Set<String> = []
    var problems: [(String, AdminProblem)] = []
    for (place, item) in items.enumerated() {
      do throws(AdminProblem) {
        let id = try TenantDesk.id(of: item)
        guard call.caller.mayReach(id) else { throw .forbidden("The caller is limited to other tenants.") }
        guard seen.insert(id).inserted else { throw .badRequest("The tenant stands twice in the import.") }
        edits.append(
          TenantEdit(
            tenant: id, action: "tenant.import", actor: call.caller.actor, reason: call.reason
          ) { (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
            try TenantDesk.checkStore(sight)
            return .whole(try TenantSettings(item, id: id, current: sight))
          })
      } catch {
        problems.append(((try? TenantDesk.id(of: item)) ?? "#\(place + 1)", error))
      }
    }
    guard problems.isEmpty else {
      // What is wrong with the others is told as well.
      problems += (try? wrongs(edits)) ?? []
      throw AdminProblem(aboutTenants: problems)
    }
    return edits
  }

  /// What would be wrong with edits.
  private func wrongs(_ edits: [TenantEdit]) throws(AdminProblem) -> [(String, AdminProblem)] {
    do throws(AdminProblem) {
      if !edits.isEmpty { _ = try tenants.make(edits, isDryRun: true) }
      return []
    } catch {
      if let items = error.errors { return items.map { ($0.tenant, AdminProblem(error.status, $0.code, $0.detail)) } }
      return edits.count == 1 ? [(edits[0].tenant, error)] : []
    }
  }

  private static func id(of item: JSONValue) throws(AdminProblem) -> String {
    guard case .object(let members) = item else { throw .badRequest("A tenant is an object.") }
    guard let id = try members.text("id") else { throw .badRequest("The tenant has no 'id'.") }
    return id
  }

  @Sendable private func exportTenants(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let catalog = try tenants.catalog()
    let now = LiveTenants.wallTime()
    var body = Array("{\"tenants\":[".utf8)
    var isFirst = true
    var place: String?
    while true {
      let page = tenants.page(after: place, limit: TenantDesk.mostItems, of: catalog) { call.caller.mayReach($0) }
      for name in page.names {
        guard let sight = catalog.sight(name, now: now), !sight.isDeclared else { continue }
        if !isFirst { body.append(UInt8(ascii: ",")) }
        isFirst = false
        body += TenantDocument(name, sight.settings, source: nil).json
      }
      guard page.hasMore, let last = page.names.last else { break }
      place = last
    }
    return AdminAnswer(body: body + Array("]}".utf8))
  }

  @Sendable private func exportTenant(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let id = call.parameters["id"] ?? ""
    let catalog = try tenants.catalog()
    guard let sight = catalog.sight(id, now: LiveTenants.wallTime()) else { throw TenantDesk.unknown(id) }
    let placement = tenants.placement(of: id)
    let past = catalog.history.page(before: .max, limit: TenantHistory.mostEntries) { $0.tenant == id }
    let bundle = TenantBundle(
      tenant: sight.document, placement: .init(shard: placement?.shard, epoch: placement?.epoch ?? 0),
      history: past.map { HistoryAnswer($0) })
    return AdminAnswer(body: AdminJSON.bytes(bundle))
  }
}

/// What an import has done, or would do.
struct ImportResult: Codable, Sendable {
  var dryRun: Bool
  var created = 0
  var changed = 0
  var unchanged = 0

  enum CodingKeys: String, CodingKey {
    case created, changed, unchanged
    case dryRun = "dry_run"
  }

  init(_ isDryRun: Bool, _ outcomes: [TenantEditOutcome]) {
    dryRun = isDryRun
    for outcome in outcomes {
      if outcome.before == nil { created += 1 } else if outcome.hasChanged { changed += 1 } else { unchanged += 1 }
    }
  }
}

/// All that is known of a tenant, to be taken elsewhere.
struct TenantBundle: Encodable, Sendable {
  struct Placement: Encodable, Sendable {
    var shard: String?
    var epoch: UInt64
  }

  var tenant: TenantDocument
  var placement: Placement
  /// The newest first.
  var history: [HistoryAnswer]
}
