import Platform

extension AdminServer {
  /// Fields of every answer.
  static let commonFields = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"

  /// A problem as an answer.
  static func refusal(_ problem: AdminProblem, fields: String = "") -> PlainRefusal {
    var fields = commonFields + fields
    if problem.status == 401 { fields += "WWW-Authenticate: Bearer realm=\"gatehouse\"\r\n" }
    if problem.status == 429 { fields += "Retry-After: 1\r\n" }
    return PlainRefusal(
      status: problem.status, contentType: "application/problem+json", body: problem.json, fields: fields)
  }

  /// What is written down of a call.
  static func entry(
    _ call: AdminCall, _ route: AdminRoute, result: String, _ change: AdminChange? = nil
  ) -> AuditEntry {
    let hash = { (bytes: [UInt8]) in bytes.isEmpty ? nil : SHA256Digest.text(of: bytes) }
    let named = route.tenantParameter.flatMap { call.parameters[$0] }.map { "tenant/\($0)" }
    return AuditEntry(
      actor: call.caller.actor, role: call.caller.role.rawValue, from: call.caller.from,
      action: route.action.isEmpty ? "\(route.method) \(route.path)" : route.action,
      target: clipped(change?.target ?? named ?? place(call, route)), reason: call.reason, result: result,
      beforeHash: change.flatMap { hash($0.before) }, afterHash: change.flatMap { hash($0.after) },
      tenants: change.flatMap { $0.tenants.isEmpty ? nil : $0.tenants })
  }

  /// The path of a call, filled in.
  private static func place(_ call: AdminCall, _ route: AdminRoute) -> String {
    call.parameters.reduce(route.path) { $0.replacing("{\($1.key)}", with: $1.value) }
  }

  /// A text of a length that fits a line.
  static func clipped(_ text: String) -> String { String(text.prefix(256)) }
}
