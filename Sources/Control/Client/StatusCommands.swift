import Platform

extension Verb {
  /// What `status` does.
  static let ofStatus = [
    Verb(name: "", summary: Command.status.summary) { (invocation) throws(CommandFailure) in
      let reply = try AdminClient(invocation).call("GET", "/v1/status")
      if invocation.isJSON { return show(reply) }
      let status = try AdminClient.decode(StatusAnswer.self, reply.body)
      let shards = try AdminClient(invocation).get(AdminList<ShardAnswer>.self, "/v1/shards").items
      print(text(of: status, shards), terminator: "")
      return 0
    }
  ]

  /// What `reload` does.
  static let ofReload = [
    Verb(name: "", options: [.reason], summary: Command.reload.summary) { (invocation) throws(CommandFailure) in
      let reply = try AdminClient(invocation).call("POST", "/v1/reload", reason: invocation.value(.reason))
      if invocation.isJSON { return show(reply) }
      let answer = try AdminClient.decode(ReloadAnswer.self, reply.body)
      Entrance.complain(answer.warnings)
      for change in answer.atNextStart { print("\(change) takes effect with the next start") }
      print("reloaded: generation \(answer.generation)")
      return 0
    }
  ]

  /// What `upgrade` does.
  static let ofUpgrade = [
    Verb(name: "", options: [.reason], summary: Command.upgrade.summary) { (invocation) throws(CommandFailure) in
      let reply = try AdminClient(invocation).call("POST", "/v1/upgrade", reason: invocation.value(.reason))
      if invocation.isJSON { return show(reply) }
      let answer = try AdminClient.decode(UpgradeAnswer.self, reply.body)
      print("upgraded: process \(answer.process) serves; \(answer.before) ends once its requests have")
      return 0
    }
  ]

  /// Prints an answer as it came.
  static func show(_ reply: AdminClient.Reply) -> Int32 {
    print(String(decoding: reply.body, as: UTF8.self))
    return 0
  }

  private static func text(of status: StatusAnswer, _ shards: [ShardAnswer]) -> String {
    let reload =
      status.lastReload.successful ? "last reload good, \(status.lastReload.time)" : "the last reload was refused"
    var text = """
      gatehouse \(status.version) (\(status.commit)), process \(status.pid), \(status.state) since \(status.started ?? "?")
      \(status.configuration): generation \(status.generation), \(reload)
      \(status.workers) workers on \(status.listeners.joined(separator: " ")); \(status.tenants) tenants
      clients: \(status.clients.active) active, \(status.clients.idle) idle; overload level \(status.overload)


      """
    var table = TextTable(
      ["SHARD", "BACKEND", "HEALTH", "WEIGHT", "ACTIVE", "IDLE", "ANSWERS", "ERRORS"], numbers: [3, 4, 5, 6, 7])
    for shard in shards {
      for backend in shard.backends {
        table.add([
          shard.name, backend.address, backend.health, "\(backend.weight)", "\(backend.active)", "\(backend.idle)",
          "\(backend.answers)", "\(backend.errors)",
        ])
      }
    }
    text += table.text
    return text
  }
}
