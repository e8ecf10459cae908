import ConfigLanguage
import Configuration
import Engine
import Primitives
import Tenancy

extension Conductor {
  /// Says what the proxy would do with a request, or what holds for a tenant: 0, 3 for a refusal, 1 for a bad
  /// configuration or an unknown tenant.
  static func explain(_ question: ExplainQuestion, configPath: String, json: Bool) -> Int32 {
    guard let loaded = load(configPath) else { return 1 }
    if let tenant = question.tenant { return explain(tenant: tenant, loaded, json) }
    var request = RequestQuestion()
    request.method = question.method
    request.path = question.path
    request.host = question.host
    request.fields = question.fields.map { ($0.name, $0.value) }
    if let client = IPAddress(question.client) {
      request.client = client
    } else {
      say("gatehouse: '\(question.client)' is no IP address")
      return 2
    }
    let verdict = request.decide(with: loaded.blueprint)
    let explanation = RequestExplanation(request, verdict, loaded)
    print(json ? explanation.json : explanation.text, terminator: json ? "\n" : "")
    return verdict.code == .none ? 0 : 3
  }

  private static func explain(tenant: String, _ loaded: LoadedConfiguration, _ json: Bool) -> Int32 {
    guard let explanation = TenantExplanation(of: tenant, in: loaded) else {
      let hint = TenantExplanation.suggestion(for: tenant, in: loaded).map { "; \($0)" } ?? ""
      say("gatehouse: no tenant is called '\(tenant)'\(hint)")
      return 1
    }
    print(json ? explanation.json : explanation.text, terminator: json ? "\n" : "")
    return 0
  }
}
