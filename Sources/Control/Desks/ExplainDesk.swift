import Configuration
import Engine
import Platform
import Primitives

/// Says what the proxy would do with a request, as `gatehouse explain --json` does, and which lines say so.
struct ExplainDesk {
  private let load: @Sendable () -> LoadOutcome
  /// One configuration is loaded at a time.
  private let turns = Turns(1)

  /// Explains with what `load` makes of the configuration: the text behind the blueprint in use is not kept.
  init(load: @escaping @Sendable () -> LoadOutcome) { self.load = load }

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/explain", role: .viewer,
        summary: "What the proxy would do with a request, and which lines of the configuration say so.",
        response: "Explanation", query: ["host", "path", "method", "header", "client"], handler: explain)
    ]
  }

  @Sendable private func explain(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let question = try self.question(call)
    let loaded = try self.loaded(call)
    let verdict = question.decide(with: loaded.blueprint)
    let tenant = verdict.tenant.map { loaded.blueprint.tenants.name(of: $0) }
    if call.caller.tenants != nil, !(tenant.map { call.caller.mayReach($0) } ?? false) {
      throw .forbidden("The caller is limited to other tenants than this request's.")
    }
    return AdminAnswer(body: Array(RequestExplanation(question, verdict, loaded).json.utf8))
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

  /// The configuration as it is now, with its text, loaded on a thread that gives way to the workers.
  private func loaded(_ call: AdminCall) throws(AdminProblem) -> LoadedConfiguration {
    try turns.take(call)
    defer { turns.giveBack() }
    let outcome: LoadOutcome
    do throws(SystemError) {
      outcome = try Platform.Thread.aside(named: "explain", load)
    } catch {
      throw AdminProblem(503, "busy", "There is no thread to load the configuration on: \(error).")
    }
    switch outcome {
    case .loaded(let loaded): return loaded
    case .refused(let report): throw .conflict("bad_configuration", report.text)
    }
  }
}
