import Glibc
import Primitives
import Testing

@testable import Control

@Suite struct AdminDoorTests {
  private let directory = TestDirectory()
  private static let loopback = PlainPeer.address(IPAddress(v4: 0x7F00_0001))
  private static let outside = PlainPeer.address(IPAddress(v4: 0x0A00_0001))

  private func request(_ peer: PlainPeer, _ fields: String = "Host: localhost\r\n") -> PlainRequest {
    var request = PlainRequest(head: Array("GET /v1/status HTTP/1.1\r\n\(fields)\r\n".utf8)[...])!
    request.peer = peer
    return request
  }

  private func verdict(_ door: AdminDoor, _ request: PlainRequest, now: Int64 = 50) -> String {
    do throws(AdminProblem) {
      let caller = try door.caller(of: request, now: now)
      let scope = caller.tenants.map { " of \($0.sorted().joined(separator: " "))" } ?? ""
      return "\(caller.actor) \(caller.role.rawValue)\(scope) from \(caller.from)"
    } catch {
      return "\(error.status) \(error.code)"
    }
  }

  private func door(users: Set<UInt32> = [], _ grants: GrantBook? = nil) -> AdminDoor {
    AdminDoor(users: users, grants: grants, auditor: Auditor(log: nil))
  }

  @Test func unixPeersGoByTheirUser() {
    let door = door(users: [1000])
    #expect(verdict(door, request(.user(0))) == "uid:0 admin from unix")
    #expect(verdict(door, request(.user(geteuid()))) == "uid:\(geteuid()) admin from unix")
    #expect(verdict(door, request(.user(1000))) == "uid:1000 operator from unix")
    #expect(verdict(door, request(.user(1001))) == "403 forbidden")
    door.allow([1001])
    #expect(verdict(door, request(.user(1000))) == "403 forbidden")
    #expect(verdict(door, request(.user(1001))) == "uid:1001 operator from unix")
  }

  @Test func othersNeedAToken() throws {
    let token = GrantToken()
    let book = try GrantBook(folder: directory.path)
    _ = try book.add(
      Grant(
        id: token.id, role: .support, tenants: ["acme", "globex"], until: 100, reason: "", created: 1, actor: "uid:0",
        digest: token.digest), at: 1)
    let door = door(book)
    let shown = "Host: localhost\r\nAuthorization: bearer  \(token.text)\r\n"
    let granted = "grant:\(token.id) support of acme globex from "
    #expect(verdict(door, request(AdminDoorTests.loopback, shown)) == granted + "127.0.0.1")
    #expect(verdict(door, request(AdminDoorTests.outside, shown)) == granted + "10.0.0.1")
    #expect(verdict(door, request(.user(0), shown)) == granted + "unix")
    #expect(verdict(door, request(.user(4242), shown)) == "403 forbidden")
    #expect(verdict(door, request(AdminDoorTests.loopback, shown), now: 100) == "403 grant_expired")
    #expect(verdict(door, request(AdminDoorTests.loopback)) == "401 unauthorized")
    for bad in ["Bearer x", "Bearer", "Basic \(token.text)", "Bearer \(GrantToken().text)", "Bearer \(token.text)0"] {
      #expect(verdict(door, request(.user(0), "Authorization: \(bad)\r\n")) == "401 unauthorized", "\(bad)")
    }
  }

  @Test(arguments: [
    ("Host: localhost\r\n", "401 unauthorized"), ("Host: localhost:9146\r\n", "401 unauthorized"),
    ("Host: 127.0.0.1:9146\r\n", "401 unauthorized"), ("Host: [::1]:9146\r\n", "401 unauthorized"),
    ("Host: 127.9.9.9\r\n", "401 unauthorized"), ("Host: evil.example\r\n", "403 forbidden"),
    ("Host: localhost.evil.example:9146\r\n", "403 forbidden"), ("Host: 10.0.0.1\r\n", "403 forbidden"),
    ("", "403 forbidden"),
    ("Host: localhost\r\nOrigin: http://localhost\r\n", "403 forbidden"),
    ("Host: localhost\r\nOrigin: null\r\n", "403 forbidden"),
  ])
  func browsersStayOutside(fields: String, expected: String) {
    #expect(verdict(door(), request(AdminDoorTests.loopback, fields)) == expected)
  }

  @Test func aFloodOfFailuresIsToldSo() throws {
    let token = GrantToken()
    let book = try GrantBook(folder: directory.path)
    _ = try book.add(
      Grant(id: token.id, role: .viewer, reason: "", created: 1, actor: "uid:0", digest: token.digest), at: 1)
    let door = door(book)
    var verdicts: Set<String> = []
    for _ in 0..<200 { verdicts.insert(verdict(door, request(AdminDoorTests.loopback))) }
    #expect(verdicts == ["401 unauthorized", "429 too_many_failures"])
    let shown = "Host: localhost\r\nAuthorization: Bearer \(token.text)\r\n"
    #expect(verdict(door, request(AdminDoorTests.loopback, shown)).hasPrefix("grant:"))
  }

  @Test func rolesAreInOrder() {
    #expect(AdminRole.allCases.sorted() == [.viewer, .support, .operator, .admin])
    let caller = AdminCaller(actor: "a", role: .viewer, tenants: ["acme"], from: "unix")
    #expect(caller.mayReach("acme"))
    #expect(!caller.mayReach("globex"))
    #expect(throws: AdminProblem.self) { try caller.mustReachAll() }
  }
}
