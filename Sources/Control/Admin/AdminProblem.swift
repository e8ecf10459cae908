import FoundationEssentials

/// Why a call of the admin API was not done, as `application/problem+json` (RFC 9457).
struct AdminProblem: Error, Sendable, Equatable {
  /// The status, 400 ... 599.
  var status: Int
  /// The stable name, in snake_case.
  var code: String
  /// One sentence for people.
  var detail: String

  init(_ status: Int, _ code: String, _ detail: String) {
    self.status = status
    self.code = code
    self.detail = detail
  }

  /// The body of the answer.
  var json: [UInt8] {
    let body = Body(
      type: "about:blank", title: PlainAnswer.reason(status), status: status, code: code, detail: detail)
    return AdminJSON.bytes(body)
  }

  private struct Body: Encodable {
    var type: String
    var title: String
    var status: Int
    var code: String
    var detail: String
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
