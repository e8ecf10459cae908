import ConfigLanguage
import Engine
import Persistence
import Platform
import Primitives
import Tenancy

extension MoveKeeper {
  /// Moves of a batch at most.
  private static var mostBatch: Int { mostMoves }

  /// Begins a wave.
  func begin(_ order: WaveOrder, by caller: AdminCaller, why: String?, isDryRun: Bool) throws(AdminProblem)
    -> WaveAnswer
  {
    let tenants = try tenants(of: order)
    var each = MoveOrder(tenant: "", to: order.to)
    guard let mode = MoveMode(rawValue: order.mode ?? "hold") else { throw .badRequest("'mode' has no such value.") }
    each.mode = mode
    each.hold = order.hold
    each.max = order.max
    each.maxBytes = order.maxBytes
    each.command = order.command
    each.deadline = order.deadline
    each.streams = order.streams
    each.guard = order.guard
    each = each.completed()
    _ = try MovePlan(each)
    guard engine.blueprint.shards.contains(where: { $0.name == order.to }) else {
      throw .notFound("There is no shard '\(order.to.prefix(64))'.")
    }
    let batch = order.batch ?? 10
    guard (1...MoveKeeper.mostBatch).contains(batch) else {
      throw .badRequest("'batch' is 1 to \(MoveKeeper.mostBatch).")
    }
    guard let pause = Quantity.duration(order.pause ?? "1s"), (0...86_400 * .second).contains(pause) else {
      throw .badRequest("'pause' is a span such as 5s.")
    }
    return try state.withLock { state throws(AdminProblem) in
      guard state.book.waves.values.count(where: { $0.ended == nil }) < MoveKeeper.mostWaves else {
        throw .conflict("too_many_waves", "There are \(MoveKeeper.mostWaves) waves under way.")
      }
      let record = WaveRecord(
        n: state.book.nextWave, order: each, batch: batch, pause: pause, failures: max(0, order.failures ?? 0),
        tenants: tenants, started: Clock.wall(), actor: caller.actor, why: why)
      if isDryRun { return WaveAnswer(record, moving: []) }
      try keep(record, &state)
      say("wave \(record.id): \(tenants.count) tenants to \(order.to), \(batch) at a time")
      return WaveAnswer(record, moving: [])
    }
  }

  /// The tenants that a wave is to move, in order.
  private func tenants(of order: WaveOrder) throws(AdminProblem) -> [String] {
    if let named = order.tenants {
      guard order.from == nil, order.plan == nil, order.percent == nil else {
        throw .badRequest("A wave names 'tenants', or says which by 'from', 'plan' and 'percent'.")
      }
      guard (1...WaveOrder.mostTenants).contains(named.count), Set(named).count == named.count else {
        throw .badRequest("'tenants' names 1 to \(WaveOrder.mostTenants) of them, each once.")
      }
      for name in named where placements.placement(of: name) == nil {
        throw .notFound("There is no tenant '\(name.prefix(64))'.")
      }
      return named
    }
    guard let from = order.from else { throw .badRequest("A wave names 'tenants', or 'from'.") }
    let percent = order.percent ?? 100
    guard (1...100).contains(percent) else { throw .badRequest("'percent' is 1 to 100.") }
    let blueprint = engine.blueprint
    guard let home = blueprint.shards.firstIndex(where: { $0.name == from }) else {
      throw .notFound("There is no shard '\(from.prefix(64))'.")
    }
    var plan: Int32?
    if let name = order.plan {
      guard let place = blueprint.planNames.firstIndex(of: name) else {
        throw .notFound("There is no plan '\(name.prefix(64))'.")
      }
      plan = Int32(place)
    }
    let directory = blueprint.tenants
    var found: [String] = []
    for tenant in 0..<TenantIndex(directory.capacity) where directory.isLive(tenant) {
      guard directory.home(of: tenant) == Int32(home), plan.map({ directory.plan(of: tenant) == $0 }) ?? true else {
        continue
      }
      found.append(directory.name(of: tenant))
    }
    let count = (found.count * percent + 99) / 100
    guard (1...WaveOrder.mostTenants).contains(count) else {
      throw .conflict("no_tenants", "There are \(count) such tenants; a wave moves 1 to \(WaveOrder.mostTenants).")
    }
    return Array(found.sorted().prefix(count))
  }

  // MARK: - going on

  /// Counts what has ended of a wave's moves, and begins with the next batch when its time has come.
  func advance(_ known: WaveRecord, _ state: inout State) {
    var wave = known
    let mine = state.book.moves.values.filter { $0.wave == wave.n }
    wave.moved = mine.count { $0.stage.stage == .done }
    let failed = mine.filter { $0.ended != nil && $0.stage.stage != .done }.map(\.order.tenant)
    for tenant in failed where !wave.returned.contains(tenant) { wave.returned.append(tenant) }
    let isMoving = mine.contains { $0.ended == nil }
    let now = Clock.now()
    if wave.returned.count > wave.failures {
      (wave.state, wave.reason) = (.paused, "\(wave.returned.count) tenants went back: \(wave.returned.last ?? "")")
    } else if !isMoving, wave.begun == wave.tenants.count {
      (wave.state, wave.ended) = (.done, Clock.wall())
    } else if !isMoving {
      let due = state.nextBatch[wave.n] ?? (wave.begun == 0 ? now : now.advanced(by: wave.pause))
      state.nextBatch[wave.n] = due
      if due <= now { beginBatch(&wave, &state) }
    }
    let hasChanged =
      wave.state != known.state || wave.begun != known.begun || wave.moved != known.moved
      || wave.returned != known.returned
    guard hasChanged else { return }
    if wave.state != known.state {
      say("wave \(wave.id): \(wave.state.rawValue)\(wave.reason.map { ": \($0)" } ?? "")")
    }
    do throws(AdminProblem) { try keep(wave, &state) } catch { say("wave \(wave.id): \(error.detail)") }
  }

  private func beginBatch(_ wave: inout WaveRecord, _ state: inout State) {
    state.nextBatch[wave.n] = nil
    let caller = AdminCaller(actor: wave.actor, role: .operator, tenants: nil, from: "wave \(wave.id)")
    var count = 0
    while count < wave.batch, wave.begun < wave.tenants.count, state.courses.count < MoveKeeper.mostMoves {
      var order = wave.order
      order.tenant = wave.tenants[wave.begun]
      wave.begun += 1
      count += 1
      do throws(AdminProblem) {
        _ = try begin(order, by: caller, why: wave.why, wave: wave.n, isDryRun: false, &state)
      } catch {
        // One that is there already is where it is to be.
        if error.code != "already_there" { wave.returned.append(order.tenant) }
        say("wave \(wave.id): \(order.tenant) is not moved: \(error.detail)")
      }
    }
  }

  private func keep(_ wave: WaveRecord, _ state: inout State) throws(AdminProblem) {
    state.changes += 1
    do throws(PersistenceError) {
      try state.book.keep(wave)
    } catch {
      throw AdminProblem(500, "state_failed", "The wave can't be kept: \(error).")
    }
  }

  // MARK: - what is told of waves, and said to them

  /// All waves, the newest first.
  func waves() -> [WaveAnswer] {
    state.withLock { state in state.book.waves.values.sorted { $0.n > $1.n }.map { answer($0, state) } }
  }

  /// One wave; `nil` when there is none.
  func wave(_ id: String) -> (answer: WaveAnswer, changes: UInt64)? {
    guard let n = WaveRecord.number(id) else { return nil }
    return state.withLock { state in state.book.waves[n].map { (answer($0, state), state.changes) } }
  }

  private func answer(_ wave: WaveRecord, _ state: State) -> WaveAnswer {
    let moving = state.courses.values.filter { $0.record.wave == wave.n }.map(\.record.order.tenant).sorted()
    return WaveAnswer(wave, moving: moving)
  }

  /// Pauses a wave, has it go on, or ends it; the moves that are under way come to their end.
  func change(_ id: String, to next: WaveRecord.State, why: String?) throws(AdminProblem) -> WaveAnswer {
    try state.withLock { state throws(AdminProblem) in
      guard let n = WaveRecord.number(id), var wave = state.book.waves[n] else {
        throw .notFound("There is no wave '\(id.prefix(64))'.")
      }
      guard wave.ended == nil else { throw .conflict("wave_ended", "The wave is \(wave.state.rawValue).") }
      if next == .running { wave.failures = max(wave.failures, wave.returned.count) }
      (wave.state, wave.reason) = (next, why)
      if next == .aborted { wave.ended = Clock.wall() }
      state.nextBatch[n] = nil
      try keep(wave, &state)
      return answer(wave, state)
    }
  }
}
