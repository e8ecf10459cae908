extension Verb {
  /// What `shard` does.
  static let ofShard = [
    Verb(name: "list", summary: "the shards and how their backends stand", perform: listShards),
    Verb(
      name: "drain", operands: [.one("SHARD"), .one("BACKEND")], options: [.deadline, .reason],
      summary: "have a backend serve those bound to it only, and for a while"
    ) { (invocation) throws(CommandFailure) in try assign(invocation, "draining") },
    Verb(
      name: "stop", operands: [.one("SHARD"), .one("BACKEND")], options: [.reason],
      summary: "have a backend serve nobody"
    ) { (invocation) throws(CommandFailure) in try assign(invocation, "down") },
    Verb(
      name: "return", operands: [.one("SHARD"), .one("BACKEND")], options: [.reason],
      summary: "have a backend serve again"
    ) { (invocation) throws(CommandFailure) in try assign(invocation, "active") },
  ]

  @Sendable private static func listShards(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try AdminClient(invocation).call("GET", "/v1/shards")
    if invocation.isJSON { return show(reply) }
    var table = TextTable(
      ["SHARD", "BACKEND", "STATE", "HEALTH", "WEIGHT", "ACTIVE", "IDLE", "ANSWERS", "ERRORS"],
      numbers: [4, 5, 6, 7, 8])
    for shard in try AdminClient.decode(AdminList<ShardAnswer>.self, reply.body).items {
      for backend in shard.backends {
        table.add([
          shard.name, backend.address, backend.state, backend.health, "\(backend.weight)", "\(backend.active)",
          "\(backend.idle)", "\(backend.answers)", "\(backend.errors)",
        ])
      }
    }
    print(table.text, terminator: "")
    return 0
  }

  private static func assign(_ invocation: Invocation, _ state: String) throws(CommandFailure) -> Int32 {
    let (shard, backend) = (invocation.operands[0], invocation.operands[1])
    let request = BackendDesk.Request(state: state, deadline: invocation.value(.deadline))
    let path = "/v1/shards/\(AdminQuery.encode(shard))/backends/\(AdminQuery.encode(backend))"
    let reply = try AdminClient(invocation).call(
      "PUT", path, body: AdminJSON.bytes(request), reason: invocation.value(.reason))
    if invocation.isJSON { return show(reply) }
    let answer = try AdminClient.decode(ShardAnswer.Backend.self, reply.body)
    print("backend \(answer.address) of shard \(shard): \(answer.state), \(answer.active) active")
    return 0
  }
}
