import Configuration
import Engine
import Primitives

/// Says what the proxy would do with a request, as `gatehouse explain --json` does, and which lines say so.
struct ExplainDesk {
  let tenants: LiveTenants

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/explain", role: .viewer,
        summary: "What the proxy would do with a request, and which lines of the configuration say so.",
        response: "Explanation", query: ["host", "path", "method", "header", "client"],
        shapes: ["header": .matching("^[^:]+:.*$"), "client": .matching("^[0-9a-fA-F.:]+$")], handler: explain)
    ]
  }

  @Sendable private func explain(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let question = try self.question(call)
    let catalog = try tenants.catalog()
    let loaded = catalog.configuration
    let verdict = question.decide(with: loaded.blueprint)
    let tenant = verdict.tenant.map { loaded.blueprint.tenants.name(of: $0) }
    if call.caller.tenants != nil, !(tenant.map { call.caller.mayReach($0) } ?? false) {
      throw .forbidden("The caller is limited to other tenants than this request's.")
    }
    let overlay = tenant.flatMap { catalog.sight($0, now: LiveTenants.wallTime())?.overlay }
    return AdminAnswer(body: Array(RequestExplanation(question, verdict, loaded, overlay: overlay).json.utf8))
  }

  private func question(_ call: AdminCall) throws(AdminProblem) -> RequestQuestion {
    var question = RequestQuestion()
    question.host = call.query["host"]
    question.path = call.query["path"] ?? question.path
    question.method = call.query["method"] ?? question.method
    for field in call.queries["header"] ?? [] {
      guard let colon = field.firstIndex(of: ":"), colon > field.startIndex else {
        throw .badRequest("'header' is NAME: VALUE.")
      }
      let value = field[field.index(after: colon)...].drop { $0 == " " }
      question.fields.append((String(field[..<colon]), String(value)))
    }
    if let text = call.query["client"] {
      guard let client = IPAddress(text) else { throw .badRequest("'client' is an IP address.") }
      question.client = client
    }
    let words =
      [question.path, question.method, question.host ?? ""] + question.fields.flatMap { [$0.name, $0.value] }
    guard words.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.value >= 0x20 } }) else {
      throw .badRequest("A request can't hold control characters.")
    }
    return question
  }
}
