import FoundationEssentials

/// Why a call of the admin API was not done, as `application/problem+json` (RFC 9457).
struct AdminProblem: Error, Sendable, Equatable {
  /// The status, 400 ... 599.
  var status: Int
  /// The stable name, in snake_case.
  var code: String
  /// One sentence for people.
  var detail: String
  /// What is wrong with each of several things; `nil` when it is about one.
  var errors: [Item]?

  /// What is wrong with one of several tenants.
  struct Item: Codable, Sendable, Equatable {
    var tenant: String
    var code: String
    var detail: String
  }

  init(_ status: Int, _ code: String, _ detail: String) {
    self.status = status
    self.code = code
    self.detail = detail
  }

  /// The body of the answer.
  var json: [UInt8] {
    let body = Body(
      type: "about:blank", title: PlainAnswer.reason(status), status: status, code: code, detail: detail,
      errors: errors)
    return AdminJSON.bytes(body)
  }

  private struct Body: Encodable {
    var type: String
    var title: String
    var status: Int
    var code: String
    var detail: String
    var errors: [Item]?
  }

  /// That several tenants can't be as they are wanted: all that is wrong, and nothing is done.
  init(aboutTenants problems: [(tenant: String, problem: AdminProblem)]) {
    let statuses = Set(problems.map(\.problem.status))
    self.init(
      statuses.count == 1 ? problems[0].problem.status : 422, "tenants_refused",
      "Nothing was changed: \(problems.count) of the tenants can't be as they are wanted.")
    errors = problems.map { Item(tenant: $0.tenant, code: $0.problem.code, detail: $0.problem.detail) }
  }

  /// A body, path or query that can't be read.
  static func badRequest(_ detail: String) -> AdminProblem { AdminProblem(400, "bad_request", detail) }
  /// The caller may not do this.
  static func forbidden(_ detail: String) -> AdminProblem { AdminProblem(403, "forbidden", detail) }
  /// There is no such thing.
  static func notFound(_ detail: String) -> AdminProblem { AdminProblem(404, "not_found", detail) }
  /// What is there stands against it.
  static func conflict(_ code: String, _ detail: String) -> AdminProblem { AdminProblem(409, code, detail) }
}
