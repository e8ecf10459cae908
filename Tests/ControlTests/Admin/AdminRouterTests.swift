import Testing

@testable import Control

@Suite struct AdminRouterTests {
  private static func row(_ method: String, _ path: String) -> AdminRoute {
    AdminRoute(
      method: method, path: path, role: .viewer, summary: "", handler: { (_) throws(AdminProblem) in AdminAnswer() })
  }

  private let router = AdminRouter([
    row("GET", "/v1/tenants"), row("POST", "/v1/tenants:import"), row("GET", "/v1/tenants/{id}"),
    row("PUT", "/v1/tenants/{id}"), row("PUT", "/v1/tenants/{id}/state"), row("GET", "/v1/moves/{id}"),
    row("POST", "/v1/moves/{id}:confirm"), row("PUT", "/v1/shards/{name}/backends/{address}"),
    row("GET", "/v1/tenants/all"),
  ])

  private func found(_ method: String, _ path: String) -> String {
    switch router.find(method, path) {
    case .route(let route, let parameters):
      "\(route.method) \(route.path)" + parameters.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    case .wrongMethod(let methods): "wrong: \(methods.joined(separator: " "))"
    case .nowhere: "nowhere"
    case .malformed: "malformed"
    }
  }

  @Test(arguments: [
    ("GET", "/v1/tenants", "GET /v1/tenants"),
    ("HEAD", "/v1/tenants", "GET /v1/tenants"),
    ("POST", "/v1/tenants:import", "POST /v1/tenants:import"),
    ("GET", "/v1/tenants/acme", "GET /v1/tenants/{id} id=acme"),
    ("GET", "/v1/tenants/all", "GET /v1/tenants/all"),
    ("PUT", "/v1/tenants/all", "wrong: GET HEAD"),
    ("PUT", "/v1/tenants/a%2Fb/state", "PUT /v1/tenants/{id}/state id=a/b"),
    ("POST", "/v1/moves/7:confirm", "POST /v1/moves/{id}:confirm id=7"),
    ("GET", "/v1/moves/7:confirm", "wrong: POST"),
    ("GET", "/v1/moves/7", "GET /v1/moves/{id} id=7"),
    ("POST", "/v1/moves/:confirm", "wrong: GET HEAD"),
    (
      "PUT", "/v1/shards/eu-1/backends/127.0.0.1:9001",
      "PUT /v1/shards/{name}/backends/{address} address=127.0.0.1:9001 name=eu-1"
    ),
    (
      "PUT", "/v1/shards/eu-1/backends/unix%3A%2Frun%2Fx",
      "PUT /v1/shards/{name}/backends/{address} address=unix:/run/x name=eu-1"
    ),
    ("DELETE", "/v1/tenants/acme", "wrong: GET PUT HEAD"),
    ("GET", "/v1/tenants/", "nowhere"), ("GET", "/v1/tenants/%zz", "malformed"),
    ("GET", "/v1/tenants/%00", "malformed"),
    ("GET", "/v1/tenants/%ff", "malformed"), ("GET", "/v1/tenants/a/b/c", "nowhere"), ("GET", "/", "nowhere"),
    ("GET", "/v1/x", "nowhere"), ("GET", "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9", "nowhere"),
  ])
  func pathsLeadToTheirRow(method: String, path: String, expected: String) {
    #expect(found(method, path) == expected)
  }

  @Test func queriesAreDecoded() {
    #expect(
      AdminQuery.values("a=1&b=x%20y+z&a=2&c&=&d=%3D")?.mapValues { $0.joined(separator: ";") } == [
        "a": "1;2", "b": "x y z", "c": "", "": "", "d": "=",
      ])
    for bad in ["a=%", "a=%1", "a=%gg", "a=%00", "%ff=1"] { #expect(AdminQuery.values(bad) == nil, "\(bad)") }
    #expect(AdminQuery.values(String(repeating: "a&", count: 257)) == nil)
    let text = "a/b:c d%+ü"
    #expect(AdminQuery.decode(AdminQuery.encode(text)[...], isForm: true) == text)
  }

  @Test(arguments: [
    ("2026-11-29T22:57:07.310Z", "2026-11-29T22:57:07.310Z"), ("2026-11-29T22:57:07Z", "2026-11-29T22:57:07.000Z"),
    ("2026-11-29T22:57:07.9999Z", "2026-11-29T22:57:07.999Z"), ("1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.001Z"),
    ("2026-11-30T00:57:07+02:00", "2026-11-29T22:57:07.000Z"),
  ])
  func timesAreReadAndWritten(text: String, written: String) throws {
    #expect(AdminTime.text(try #require(AdminTime.nanoseconds(text))) == written)
  }

  @Test(arguments: [
    "", "tomorrow", "2026-11-29", "2026-11-29T22:57:07", "2026-13-29T22:57:07Z", "2026-11-29T22:57:07.Z",
    "2026-11-29T22:57:07.1234567890Z", "5",
  ])
  func whatIsNoTimeIsNone(text: String) {
    #expect(AdminTime.nanoseconds(text) == nil)
  }

  @Test func anEndMayBeASpan() {
    #expect(AdminTime.end("2h", from: 5) == 7_200_000_000_005)
    #expect(AdminTime.end("1970-01-01T00:00:01Z", from: 5) == 1_000_000_000)
    #expect(AdminTime.end("9999999999999d", from: 5) == nil)
    #expect(AdminTime.end("soon", from: 5) == nil)
  }
}
