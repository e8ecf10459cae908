import Engine
import Tenancy

/// Where it is told how much tenants have used of their quotas, and where that begins anew before its time.
struct QuotaDesk: Sendable {
  let engine: Engine
  /// Who keeps what is used; `nil` without `state`.
  let keeper: QuotaKeeper?

  /// A quota of a tenant.
  struct Answer: Codable {
    var limit: String
    var amount: Int64
    var used: Int64
    /// Percent of the amount at which it is told of.
    var soft: Int64
    /// When the period began in which so much was used.
    var since: String?
  }

  /// Which quotas are to begin anew; all, where none is named.
  struct Request: Codable {
    var limit: String?
  }

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/tenants/{id}/quotas", role: .viewer, tenantParameter: "id",
        summary: "What a tenant has used of its quotas.", response: "QuotaList", handler: get),
      AdminRoute(
        method: "POST", path: "/v1/tenants/{id}/quotas:reset", role: .operator, tenantParameter: "id",
        summary: "Has a quota of a tenant, or all of them, begin anew in the period that is on.",
        request: "QuotaRequest",
        response: "QuotaList", action: "quota.reset", handler: reset),
    ]
  }

  @Sendable private func get(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    AdminAnswer(body: try list(call.parameters["id"] ?? ""))
  }

  @Sendable private func reset(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let id = call.parameters["id"] ?? ""
    let request = call.body.isEmpty ? Request() : try AdminJSON.read(Request.self, call.body)
    let before = try list(id)
    guard !call.isDryRun else { return AdminAnswer(body: before) }
    if let limit = request.limit, !(engine.quotas(of: id) ?? []).contains(where: { $0.limit == limit }) {
      throw .notFound("Tenant '\(id)' has no '\(limit.prefix(64))'.")
    }
    engine.resetQuotas(of: id, limit: request.limit)
    if let keeper, !keeper.keepNow(engine) {
      throw AdminProblem(507, "state_unwritable", "The quota begins anew, but that could not be written down.")
    }
    var answer = AdminAnswer(body: try list(id))
    answer.change = AdminChange(target: "tenant/\(id)/quotas", before: before, after: answer.body)
    return answer
  }

  private func list(_ id: String) throws(AdminProblem) -> [UInt8] {
    guard let quotas = engine.quotas(of: id) else { throw TenantDesk.unknown(id) }
    let items = quotas.map {
      Answer(
        limit: $0.limit, amount: $0.amount, used: $0.used, soft: $0.soft,
        since: $0.start > 0 ? WallTime.text($0.start * 1_000) : nil)
    }
    return AdminJSON.bytes(AdminList(items: items, next: nil))
  }
}
