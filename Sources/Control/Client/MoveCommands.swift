import Tenancy

extension Verb {
  /// What `move` does.
  static let ofMove = [
    Verb(
      name: "", operands: [.one("TENANT")],
      options: [
        .to, .mode, .hold, .most, .mostBytes, .command, .confirm, .deadline, .streams, .guardErrors, .guardP99,
        .guardFor,
        .reason, .dryRun, .noWait,
      ], summary: "move a tenant to another shard, and tell how that goes", perform: move),
    Verb(name: "list", options: [.tenant], summary: "the moves, the newest first", perform: listMoves),
    Verb(name: "show", operands: [.one("MOVE")], summary: "one move", perform: showMove),
    Verb(
      name: "confirm", operands: [.one("MOVE")], options: [.reason],
      summary: "say that a move that waits for it may go on"
    ) { (invocation) throws(CommandFailure) in try tell(invocation, "POST", ":confirm") },
    Verb(name: "rollback", operands: [.one("MOVE")], options: [.reason], summary: "have a move go back") {
      (invocation) throws(CommandFailure) in try tell(invocation, "DELETE", "")
    },
  ]

  @Sendable private static func move(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    guard let shard = invocation.value(.to) else {
      throw CommandFailure("write 'move TENANT --to SHARD'", status: 2)
    }
    let client = try AdminClient(invocation)
    let order = try order(invocation, to: shard)
    let reply = try client.call(
      "POST", "/v1/moves", query: invocation.has(.dryRun) ? [("dry-run", "1")] : [], body: AdminJSON.bytes(order),
      reason: invocation.value(.reason))
    if invocation.has(.dryRun) || invocation.has(.noWait) {
      if invocation.isJSON { return show(reply) }
      let answer = try AdminClient.decode(MoveAnswer.self, reply.body)
      print("\(answer.id): \(answer.tenant) from \(answer.from) to \(answer.to), \(answer.state)")
      return 0
    }
    return try follow(AdminClient.decode(MoveAnswer.self, reply.body), client, isJSON: invocation.isJSON)
  }

  private static func order(_ invocation: Invocation, to shard: String) throws(CommandFailure) -> MoveOrder {
    var order = MoveOrder(tenant: invocation.operands[0], to: shard)
    if let text = invocation.value(.mode) {
      let word = text == "read-only" ? "read_only" : text
      guard let mode = MoveMode(rawValue: word) else {
        throw CommandFailure("'\(text)' is no mode; there are hold, drain and read-only", status: 2)
      }
      order.mode = mode
    }
    order.hold = invocation.value(.hold)
    order.max = try number(invocation, .most)
    order.maxBytes = try number(invocation, .mostBytes)
    order.confirm = invocation.has(.confirm) ? true : nil
    order.command = invocation.value(.command).map { $0.split(separator: " ").map(String.init) }
    order.deadline = invocation.value(.deadline)
    order.streams = invocation.value(.streams)
    let rule = MoveOrder.Guard(
      errors: invocation.value(.guardErrors), p99: invocation.value(.guardP99), time: invocation.value(.guardFor))
    if rule.errors != nil || rule.p99 != nil { order.guard = rule }
    return order
  }

  private static func number(_ invocation: Invocation, _ option: Option) throws(CommandFailure) -> Int? {
    guard let text = invocation.value(option) else { return nil }
    guard let number = Int(text) else { throw CommandFailure("'\(option.name)' takes a number", status: 2) }
    return number
  }

  /// Tells how a move goes until it has ended.
  private static func follow(
    _ first: MoveAnswer, _ client: AdminClient, isJSON: Bool
  ) throws(CommandFailure) -> Int32 {
    var move = first
    if !isJSON { print(line(move)) }
    while move.ended == nil {
      Entrance.flush()
      let known = move.state
      let reply = try client.call("GET", "/v1/moves/" + AdminQuery.encode(move.id), query: [("wait", "2s")])
      move = try AdminClient.decode(MoveAnswer.self, reply.body)
      if isJSON {
        if move.ended != nil { return show(reply) == 0 && move.state == "done" ? 0 : 1 }
      } else if move.state != known || move.parked > 0 {
        print(line(move))
      }
    }
    return move.state == "done" ? 0 : 1
  }

  private static func line(_ move: MoveAnswer) -> String {
    let head = "\(move.id) \(move.tenant) \(move.from) -> \(move.to): \(move.state)"
    let counts = "\(move.inFlight) under way, \(move.parked) held"
    return switch move.state {
    case "preparing": head
    case "holding": "\(head), \(counts)" + (move.confirm ? "; 'gatehouse move confirm \(move.id)' lets it go on" : "")
    case "done": "\(head) at epoch \(move.epoch), \(move.held) requests were held"
    case "rolled_back", "failed": "\(head), \(move.reason ?? "")"
    default: "\(head), \(counts)"
    }
  }

  @Sendable private static func listMoves(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let query = invocation.value(.tenant).map { [("tenant", $0)] } ?? []
    let reply = try AdminClient(invocation).call("GET", "/v1/moves", query: query)
    if invocation.isJSON { return show(reply) }
    var table = TextTable(["ID", "TENANT", "FROM", "TO", "STATE", "EPOCH", "STARTED", "BY", "REASON"], numbers: [5])
    for move in try AdminClient.decode(AdminList<MoveAnswer>.self, reply.body).items {
      table.add([
        move.id, move.tenant, move.from, move.to, move.state, "\(move.epoch)", move.started, move.actor,
        move.reason ?? "",
      ])
    }
    print(table.text, terminator: "")
    return 0
  }

  @Sendable private static func showMove(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let reply = try AdminClient(invocation).call("GET", "/v1/moves/" + AdminQuery.encode(invocation.operands[0]))
    if invocation.isJSON { return show(reply) }
    print(line(try AdminClient.decode(MoveAnswer.self, reply.body)))
    return 0
  }

  private static func tell(_ invocation: Invocation, _ method: String, _ verb: String) throws(CommandFailure) -> Int32 {
    let path = "/v1/moves/" + AdminQuery.encode(invocation.operands[0]) + verb
    let reply = try AdminClient(invocation).call(method, path, reason: invocation.value(.reason))
    if invocation.isJSON { return show(reply) }
    print(line(try AdminClient.decode(MoveAnswer.self, reply.body)))
    return 0
  }
}
