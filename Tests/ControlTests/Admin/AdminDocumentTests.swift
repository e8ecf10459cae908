import Foundation
import Testing

@testable import Control

@Suite struct AdminDocumentTests {
  @Test func everyReferenceHasItsSchema() {
    let names = Set(AdminSchema.all.map(\.name))
    #expect(names.count == AdminSchema.all.count, "names are unique")
    for schema in AdminSchema.all {
      for reference in schema.shape.references { #expect(names.contains(reference), "\(schema.name): \(reference)") }
    }
  }

  @Test func everyRowIsDescribed() throws {
    let routes = GrantDesk(book: nil).routes + AuditDesk(log: nil).routes + ReloadDesk().routes
    let document = AdminDocument.route(for: routes, AdminSchema.all)
    let caller = AdminCaller(actor: "a", role: .viewer, tenants: nil, from: "unix")
    let body = try document.handler(AdminCall(caller: caller)).body
    let value = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    #expect(value["openapi"] as? String == "3.1.0")
    let paths = try #require(value["paths"] as? [String: [String: [String: Any]]])
    let names = Set(AdminSchema.all.map(\.name))
    for route in routes + [document] {
      let operation = try #require(paths[route.path]?[route.method.lowercased()])
      let responses = try #require(operation["responses"] as? [String: Any])
      #expect(Set(responses.keys) == [String(route.success), "default"])
      let parameters = try #require(operation["parameters"] as? [[String: Any]])
      let told = Set(parameters.compactMap { $0["name"] as? String })
      #expect(told.isSuperset(of: route.query))
      #expect(told.contains("X-Audit-Reason") == !route.action.isEmpty)
      for name in [route.request, route.response].compactMap({ $0 }) { #expect(names.contains(name), "\(name)") }
    }
  }

  @Test func withoutStateThereAreNoGrantsAndNoAudit() {
    let caller = AdminCaller(actor: "a", role: .admin, tenants: nil, from: "unix")
    for route in GrantDesk(book: nil).routes + AuditDesk(log: nil).routes {
      #expect(throws: AdminProblem.self, "\(route.path)") { () throws(AdminProblem) in
        try route.handler(AdminCall(caller: caller))
      }
    }
  }

  @Test(arguments: [
    "{}", "[]", "", "{\"role\":\"king\"}", "{\"role\":\"viewer\",\"tenants\":[]}",
    "{\"role\":\"viewer\",\"tenants\":[\"\"]}",
    "{\"role\":\"viewer\",\"until\":\"yesterday\"}", "{\"role\":\"viewer\",\"until\":\"2001-01-01T00:00:00Z\"}",
    "{\"role\":\"viewer\",\"break_glass\":\"0s\"}", "{\"role\":\"viewer\",\"break_glass\":\"100d\"}", "{\"role\":7}",
  ])
  func badGrantsAreRefused(body: String) throws {
    let directory = TestDirectory()
    let route = GrantDesk(book: try GrantBook(folder: directory.path)).routes[1]
    var call = AdminCall(caller: AdminCaller(actor: "a", role: .admin, tenants: nil, from: "unix"))
    call.body = Array(body.utf8)
    do throws(AdminProblem) {
      _ = try route.handler(call)
      Issue.record("taken")
    } catch {
      #expect(error.status == 400)
    }
  }
}
