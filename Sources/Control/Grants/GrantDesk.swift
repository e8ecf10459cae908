import ConfigLanguage
import Persistence
import Platform
import Primitives

/// Gives roles and takes them back.
struct GrantDesk {
  /// Tenants that a grant may be limited to.
  static let mostTenants = 1000

  let book: GrantBook?

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/grants", role: .admin, summary: "The grants, without their tokens.",
        response: "GrantList", handler: list),
      AdminRoute(
        method: "POST", path: "/v1/grants", role: .admin,
        summary: "Gives a role; its token is told now and never again.", request: "GrantRequest", response: "Grant",
        success: 201, action: "grant.create", handler: create),
      AdminRoute(
        method: "DELETE", path: "/v1/grants/{id}", role: .admin, summary: "Takes a grant back.", success: 204,
        action: "grant.revoke", handler: revoke),
    ]
  }

  /// A grant as it is asked for.
  struct Request: Codable {
    var role: AdminRole
    var tenants: [String]?
    /// A time, or a span from now on.
    var until: String?
    var reason: String?
    /// Of a sealed token: how long it is good for from its first use on.
    var breakGlass: String?

    enum CodingKeys: String, CodingKey {
      case role, tenants, until, reason
      case breakGlass = "break_glass"
    }
  }

  @Sendable private func list(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let now = Clock.wall()
    let items = try open(call).all.map { GrantAnswer($0, at: now) }
    return AdminAnswer(body: AdminJSON.bytes(AdminList(items: items)))
  }

  @Sendable private func create(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let book = try open(call)
    let now = Clock.wall()
    let token = GrantToken()
    let grant = try self.grant(AdminJSON.read(Request.self, call.body), call, token, at: now)
    let isKept: Bool
    do throws(PersistenceError) {
      isKept = call.isDryRun ? true : try book.add(grant, at: now)
    } catch {
      throw AdminProblem(500, "state_failed", "The grant can't be kept: \(error).")
    }
    guard isKept else { throw .conflict("too_many_grants", "There are \(GrantBook.most) grants already.") }
    let shown = GrantAnswer(grant, at: now)
    let change = AdminChange(target: "grant/\(grant.id)", after: AdminJSON.bytes(shown), tenants: grant.tenants ?? [])
    let answer = GrantAnswer(grant, at: now, token: call.isDryRun ? nil : token.text)
    return AdminAnswer(body: AdminJSON.bytes(answer), change: call.isDryRun ? nil : change)
  }

  @Sendable private func revoke(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let book = try open(call)
    let id = call.parameters["id"] ?? ""
    let grant: Grant?
    do throws(PersistenceError) {
      grant = call.isDryRun ? book.all.first { $0.id == id } : try book.revoke(id)
    } catch {
      throw AdminProblem(500, "state_failed", "That it is taken back can't be kept: \(error).")
    }
    guard let grant else { throw .notFound("There is no grant '\(id.prefix(64))'.") }
    let before = AdminJSON.bytes(GrantAnswer(grant, at: Clock.wall()))
    return AdminAnswer(change: AdminChange(target: "grant/\(id)", before: before, tenants: grant.tenants ?? []))
  }

  private func open(_ call: AdminCall) throws(AdminProblem) -> GrantBook {
    try call.caller.mustReachAll()
    guard let book else { throw .conflict("no_state", "Without 'state' there are no grants.") }
    return book
  }

  /// Whether a tenant can be called so.
  private static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(\.isNameByte)
  }

  /// What is asked for, checked.
  private func grant(
    _ request: Request, _ call: AdminCall, _ token: GrantToken, at now: Int64
  ) throws(AdminProblem) -> Grant {
    if let tenants = request.tenants {
      guard (1...GrantDesk.mostTenants).contains(tenants.count) else {
        throw .badRequest("'tenants' names 1 to \(GrantDesk.mostTenants) of them, or is left out for all.")
      }
      guard tenants.allSatisfy(GrantDesk.isName) else {
        throw .badRequest("'tenants' has a name that no tenant can have.")
      }
    }
    var until: Int64?
    if let text = request.until {
      guard let end = AdminTime.end(text, from: now) else {
        throw .badRequest("'until' is a time such as 2030-01-31T12:00:00Z, or a span such as 2h.")
      }
      guard end > now else { throw .badRequest("'until' is over.") }
      until = end
    }
    var seal: Int64?
    if let text = request.breakGlass {
      guard let span = Quantity.duration(text), (.second...7 * 86_400 * .second).contains(span) else {
        throw .badRequest("'break_glass' is a span from 1s to 7d.")
      }
      seal = span
    }
    let reason = request.reason ?? call.reason ?? ""
    guard reason.utf8.count <= 1024 else { throw .badRequest("'reason' has 1,024 bytes at most.") }
    return Grant(
      id: token.id, role: request.role, tenants: request.tenants.map { Array(Set($0)).sorted() }, until: until,
      reason: reason, created: now, actor: call.caller.actor, digest: token.digest, seal: seal)
  }
}
