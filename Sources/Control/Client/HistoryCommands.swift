extension Verb {
  /// What `history` does.
  static let ofHistory = [
    Verb(
      name: "", operands: [.optional("TENANT")], options: [.limit, .after], summary: Command.history.summary,
      perform: showHistory)
  ]

  /// What `restore` does.
  static let ofRestore = [
    Verb(
      name: "", operands: [.one("N")], options: [.tenant, .reason, .dryRun], summary: Command.restore.summary,
      perform: restore)
  ]

  @Sendable private static func showHistory(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    var query = [("limit", invocation.value(.limit) ?? "20")]
    if let after = invocation.value(.after) { query.append(("after", after)) }
    let path = invocation.operands.first.map { "/v1/tenants/\(AdminQuery.encode($0))/history" } ?? "/v1/history"
    let reply = try AdminClient(invocation).call("GET", path, query: query)
    if invocation.isJSON { return show(reply) }
    let list = try AdminClient.decode(AdminList<HistoryAnswer>.self, reply.body)
    var table = TextTable(["N", "TIME", "ACTOR", "ACTION", "TENANT", "CHANGED", "REASON"], numbers: [0])
    for entry in list.items {
      table.add([
        "\(entry.n)", entry.time, entry.actor, entry.action, entry.tenant, entry.difference, entry.reason ?? "-",
      ])
    }
    print(table.text, terminator: "")
    if let next = list.next { Entrance.complain("there are more: --after \(next)\n") }
    return 0
  }

  @Sendable private static func restore(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    struct Result: Decodable {
      struct Change: Decodable {
        var tenant: String
        var before: JSONValue?
        var after: JSONValue?
      }
      var changes: [Change]
    }
    let tenants = invocation.values(.tenant)
    guard tenants.count <= 1 else { throw CommandFailure("one tenant, or all: name one --tenant", status: 2) }
    let body = JSONValue.object(tenants.first.map { ["tenant": .text($0)] } ?? [:])
    let reply = try AdminClient(invocation).call(
      "POST", "/v1/history/\(AdminQuery.encode(invocation.operands[0])):restore",
      query: invocation.has(.dryRun) ? [("dry-run", "1")] : [], body: AdminJSON.bytes(body),
      reason: invocation.value(.reason))
    if invocation.isJSON { return show(reply) }
    let changes = try AdminClient.decode(Result.self, reply.body).changes
    let would = invocation.has(.dryRun) ? "would be " : ""
    for change in changes {
      print("tenant \(change.tenant) \(would)restored: \(HistoryAnswer.difference(change.before, change.after))")
    }
    if changes.isEmpty { print("nothing to restore") }
    return 0
  }
}

extension HistoryAnswer {
  /// What is different after the change, in a few words.
  var difference: String {
    func members(_ past: Past?) -> JSONValue? {
      past.flatMap { past in
        let json =
          switch past {
          case .whole(let document): document.json
          case .overlay(let document): AdminJSON.bytes(document)
          }
        return try? AdminJSON.read(JSONValue.self, json)
      }
    }
    return HistoryAnswer.difference(members(before), members(after))
  }

  /// The members that differ, as `name old → new`.
  static func difference(_ before: JSONValue?, _ after: JSONValue?) -> String {
    guard case .object(let old)? = before else { return after == nil ? "nothing" : "made" }
    guard case .object(let new)? = after else { return "taken away" }
    var words: [String] = []
    for name in Set(old.keys).union(new.keys).sorted() where (old[name] ?? .null) != (new[name] ?? .null) {
      words.append("\(name) \(text(old[name])) → \(text(new[name]))")
    }
    return words.isEmpty ? "nothing" : words.joined(separator: ", ")
  }

  private static func text(_ value: JSONValue?) -> String {
    switch value {
    case nil, .null?: "-"
    case .text(let text)?: text
    case let value?: String(decoding: AdminJSON.bytes(value), as: UTF8.self)
    }
  }
}
