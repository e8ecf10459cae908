/// The OpenAPI 3.1 document of the admin API, made from its rows and schemas.
struct AdminDocument {
  let routes: [AdminRoute]
  let schemas: [AdminSchema]

  /// The row that serves the document of `routes` and of itself.
  static func route(for routes: [AdminRoute], _ schemas: [AdminSchema]) -> AdminRoute {
    var route = AdminRoute(
      method: "GET", path: "/v1/openapi.json", role: .viewer, summary: "This document.", response: "Document",
      handler: { (_) throws(AdminProblem) in AdminAnswer() })
    let document = AdminDocument(routes: routes + [route], schemas: schemas).bytes
    route.handler = { (_) throws(AdminProblem) in AdminAnswer(body: document) }
    return route
  }

  /// The document.
  var bytes: [UInt8] { AdminJSON.bytes(json) }

  private var json: AdminNode {
    .object([
      ("openapi", "3.1.0"),
      ("info", .object([("title", "Gatehouse admin API"), ("version", .text(Build.version))])),
      ("servers", .list([.object([("url", "/")])])),
      ("security", .list([.object([("token", .list([]))])])),
      ("paths", .object(paths)),
      (
        "components",
        .object([
          ("schemas", .object(schemas.map { ($0.name, $0.shape.json) })),
          (
            "securitySchemes",
            .object([("token", .object([("type", "http"), ("scheme", "bearer")]))])
          ),
        ])
      ),
    ])
  }

  private var paths: [(String, AdminNode)] {
    var order: [String] = []
    var methods: [String: [(String, AdminNode)]] = [:]
    for route in routes {
      if methods[route.path] == nil { order.append(route.path) }
      methods[route.path, default: []].append((route.method.lowercased(), operation(route)))
    }
    return order.map { ($0, .object(methods[$0]!)) }
  }

  private func operation(_ route: AdminRoute) -> AdminNode {
    var members: [(String, AdminNode)] = [
      ("operationId", .text(AdminDocument.identifier(of: route))), ("summary", .text(route.summary)),
      ("description", .text("Takes the role \(route.role.rawValue).")),
      ("parameters", .list(parameters(route))),
      (
        "responses",
        .object([
          (String(route.success), answer(route)),
          (
            "default",
            .object([
              ("description", "Why it was not done."),
              ("content", content("application/problem+json", "Problem")),
            ])
          ),
        ])
      ),
    ]
    if let request = route.request {
      let body: AdminNode = .object([("required", .flag(true)), ("content", content("application/json", request))])
      members.append(("requestBody", body))
    }
    return .object(members)
  }

  private func answer(_ route: AdminRoute) -> AdminNode {
    let description = ("description", AdminNode.text(route.summary))
    guard let response = route.response else { return .object([description]) }
    return .object([description, ("content", content("application/json", response))])
  }

  private func content(_ type: String, _ schema: String) -> AdminNode {
    .object([(type, .object([("schema", AdminShape.named(schema).json)]))])
  }

  private func parameters(_ route: AdminRoute) -> [AdminNode] {
    let inPath = route.path.split(separator: "{").dropFirst().compactMap { $0.split(separator: "}").first }
    let fields = route.action.isEmpty ? [] : ["X-Audit-Reason"] + (route.isConditional ? ["If-Match"] : [])
    return inPath.map { AdminDocument.parameter(String($0), "path") }
      + (route.query + (route.action.isEmpty ? [] : ["dry-run"])).map { name in
        AdminDocument.parameter(name, "query", route.shapes[name] ?? AdminDocument.shapes[name] ?? .text)
      }
      + fields.map { AdminDocument.parameter($0, "header") }
  }

  /// What values of the query look like wherever they stand.
  private static let shapes: [String: AdminShape] = ["dry-run": .choice(["0", "1"]), "limit": .range(1...1000)]

  private static func parameter(_ name: String, _ place: String, _ shape: AdminShape = .text) -> AdminNode {
    var members: [(String, AdminNode)] = [("name", .text(name)), ("in", .text(place)), ("schema", shape.json)]
    if place == "path" { members.append(("required", .flag(true))) }
    return .object(members)
  }

  /// Such as `get_v1_tenants_id`.
  private static func identifier(of route: AdminRoute) -> String {
    let words = route.path.split { !($0.isLetter || $0.isNumber) }
    return ([Substring(route.method.lowercased())] + words).joined(separator: "_")
  }
}
