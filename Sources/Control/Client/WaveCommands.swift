extension Verb {
  /// What `wave` does.
  static let ofWave = [
    Verb(
      name: "start", operands: [.many("TENANT")],
      options: [
        .to, .from, .plan, .percent, .batch, .pause, .failures, .mode, .hold, .deadline, .streams, .guardErrors,
        .guardP99, .guardFor, .reason, .dryRun,
      ], summary: "move many tenants: those named, or those that live on --from", perform: startWave),
    Verb(name: "list", summary: "the waves, the newest first", perform: listWaves),
    Verb(name: "show", operands: [.one("WAVE")], summary: "one wave") { (invocation) throws(CommandFailure) in
      try tell(invocation, "GET", "")
    },
    Verb(name: "pause", operands: [.one("WAVE")], options: [.reason], summary: "have it begin no further moves") {
      (invocation) throws(CommandFailure) in try tell(invocation, "POST", ":pause")
    },
    Verb(name: "resume", operands: [.one("WAVE")], options: [.reason], summary: "have it go on") {
      (invocation) throws(CommandFailure) in try tell(invocation, "POST", ":resume")
    },
    Verb(
      name: "abort", operands: [.one("WAVE")], options: [.reason],
      summary: "end it; moves that are under way come to their end"
    ) { (invocation) throws(CommandFailure) in try tell(invocation, "DELETE", "") },
  ]

  @Sendable private static func startWave(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    guard let shard = invocation.value(.to) else {
      throw CommandFailure("write 'wave start --to SHARD TENANT…' or 'wave start --to SHARD --from SHARD'", status: 2)
    }
    func number(_ option: Option) throws(CommandFailure) -> Int? {
      guard let text = invocation.value(option) else { return nil }
      guard let number = Int(text) else { throw CommandFailure("'\(option.name)' takes a number", status: 2) }
      return number
    }
    var order = WaveOrder(to: shard)
    order.tenants = invocation.operands.isEmpty ? nil : invocation.operands
    order.from = invocation.value(.from)
    order.plan = invocation.value(.plan)
    order.percent = try number(.percent)
    order.batch = try number(.batch)
    order.pause = invocation.value(.pause)
    order.failures = try number(.failures)
    order.mode = invocation.value(.mode).map { $0 == "read-only" ? "read_only" : $0 }
    order.hold = invocation.value(.hold)
    order.deadline = invocation.value(.deadline)
    order.streams = invocation.value(.streams)
    let rule = MoveOrder.Guard(
      errors: invocation.value(.guardErrors), p99: invocation.value(.guardP99), time: invocation.value(.guardFor))
    if rule.errors != nil || rule.p99 != nil { order.guard = rule }
    let reply = try AdminClient(invocation).call(
      "POST", "/v1/waves", query: invocation.has(.dryRun) ? [("dry-run", "1")] : [], body: AdminJSON.bytes(order),
      reason: invocation.value(.reason))
    return try show(reply, invocation)
  }

  @Sendable private static func listWaves(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try AdminClient(invocation).call("GET", "/v1/waves")
    if invocation.isJSON { return show(reply) }
    print(text(of: try AdminClient.decode(AdminList<WaveAnswer>.self, reply.body).items), terminator: "")
    return 0
  }

  private static func tell(_ invocation: Invocation, _ method: String, _ verb: String) throws(CommandFailure) -> Int32 {
    let path = "/v1/waves/" + AdminQuery.encode(invocation.operands[0]) + verb
    return try show(AdminClient(invocation).call(method, path, reason: invocation.value(.reason)), invocation)
  }

  private static func show(_ reply: AdminClient.Reply, _ invocation: Invocation) throws(CommandFailure) -> Int32 {
    if invocation.isJSON { return show(reply) }
    print(text(of: [try AdminClient.decode(WaveAnswer.self, reply.body)]), terminator: "")
    return 0
  }

  private static func text(of waves: [WaveAnswer]) -> String {
    var table = TextTable(
      ["ID", "TO", "STATE", "TENANTS", "BEGUN", "MOVED", "RETURNED", "MOVING", "REASON"], numbers: [3, 4, 5, 6])
    for wave in waves {
      table.add([
        wave.id, wave.to, wave.state, "\(wave.tenants)", "\(wave.begun)", "\(wave.moved)", "\(wave.returned.count)",
        wave.moving.prefix(5).joined(separator: " "), wave.reason ?? "",
      ])
    }
    return table.text
  }
}
