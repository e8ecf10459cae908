import Platform

/// A call of the admin API, authenticated.
struct AdminCall: Sendable {
  /// Who calls.
  var caller: AdminCaller
  /// What stands in the place of each `{name}` of the route's path, decoded.
  var parameters: [String: String] = [:]
  /// The query, decoded; of a name given twice the last.
  var query: [String: String] = [:]
  /// Every value of each name of the query, in order.
  var queries: [String: [String]] = [:]
  /// The body; empty when there is none.
  var body: [UInt8] = []
  /// The value of `If-Match`, if there is one.
  var ifMatch: String?
  /// Why the caller does it, from `X-Audit-Reason`.
  var reason: String?

  /// Passes a span of time, for calls that wait; false when the server stops meanwhile, and the call must come to its end.
  var pause: @Sendable (Duration) -> Bool = { span in
    Machine.rest(nanoseconds: Int64(span / .nanoseconds(1)))
    return true
  }

  /// Whether nothing is to be changed (`?dry-run=1`).
  var isDryRun: Bool { query["dry-run"] == "1" }
}

/// What the admin API answers.
struct AdminAnswer: Sendable {
  /// The status, 200 ... 299.
  var status = 200
  /// JSON, or empty.
  var body: [UInt8] = []
  /// The entity's tag, with its quotes, if it has one.
  var etag: String?
  /// What was changed, for the audit log; `nil` when nothing was.
  var change: AdminChange?
}

/// What a call has changed, in JSON; empty where there was, or is, nothing.
struct AdminChange: Sendable {
  /// The thing, such as `tenant/acme`.
  var target: String
  var before: [UInt8] = []
  var after: [UInt8] = []
  /// The tenants it is about, where `target` names none: they see it in their audit.
  var tenants: [String] = []
}

/// One row of the admin API: what the server does, and what its OpenAPI document says.
struct AdminRoute: Sendable {
  /// `GET`, `PUT` …
  var method: String
  /// Such as `/v1/tenants/{id}`; a custom verb follows a colon: `/v1/moves/{id}:confirm`.
  var path: String
  /// What a caller must be.
  var role: AdminRole
  /// The parameter that names a tenant, for which the caller's scope is checked; `nil` when the handler looks itself.
  var tenantParameter: String?
  /// What it does, in one line.
  var summary: String
  /// Names of the schemas of the request's and the answer's JSON in the OpenAPI document.
  var request: String?
  var response: String?
  /// The names of the query's parameters.
  var query: [String] = []
  /// What values of the query look like that are not any text, by name.
  var shapes: [String: AdminShape] = [:]
  /// Whether it looks at `If-Match`.
  var isConditional = false
  /// The status when it is done, unless the handler says otherwise.
  var success = 200
  /// Bytes of a body at most; over it 413.
  var mostBody = AdminRoute.usualBody
  /// The name of what it does in history and audit, such as `tenant.put`; empty for what only reads.
  var action = ""
  /// Does it. Called on threads of the admin server, several at once.
  var handler: @Sendable (AdminCall) throws(AdminProblem) -> AdminAnswer

  /// Bytes of most bodies.
  static let usualBody = 1 << 20
  /// Bytes of the body of an import; few of them are taken at a time.
  static let largestBody = 64 << 20
}
