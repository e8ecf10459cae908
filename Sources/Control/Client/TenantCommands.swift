import Glibc
import Primitives
import Tenancy

extension Verb {
  private static let changing: [Option] = [.reason, .ifMatch, .dryRun]

  /// What `tenant` does.
  static let ofTenant = [
    Verb(name: "list", options: [.limit, .after], summary: "tenants by name", perform: listTenants),
    Verb(name: "get", operands: [.one("ID")], summary: "a tenant, as JSON", perform: getTenant),
    Verb(
      name: "put", operands: [.one("ID"), .optional("FILE")], options: changing,
      summary: "make a tenant of the store, or put another in its place: JSON of a file, or of the standard input",
      perform: putTenant),
    Verb(
      name: "set", operands: [.one("ID"), .many("NAME=VALUE")], options: changing,
      summary: "change some of a tenant: plan=gold hosts=a.example,b.example 'requests=50/s burst 100' home= …",
      perform: setTenant),
    Verb(
      name: "delete", operands: [.one("ID")], options: changing, summary: "take a tenant out of the store",
      perform: deleteTenant),
    Verb(
      name: "suspend", operands: [.one("ID")], options: changing + [.until], summary: "refuse all its requests (403)"
    ) { (invocation) throws(CommandFailure) in try setState(invocation, "suspended") },
    Verb(
      name: "resume", operands: [.one("ID")], options: changing, summary: "serve it again"
    ) { (invocation) throws(CommandFailure) in try setState(invocation, "active") },
    Verb(
      name: "state", operands: [.one("ID"), .one("STATE")], options: changing + [.until],
      summary: "active, read_only, maintenance, past_due, suspended or gone"
    ) { (invocation) throws(CommandFailure) in
      try setState(invocation, invocation.operands[1].replacing("-", with: "_"))
    },
    Verb(
      name: "import", operands: [.optional("FILE")], options: [.reason, .dryRun],
      summary: "put many tenants into the store, all or none: {\"tenants\":[…]}", perform: importTenants),
    Verb(
      name: "export", operands: [.optional("ID")],
      summary: "all tenants of the store as JSON, or all that is known of one", perform: exportTenants),
    Verb(
      name: "effective", operands: [.one("ID")], summary: "each value that holds for a tenant, and where it comes from",
      perform: showEffective),
    Verb(name: "quota", operands: [.one("ID")], summary: "what it has used of its quotas", perform: showQuotas),
    Verb(
      name: "reset-quota", operands: [.one("ID"), .optional("LIMIT")], options: [.reason, .dryRun],
      summary: "have a quota, or all it has, begin anew before its time", perform: resetQuotas),
  ]

  private static func path(_ invocation: Invocation) -> String {
    "/v1/tenants/" + AdminQuery.encode(invocation.operands[0])
  }

  private static func query(_ invocation: Invocation) -> [(String, String)] {
    invocation.has(.dryRun) ? [("dry-run", "1")] : []
  }

  private static func change(
    _ invocation: Invocation, _ method: String, _ path: String, _ body: [UInt8]? = nil
  ) throws(CommandFailure) -> AdminClient.Reply {
    try AdminClient(invocation).call(
      method, path, query: query(invocation), body: body, reason: invocation.value(.reason),
      ifMatch: invocation.value(.ifMatch))
  }

  /// Tells what a tenant is after a change.
  private static func tell(_ invocation: Invocation, _ reply: AdminClient.Reply) throws(CommandFailure) -> Int32 {
    if invocation.isJSON { return show(reply) }
    let tenant = try AdminClient.decode(TenantDocument.self, reply.body)
    let what = invocation.has(.dryRun) ? "would be" : reply.status == 201 ? "made" : "is"
    let end = tenant.until.map { " until \($0)" } ?? ""
    let plan = tenant.plan.map { "plan \($0)" } ?? "no plan"
    let home = tenant.home.map { "home \($0)" } ?? "no home"
    print("tenant \(tenant.id) \(what): \(tenant.state)\(end), \(plan), \(home), epoch \(tenant.epoch)")
    return 0
  }

  @Sendable private static func resetQuotas(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let limit = invocation.operands.count > 1 ? invocation.operands[1] : nil
    let body = AdminJSON.bytes(QuotaDesk.Request(limit: limit))
    return try tellQuotas(invocation, try change(invocation, "POST", path(invocation) + "/quotas:reset", body))
  }

  // MARK: - reading

  @Sendable private static func showQuotas(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    try tellQuotas(invocation, try AdminClient(invocation).call("GET", path(invocation) + "/quotas"))
  }

  private static func tellQuotas(_ invocation: Invocation, _ reply: AdminClient.Reply) throws(CommandFailure) -> Int32 {
    if invocation.isJSON { return show(reply) }
    var table = TextTable(["LIMIT", "USED", "OF", "SINCE"], numbers: [1, 2])
    for quota in try AdminClient.decode(AdminList<QuotaDesk.Answer>.self, reply.body).items {
      table.add([quota.limit, "\(quota.used)", "\(quota.amount)", quota.since ?? "-"])
    }
    print(table.text, terminator: "")
    return 0
  }

  @Sendable private static func listTenants(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    var query = [("limit", invocation.value(.limit) ?? "100")]
    if let after = invocation.value(.after) { query.append(("after", after)) }
    let reply = try AdminClient(invocation).call("GET", "/v1/tenants", query: query)
    if invocation.isJSON { return show(reply) }
    let list = try AdminClient.decode(AdminList<TenantDocument>.self, reply.body)
    var table = TextTable(["TENANT", "STATE", "PLAN", "HOME", "EPOCH", "HOSTS", "SOURCE"], numbers: [4])
    for tenant in list.items {
      let state = tenant.until.map { "\(tenant.state) until \($0)" } ?? tenant.state
      table.add([
        tenant.id, state, tenant.plan ?? "-", tenant.home ?? "-", "\(tenant.epoch)",
        tenant.hosts.isEmpty ? "-" : tenant.hosts.joined(separator: " "), tenant.source ?? "-",
      ])
    }
    print(table.text, terminator: "")
    if let next = list.next { Entrance.complain("there are more: --after \(next)\n") }
    return 0
  }

  @Sendable private static func getTenant(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try AdminClient(invocation).call("GET", path(invocation))
    if !invocation.isJSON, let tag = reply.etag { Entrance.complain("tag \(tag)\n") }
    return show(reply)
  }

  @Sendable private static func showEffective(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    struct Effective: Decodable {
      struct Value: Decodable {
        var name: String
        var value: String
        var source: String
      }
      var tenant: String
      var declared: String
      var values: [Value]
    }
    let reply = try AdminClient(invocation).call("GET", path(invocation) + "/effective")
    if invocation.isJSON { return show(reply) }
    let effective = try AdminClient.decode(Effective.self, reply.body)
    var table = TextTable(["NAME", "VALUE", "SOURCE"])
    for value in effective.values { table.add([value.name, value.value, value.source]) }
    print("tenant \(effective.tenant)  (\(effective.declared))\n" + table.text, terminator: "")
    return 0
  }

  @Sendable private static func exportTenants(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let path = invocation.operands.isEmpty ? "/v1/tenants:export" : path(invocation) + ":export"
    return show(try AdminClient(invocation).call("GET", path))
  }

  // MARK: - changing

  /// The bytes of a file, or of the standard input where it is `-` or not named.
  private static func bytes(of file: String?) throws(CommandFailure) -> [UInt8] {
    let path = file == nil || file == "-" ? "/dev/stdin" : file!
    guard let handle = FileReading.bytes(path) else { throw CommandFailure("\(path) can't be read") }
    return handle
  }

  @Sendable private static func putTenant(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let body = try bytes(of: invocation.operands.count > 1 ? invocation.operands[1] : nil)
    return try tell(invocation, change(invocation, "PUT", path(invocation), body))
  }

  @Sendable private static func setTenant(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let patch = try TenantPatch(invocation.operands.dropFirst())
    return try tell(invocation, change(invocation, "PATCH", path(invocation), AdminJSON.bytes(patch.value)))
  }

  @Sendable private static func deleteTenant(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    _ = try change(invocation, "DELETE", path(invocation))
    let done = invocation.has(.dryRun) ? "would be deleted" : "deleted"
    if !invocation.isJSON { print("tenant \(invocation.operands[0]) \(done)") }
    return 0
  }

  private static func setState(_ invocation: Invocation, _ state: String) throws(CommandFailure) -> Int32 {
    var members: [String: JSONValue] = ["state": .text(state)]
    if let text = invocation.value(.until) {
      guard let end = AdminTime.end(text, from: LiveTenants.wallTime() * .millisecond) else {
        throw CommandFailure("'\(text)' is neither a time nor a span, such as 2h", status: 2)
      }
      members["until"] = .text(WallTime.text(end / .millisecond))
    }
    let body = AdminJSON.bytes(JSONValue.object(members))
    return try tell(invocation, change(invocation, "PUT", path(invocation) + "/state", body))
  }

  @Sendable private static func importTenants(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try change(invocation, "POST", "/v1/tenants:import", bytes(of: invocation.operands.first))
    if invocation.isJSON { return show(reply) }
    let result = try AdminClient.decode(ImportResult.self, reply.body)
    let would = result.dryRun ? "would be " : ""
    print("\(would)created \(result.created), \(would)changed \(result.changed), unchanged \(result.unchanged)")
    return 0
  }
}

/// Reads a file that may be no regular one.
private enum FileReading {
  static func bytes(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return ferror(file) == 0 ? bytes : nil }
      bytes += piece[..<count]
    }
  }
}

/// Words `NAME=VALUE` as a merge patch of a tenant.
struct TenantPatch {
  /// The patch.
  let value: JSONValue

  /// Reads the words; a name that is none of a tenant's own is one of its overrides, and nothing behind `=` takes it away.
  init(_ words: some Sequence<String>) throws(CommandFailure) {
    var members: [String: JSONValue] = [:]
    var overrides: [String: JSONValue] = [:]
    for word in words {
      guard let equal = word.firstIndex(of: "="), equal > word.startIndex else {
        throw CommandFailure("'\(word)' is not NAME=VALUE", status: 2)
      }
      let (name, text) = (String(word[..<equal]), String(word[word.index(after: equal)...]))
      let value = text.isEmpty ? JSONValue.null : .text(text)
      switch name {
      case "hosts", "host":
        members["hosts"] = .list(text.split(separator: ",").map { .text(String($0)) })
      case "plan", "home", "until", "expires": members[name] = value
      case "state": members[name] = .text(text.replacing("-", with: "_"))
      case "test": members[name] = .bool(text == "yes" || text == "true")
      case "epoch":
        guard let number = Int64(text) else { throw CommandFailure("'\(text)' is no epoch", status: 2) }
        members[name] = .whole(number)
      default: overrides[name] = value
      }
    }
    if !overrides.isEmpty { members["overrides"] = .object(overrides) }
    guard !members.isEmpty else { throw CommandFailure("say what to change: NAME=VALUE", status: 2) }
    value = .object(members)
  }
}
