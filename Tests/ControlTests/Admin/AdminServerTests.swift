import Configuration
import Foundation
import Primitives
import Testing

@testable import Control

@Suite struct AdminServerTests {
  private let directory = TestDirectory()

  private static let routes = [
    AdminRoute(
      method: "GET", path: "/v1/echo/{tenant}", role: .viewer, tenantParameter: "tenant", summary: "",
      handler: { (call) throws(AdminProblem) in
        AdminAnswer(body: AdminJSON.bytes(["tenant": call.parameters["tenant"]!]), etag: "\"7\"")
      }),
    AdminRoute(
      method: "PUT", path: "/v1/echo/{tenant}", role: .operator, tenantParameter: "tenant", summary: "", success: 201,
      action: "echo.put",
      handler: { (call) throws(AdminProblem) in
        if call.body.isEmpty { throw .conflict("empty", "Nothing came.") }
        let target = "tenant/\(call.parameters["tenant"]!)"
        return AdminAnswer(
          body: Array("\(call.body.count)".utf8),
          change: call.isDryRun ? nil : AdminChange(target: target, after: call.body))
      }),
    AdminRoute(
      method: "POST", path: "/v1/large", role: .viewer, summary: "", mostBody: AdminRoute.largestBody,
      handler: { (call) throws(AdminProblem) in AdminAnswer(body: Array("\(call.body.count)".utf8)) }),
    AdminRoute(
      method: "GET", path: "/v1/wait", role: .viewer, summary: "", query: ["wait"],
      handler: { (call) throws(AdminProblem) in
        if !call.pause(.seconds(60)) { throw AdminProblem(503, "draining", "") }
        return AdminAnswer()
      }),
  ]

  /// A server at a Unix socket and a TCP port, and what it writes down.
  private func serve(_ grants: GrantBook? = nil) throws -> (AdminServer, AuditLog) {
    var settings = AdminSettings()
    settings.endpoints = [.unix("\(directory.path)/admin.sock"), .loopback]
    let log = try AuditLog(folder: directory.path)
    let auditor = Auditor(log: log)
    let door = AdminDoor(users: [], grants: grants, auditor: auditor)
    return (try AdminServer(settings, door: door, auditor: auditor, routes: AdminServerTests.routes), log)
  }

  private func ask(_ server: AdminServer, at place: Int = 0, _ request: String, body: [UInt8] = []) throws -> String {
    let client = try TestClient(server.endpoints[place])
    client.send(Array((request + "Host: localhost\r\nConnection: close\r\n\r\n").utf8) + body)
    return try #require(client.receiveAll())
  }

  @Test func callsAreAnsweredAndChangesAreAudited() throws {
    let (server, log) = try serve()
    defer { server.stop() }
    let answer = try ask(server, "GET /v1/echo/acme HTTP/1.1\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("ETag: \"7\"\r\n"))
    #expect(answer.hasSuffix(#"{"tenant":"acme"}"#))
    let put = "PUT /v1/echo/acme HTTP/1.1\r\nX-Audit-Reason: case 17\r\n"
    #expect(try ask(server, put + "Content-Length: 3\r\n", body: Array("abc".utf8)).hasPrefix("HTTP/1.1 201 "))
    #expect(try ask(server, put).hasPrefix("HTTP/1.1 409 "))
    let chunked = "PUT /v1/echo/acme?dry-run=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    #expect(try ask(server, chunked, body: Array("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".utf8)).hasSuffix("\r\n\r\n5"))
    let entries = try log.page(before: nil, limit: 9) { _ in true }.lines.compactMap { AuditLine($0)?.entry }
    #expect(entries.map(\.result) == ["empty", "done"])
    #expect(entries.last?.target == "tenant/acme")
    #expect(entries.last?.action == "echo.put")
    #expect(entries.last?.reason == "case 17")
    #expect(entries.last?.afterHash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(entries.last?.beforeHash == nil)
  }

  @Test func rolesAndScopesAreKept() throws {
    let book = try GrantBook(folder: directory.path)
    let (server, log) = try serve(book)
    defer { server.stop() }
    func token(_ role: AdminRole, _ tenants: [String]?) throws -> String {
      let token = GrantToken()
      _ = try book.add(
        Grant(
          id: token.id, role: role, tenants: tenants, reason: "", created: 1, actor: "x", digest: token.digest), at: 1)
      return "Authorization: Bearer \(token.text)\r\n"
    }
    let (viewer, scoped) = (try token(.viewer, nil), try token(.operator, ["acme"]))
    func status(_ request: String, _ fields: String) throws -> String {
      String(try ask(server, at: 1, request + " HTTP/1.1\r\n" + fields).dropFirst(9).prefix(3))
    }
    #expect(try status("GET /v1/echo/acme", "") == "401")
    #expect(try status("GET /v1/echo/acme", viewer) == "200")
    #expect(try status("PUT /v1/echo/acme", viewer) == "403")
    #expect(try status("GET /v1/echo/acme", scoped) == "200")
    #expect(try status("GET /v1/echo/globex", scoped) == "403")
    #expect(try status("PUT /v1/echo/globex", scoped) == "403")
    #expect(try status("PUT /v1/echo/acme", scoped) == "409")
    let refused = try log.page(before: nil, limit: 9) { $0.result == "forbidden" }.lines.compactMap {
      AuditLine($0)?.entry
    }
    #expect(refused.count == 3)
    #expect(refused.contains { $0.action == "echo.put" && $0.target == "tenant/globex" && $0.role == "operator" })
    #expect(server.facts.refusals == 4)
  }

  @Test(arguments: [
    ("GET /v1/nowhere HTTP/1.1\r\n", 404, "not_found"), ("DELETE /v1/echo/a HTTP/1.1\r\n", 405, "method_not_allowed"),
    ("GET /v1/echo/%ff HTTP/1.1\r\n", 400, "bad_request"), ("GET /v1/echo/a?x=%ff HTTP/1.1\r\n", 400, "bad_request"),
    ("PUT /v1/echo/a HTTP/1.1\r\nContent-Length: 1048577\r\n", 413, "body_too_large"),
    ("POST /v1/large HTTP/1.1\r\nContent-Length: 67108865\r\n", 413, "body_too_large"),
    ("GET / HTTP/1.1\r\nOrigin: https://evil.example\r\n", 403, "forbidden"), ("nonsense\r\n", 400, "bad_request"),
  ])
  func refusalsAreProblems(request: String, status: Int, code: String) throws {
    let (server, _) = try serve()
    defer { server.stop() }
    let answer = try ask(server, request)
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.contains("Content-Type: application/problem+json\r\n"))
    #expect(answer.contains("\"code\":\"\(code)\""))
    #expect(answer.contains("Allow: GET, PUT, HEAD\r\n") == (status == 405))
  }

  @Test func aBodyInPiecesIsBoundedToo() throws {
    let (server, _) = try serve()
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    client.send("PUT /v1/echo/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n")
    #expect(client.receiveAll()?.hasPrefix("HTTP/1.1 413 ") == true)
  }

  @Test func largeBodiesAreTakenWhereTheyAreExpected() throws {
    let (server, _) = try serve()
    defer { server.stop() }
    let body = [UInt8](repeating: 0x20, count: 3 << 20)
    #expect(
      try ask(server, "POST /v1/large HTTP/1.1\r\nContent-Length: \(body.count)\r\n", body: body).hasSuffix(
        "\(3 << 20)"))
  }

  @Test func onlySoManyLargeBodiesAreTakenAtATime() throws {
    let (server, _) = try serve()
    defer { server.stop() }
    let head = "POST /v1/large HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    let holding = try (0..<AdminServer.largeBodies).map { _ in
      let client = try TestClient(server.endpoints[0])
      client.send(head)
      #expect(client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      return client
    }
    #expect(try ask(server, "POST /v1/large HTTP/1.1\r\n").hasPrefix("HTTP/1.1 503 "))
    holding[0].send("abc")
    #expect(holding[0].receive(through: "\r\n\r\n")?.hasPrefix("HTTP/1.1 200 ") == true)
    holding[1].endSending()
    #expect(holding[1].receiveAll()?.hasPrefix("HTTP/1.1 400 ") == true)
    #expect(try ask(server, "POST /v1/large HTTP/1.1\r\n").hasPrefix("HTTP/1.1 200 "))
  }

  @Test func callsThatWaitEndWithTheServer() throws {
    let (server, _) = try serve()
    let client = try TestClient(server.endpoints[0])
    client.send("GET /v1/wait?wait=60s HTTP/1.1\r\n\r\n")
    // Answered only after the other request's connection was accepted, so the first call is under way or will be.
    #expect(try ask(server, "GET /v1/echo/a HTTP/1.1\r\n").hasPrefix("HTTP/1.1 200 "))
    server.stop()
  }

  @Test func aUnixSocketIsItsOwnersAlone() throws {
    let (server, _) = try serve()
    defer { server.stop() }
    let path = "\(directory.path)/admin.sock"
    func mode() throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try mode() == 0o600)
    var settings = AdminSettings()
    settings.users = [4242]
    server.adopt(settings)
    #expect(try mode() == 0o666)
  }
}
