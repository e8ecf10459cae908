import ConfigLanguage
import Primitives

/// Where moves and waves are asked for, and told of.
struct MoveDesk {
  /// How long a call may wait for a change.
  static let longestWait: Int64 = 60 * .second

  let keeper: MoveKeeper?

  /// The rows of the admin API.
  var routes: [AdminRoute] { moveRoutes + waveRoutes }

  private var moveRoutes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/moves", role: .viewer, summary: "Moves, the newest first.", response: "MoveList",
        query: ["tenant", "state"], handler: list),
      AdminRoute(
        method: "POST", path: "/v1/moves", role: .operator,
        summary: "Moves a tenant to another shard without losing a request.", request: "MoveRequest",
        response: "Move", query: ["dry-run"], success: 201, action: "move.begin", handler: begin),
      AdminRoute(
        method: "GET", path: "/v1/moves/{id}", role: .viewer,
        summary: "One move; with 'wait' once its state has changed, or that time has passed.", response: "Move",
        query: ["wait"], handler: show),
      AdminRoute(
        method: "DELETE", path: "/v1/moves/{id}", role: .operator, summary: "Rolls a move back.", response: "Move",
        action: "move.rollback", handler: rollBack),
      AdminRoute(
        method: "POST", path: "/v1/moves/{id}:confirm", role: .operator,
        summary: "Says that a move that waits for it may go on.", response: "Move", action: "move.confirm",
        handler: confirm),
    ]
  }

  private func open() throws(AdminProblem) -> MoveKeeper {
    guard let keeper else { throw .conflict("no_state", "Without 'state' tenants can't be moved.") }
    return keeper
  }

  @Sendable private func list(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let items = try open().moves { move in
      call.caller.mayReach(move.tenant) && call.query["tenant"].map { $0 == move.tenant } ?? true
        && call.query["state"].map { $0 == move.state } ?? true
    }
    return AdminAnswer(body: AdminJSON.bytes(AdminList(items: items)))
  }

  @Sendable private func begin(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let order = try AdminJSON.read(MoveOrder.self, call.body)
    try MoveDesk.check(call, order.tenant)
    try MoveDesk.check(call, command: order.command)
    let answer = try open().begin(order, by: call.caller, why: call.reason, isDryRun: call.isDryRun)
    return MoveDesk.changed(answer, call.isDryRun)
  }

  private static func check(_ call: AdminCall, _ tenant: String) throws(AdminProblem) {
    guard call.caller.mayReach(tenant) else { throw .forbidden("The caller is limited to other tenants.") }
  }

  /// A program is run as this process's user: only who is that user already, or an admin, may say which.
  private static func check(_ call: AdminCall, command: [String]?) throws(AdminProblem) {
    guard command == nil || call.caller.role == .admin || call.caller.from == "unix" else {
      throw .forbidden("A 'command' takes the role admin, or the Unix socket.")
    }
  }

  private static func changed(_ move: MoveAnswer, _ isDryRun: Bool = false) -> AdminAnswer {
    var answer = AdminAnswer(body: AdminJSON.bytes(move))
    if !isDryRun { answer.change = AdminChange(target: "move/\(move.id)", after: answer.body, tenants: [move.tenant]) }
    return answer
  }

  /// The move of a call, which its caller may know of.
  private func move(_ call: AdminCall) throws(AdminProblem) -> (answer: MoveAnswer, changes: UInt64) {
    let id = call.parameters["id"] ?? ""
    guard let known = try open().move(id) else { throw .notFound("There is no move '\(id.prefix(64))'.") }
    try MoveDesk.check(call, known.answer.tenant)
    return known
  }

  @Sendable private func show(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let first = try move(call)
    var newest = first
    try MoveDesk.wait(call) { () throws(AdminProblem) in
      newest = try move(call)
      return newest.answer.state != first.answer.state || newest.answer.ended != nil
    }
    return AdminAnswer(body: AdminJSON.bytes(newest.answer))
  }

  /// Waits as long as a call says, until something is so.
  private static func wait(
    _ call: AdminCall, until isSo: () throws(AdminProblem) -> Bool
  ) throws(AdminProblem) {
    guard let text = call.query["wait"] else { return }
    guard let span = Quantity.duration(text), (0...longestWait).contains(span) else {
      throw .badRequest("'wait' is a span of at most 60s.")
    }
    var left = span
    let step = 10 * Int64.millisecond
    while try !isSo(), left > 0 {
      guard call.pause(.nanoseconds(min(left, step))) else { return }
      left -= step
    }
  }

  @Sendable private func rollBack(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let known = try move(call).answer
    let why = "told to by \(call.caller.actor)" + (call.reason.map { ": \($0)" } ?? "")
    return MoveDesk.changed(try open().rollBack(known.id, why: why))
  }

  @Sendable private func confirm(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let known = try move(call).answer
    return MoveDesk.changed(try open().confirm(known.id))
  }

  // MARK: - waves

  private var waveRoutes: [AdminRoute] {
    [
      AdminRoute(
        method: "GET", path: "/v1/waves", role: .viewer, summary: "Waves, the newest first.", response: "WaveList",
        handler: listWaves),
      AdminRoute(
        method: "POST", path: "/v1/waves", role: .operator, summary: "Moves many tenants, some at a time.",
        request: "WaveRequest", response: "Wave", query: ["dry-run"], success: 201, action: "wave.begin",
        handler: beginWave),
      AdminRoute(
        method: "GET", path: "/v1/waves/{id}", role: .viewer,
        summary: "One wave; with 'wait' once it has changed, or that time has passed.", response: "Wave",
        query: ["wait"], handler: showWave),
      AdminRoute(
        method: "POST", path: "/v1/waves/{id}:pause", role: .operator,
        summary: "Has a wave begin no further moves for now.", response: "Wave", action: "wave.pause"
      ) { (call) throws(AdminProblem) in try changeWave(call, .paused) },
      AdminRoute(
        method: "POST", path: "/v1/waves/{id}:resume", role: .operator, summary: "Has a wave go on.",
        response: "Wave", action: "wave.resume"
      ) { (call) throws(AdminProblem) in try changeWave(call, .running) },
      AdminRoute(
        method: "DELETE", path: "/v1/waves/{id}", role: .operator,
        summary: "Ends a wave; moves that are under way come to their end.", response: "Wave", action: "wave.abort"
      ) { (call) throws(AdminProblem) in try changeWave(call, .aborted) },
    ]
  }

  @Sendable private func listWaves(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    return AdminAnswer(body: AdminJSON.bytes(AdminList(items: try open().waves())))
  }

  @Sendable private func beginWave(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    let order = try AdminJSON.read(WaveOrder.self, call.body)
    try MoveDesk.check(call, command: order.command)
    let answer = try open().begin(order, by: call.caller, why: call.reason, isDryRun: call.isDryRun)
    return MoveDesk.changed(answer, call.isDryRun)
  }

  @Sendable private func showWave(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    let first = try wave(call)
    var newest = first
    try MoveDesk.wait(call) { () throws(AdminProblem) in
      newest = try wave(call)
      return newest.changes != first.changes || newest.answer.ended != nil
    }
    return AdminAnswer(body: AdminJSON.bytes(newest.answer))
  }

  private func wave(_ call: AdminCall) throws(AdminProblem) -> (answer: WaveAnswer, changes: UInt64) {
    try call.caller.mustReachAll()
    let id = call.parameters["id"] ?? ""
    guard let known = try open().wave(id) else { throw .notFound("There is no wave '\(id.prefix(64))'.") }
    return known
  }

  private func changeWave(_ call: AdminCall, _ next: WaveRecord.State) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    let why = call.reason ?? (next == .running ? nil : "told to by \(call.caller.actor)")
    return MoveDesk.changed(try open().change(call.parameters["id"] ?? "", to: next, why: why))
  }

  private static func changed(_ wave: WaveAnswer, _ isDryRun: Bool = false) -> AdminAnswer {
    var answer = AdminAnswer(body: AdminJSON.bytes(wave))
    if !isDryRun { answer.change = AdminChange(target: "wave/\(wave.id)", after: answer.body) }
    return answer
  }
}
