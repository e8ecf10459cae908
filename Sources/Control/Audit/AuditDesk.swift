/// Tells what was done through the admin API.
struct AuditDesk {
  /// Entries of a page: as many as are asked for, and at most.
  static let usualPage = 100
  static let largestPage = 1000

  let log: AuditLog?

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    let query = ["after", "limit", "actor", "action"]
    return [
      AdminRoute(
        method: "GET", path: "/v1/audit", role: .viewer, summary: "What was done, the newest first.",
        response: "AuditList", query: query + ["tenant"], shapes: ["after": .range(1...Int64.max)], handler: list),
      AdminRoute(
        method: "GET", path: "/v1/tenants/{id}/audit", role: .viewer, tenantParameter: "id",
        summary: "What was done about a tenant, the newest first.", response: "AuditList", query: query,
        shapes: ["after": .range(1...Int64.max)], handler: list),
    ]
  }

  @Sendable private func list(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    guard let log else { throw .conflict("no_state", "Without 'state' no audit log is kept.") }
    let limit = try call.number("limit", in: 1...Int64(AuditDesk.largestPage)) ?? Int64(AuditDesk.usualPage)
    let before = try call.number("after", in: 1...Int64.max)
    let (actor, action) = (call.query["actor"], call.query["action"])
    let tenant = call.parameters["id"] ?? call.query["tenant"]
    let caller = call.caller
    let page: (lines: [ArraySlice<UInt8>], next: Int64?)
    do throws(AuditFault) {
      page = try log.page(before: before, limit: Int(limit)) { entry in
        if let actor, entry.actor != actor { return false }
        if let action, entry.action != action, !(action.hasSuffix(".") && entry.action.hasPrefix(action)) {
          return false
        }
        if let tenant, !entry.concerns(tenant) { return false }
        return caller.tenants?.contains { entry.concerns($0) } ?? true
      }
    } catch {
      throw AdminProblem(500, "state_failed", "The audit log can't be read: \(error).")
    }
    // As they were written: a line taken over can be checked against its chain.
    var body = Array(#"{"items":["#.utf8)
    for (index, line) in page.lines.enumerated() { body += (index > 0 ? [UInt8(ascii: ",")] : []) + line }
    body += Array((#"],"next":"# + (page.next.map { "\"\($0)\"" } ?? "null") + "}").utf8)
    return AdminAnswer(body: body)
  }
}

extension AdminCall {
  /// A number of the query; `nil` when it is absent.
  func number(_ name: String, in range: ClosedRange<Int64>) throws(AdminProblem) -> Int64? {
    guard let text = query[name] else { return nil }
    guard let number = Int64(text), range.contains(number) else {
      throw .badRequest("'\(name)' is a number from \(range.lowerBound) to \(range.upperBound).")
    }
    return number
  }
}
