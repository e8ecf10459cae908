import Engine
import Persistence
import Platform
import Primitives
import Tenancy

extension MoveKeeper {
  /// Begins to move a tenant.
  func begin(_ order: MoveOrder, by caller: AdminCaller, why: String?, isDryRun: Bool) throws(AdminProblem)
    -> MoveAnswer
  {
    try state.withLock { state throws(AdminProblem) in
      try begin(order, by: caller, why: why, wave: nil, isDryRun: isDryRun, &state)
    }
  }

  func begin(
    _ asked: MoveOrder, by caller: AdminCaller, why: String?, wave: UInt64?, isDryRun: Bool, _ state: inout State
  ) throws(AdminProblem) -> MoveAnswer {
    let order = asked.completed()
    let plan = try MovePlan(order)
    let (from, epoch) = try check(order, state)
    let record = MoveRecord(
      n: state.book.nextMove, order: order, from: from, epoch: epoch,
      stage: KeptStage(.preparing(until: .distantFuture)), started: Clock.wall(), actor: caller.actor, why: why,
      wave: wave)
    let course = MoveCourse(record, plan, at: Clock.now())
    if isDryRun { return course.answer }
    do throws(PersistenceError) {
      try state.book.keep(record)
    } catch {
      throw AdminProblem(500, "state_failed", "The move can't be kept: \(error).")
    }
    state.courses[record.n] = course
    state.changes += 1
    say("move \(record.id) of \(order.tenant) from \(from) to \(order.to): preparing")
    return course.answer
  }

  /// Whether a tenant can be moved so; where it is, and its epoch.
  private func check(_ order: MoveOrder, _ state: State) throws(AdminProblem) -> (from: String, epoch: UInt64) {
    guard let known = placements.placement(of: order.tenant) else {
      throw .notFound("There is no tenant '\(order.tenant.prefix(64))'.")
    }
    let shards = engine.blueprint.shards
    guard shards.contains(where: { $0.name == order.to }) else {
      throw .notFound("There is no shard '\(order.to.prefix(64))'.")
    }
    guard let from = known.shard ?? engine.placement(of: order.tenant)?.shard else {
      throw .conflict("not_placed", "The tenant is on no shard that it could be moved from.")
    }
    guard from != order.to else { throw .conflict("already_there", "The tenant is on '\(order.to)'.") }
    if let other = state.courses.values.first(where: { $0.record.order.tenant == order.tenant }) {
      throw .conflict("move_in_progress", "The tenant is being moved: \(other.record.id) is \(other.move.stage.name).")
    }
    guard state.courses.count < MoveKeeper.mostMoves else {
      throw .conflict("too_many_moves", "There are \(MoveKeeper.mostMoves) moves under way.")
    }
    let last = state.book.moves.values.filter { $0.order.tenant == order.tenant && $0.stage.stage == .done }
      .compactMap(\.ended).max()
    if let last, Clock.wall() - last < MoveKeeper.leastInterval {
      throw .conflict("moved_just_now", "The tenant was moved less than 5 seconds ago.")
    }
    return (from, known.epoch)
  }

  // MARK: - what is told

  /// All moves, the newest first.
  func moves(where isWanted: (MoveAnswer) -> Bool) -> [MoveAnswer] {
    state.withLock { state in
      state.book.moves.values.sorted { $0.n > $1.n }.map { answer($0, state) }.filter(isWanted)
    }
  }

  /// One move, and the number of the last change before it was looked at; `nil` when there is none.
  func move(_ id: String) -> (answer: MoveAnswer, changes: UInt64)? {
    guard let n = MoveRecord.number(id) else { return nil }
    return state.withLock { state in state.book.moves[n].map { (answer($0, state), state.changes) } }
  }

  private func answer(_ record: MoveRecord, _ state: State) -> MoveAnswer {
    if let course = state.courses[record.n] { return course.answer }
    var epoch = record.epoch
    if let plan = try? MovePlan(record.order.completed()) {
      epoch = MoveCourse(resuming: record, plan, at: Clock.now()).epoch
    }
    return MoveAnswer(record, epoch: epoch)
  }

  /// How many moves are in each state.
  var counts: [(state: String, count: Int)] {
    state.withLock { state in
      MoveStage.names.map { name in
        (
          name,
          state.book.moves.values.count {
            ($0.ended == nil ? state.courses[$0.n]?.move.stage : $0.stage.stage)?.name == name
          }
        )
      }
    }
  }

  // MARK: - what somebody says to a move

  /// Gives the word that a move waits for.
  func confirm(_ id: String) throws(AdminProblem) -> MoveAnswer {
    try tell(id, .confirmed, "not_awaited", "The move does not wait for a confirmation now.")
  }

  /// Has a move go back.
  func rollBack(_ id: String, why: String) throws(AdminProblem) -> MoveAnswer {
    try tell(id, .cancelled(why), "move_ended", "The move can't be rolled back any more.")
  }

  private func tell(
    _ id: String, _ event: MoveEvent, _ code: String, _ detail: String
  ) throws(AdminProblem) -> MoveAnswer {
    try state.withLock { state throws(AdminProblem) in
      guard let n = MoveRecord.number(id), let record = state.book.moves[n] else {
        throw .notFound("There is no move '\(id.prefix(64))'.")
      }
      guard state.courses[n] != nil, take(event, n, &state) else {
        throw .conflict(code, "\(detail) It is \(answer(record, state).state).")
      }
      return answer(state.book.moves[n] ?? record, state)
    }
  }
}
