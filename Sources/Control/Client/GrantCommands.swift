extension Verb {
  /// What `grant` does.
  static let ofGrant = [
    Verb(name: "list", summary: "the grants, without their tokens", perform: listGrants),
    Verb(
      name: "create", operands: [.one("ROLE")], options: [.tenant, .until, .breakGlass, .reason, .dryRun],
      summary: "give a role (viewer, support, operator, admin); prints its token, which is told this once",
      perform: createGrant),
    Verb(
      name: "revoke", operands: [.one("ID")], options: [.reason, .dryRun], summary: "take a grant back",
      perform: revokeGrant),
  ]

  @Sendable private static func listGrants(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try AdminClient(invocation).call("GET", "/v1/grants")
    if invocation.isJSON { return show(reply) }
    var table = TextTable(["ID", "ROLE", "TENANTS", "STATE", "UNTIL", "BREAK-GLASS", "BY", "REASON"])
    for grant in try AdminClient.decode(AdminList<GrantAnswer>.self, reply.body).items {
      table.add([
        grant.id, grant.role.rawValue, grant.tenants?.joined(separator: " ") ?? "all", grant.state, grant.until ?? "-",
        grant.breakGlass ?? "-", grant.actor, grant.reason,
      ])
    }
    print(table.text, terminator: "")
    return 0
  }

  @Sendable private static func createGrant(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    guard let role = AdminRole(rawValue: invocation.operands[0]) else {
      let roles = AdminRole.allCases.map(\.rawValue).joined(separator: ", ")
      throw CommandFailure("'\(invocation.operands[0])' is no role; there are \(roles)", status: 2)
    }
    let tenants = invocation.values(.tenant)
    let request = GrantDesk.Request(
      role: role, tenants: tenants.isEmpty ? nil : tenants, until: invocation.value(.until),
      reason: invocation.value(.reason), breakGlass: invocation.value(.breakGlass))
    let reply = try AdminClient(invocation).call(
      "POST", "/v1/grants", query: invocation.has(.dryRun) ? [("dry-run", "1")] : [], body: AdminJSON.bytes(request),
      reason: invocation.value(.reason))
    if invocation.isJSON { return show(reply) }
    let grant = try AdminClient.decode(GrantAnswer.self, reply.body)
    if let token = grant.token { print(token) }
    let scope = grant.tenants.map { "tenants \($0.joined(separator: " "))" } ?? "all tenants"
    let end = grant.until.map { "until \($0)" } ?? "for ever"
    let seal = grant.breakGlass.map { ", sealed: good for \($0) from its first use on, which raises an alarm" } ?? ""
    Entrance.complain("grant \(grant.id): \(grant.role.rawValue) of \(scope), \(end)\(seal)\n")
    return 0
  }

  @Sendable private static func revokeGrant(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try AdminClient(invocation).call(
      "DELETE", "/v1/grants/" + AdminQuery.encode(invocation.operands[0]),
      query: invocation.has(.dryRun) ? [("dry-run", "1")] : [], reason: invocation.value(.reason))
    if invocation.isJSON { return show(reply) }
    print("revoked: grant \(invocation.operands[0])")
    return 0
  }
}
