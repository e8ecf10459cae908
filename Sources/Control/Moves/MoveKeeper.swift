import Engine
import Glibc
import Persistence
import Platform
import Primitives
import Synchronization
import Tenancy

/// The thread that moves tenants: each stage is written down before anything is done in it, so that a process that is killed
/// goes on, or back, when it is started again.
///
/// What is killed before its cutover is rolled back: what was held is lost with the process, and nothing else has changed.
/// What is killed from its cutover on is completed: the placement is written down.
final class MoveKeeper: Sendable {
  /// Moves under way at once.
  static let mostMoves = 64
  /// Waves under way at once.
  static let mostWaves = 16
  /// Nanoseconds between the end of a tenant's move and the start of its next one, unless the former changed nothing.
  static let leastInterval: Int64 = 5 * .second
  /// Nanoseconds between two looks while requests are held, and while none are.
  private static let busyLook: Int64 = 1 * .millisecond
  private static let idleLook: Int64 = 20 * .millisecond

  /// What belongs to whoever holds the lock.
  struct State {
    var book: MoveBook
    /// Moves under way, by number.
    var courses: [UInt64: MoveCourse] = [:]
    /// When a batch of a wave may begin, by the wave's number.
    var nextBatch: [UInt64: Instant] = [:]
    /// Grows with each change of a stage.
    var changes: UInt64 = 0
  }

  let engine: Engine
  let placements: any Placements
  private let auditor: Auditor
  let state: Mutex<State>
  private let isStopping = Atomic<Bool>(false)
  private let thread: Mutex<Platform.Thread?> = Mutex(nil)

  /// Reads what was kept in a folder.
  init(
    folder: String, engine: Engine, placements: any Placements, auditor: Auditor
  ) throws(PersistenceError) {
    self.engine = engine
    self.placements = placements
    self.auditor = auditor
    state = Mutex(State(book: try MoveBook(folder: folder)))
  }

  /// Takes up what was under way when the process ended, and moves tenants until `stop()`.
  func start() throws(SystemError) {
    state.withLock { resume(&$0) }
    let thread = try Platform.Thread(name: "moves") { [self] in
      while !isStopping.load(ordering: .acquiring) {
        let isBusy = state.withLock { look(&$0) }
        Machine.rest(nanoseconds: isBusy ? MoveKeeper.busyLook : MoveKeeper.idleLook)
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Rolls back what has not come to its cutover, and ends the thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    thread.withLock { $0 }?.join()
    state.withLock { state in
      for n in Array(state.courses.keys) {
        switch state.courses[n]?.move.stage {
        case .preparing, .draining, .holding, .sealing: take(.cancelled("the proxy stops"), n, &state)
        // The next process goes on with it.
        default: break
        }
        if let hold = state.courses[n]?.hold { engine.end(hold) }
        state.courses[n]?.command?.kill()
      }
    }
  }

  /// Begins and changes no move while `body` runs, and none ever again if that is true: the next process takes them up. False
  /// without a call when requests are held for one, which no other process could let go.
  func handOver(_ body: () -> Bool) -> Bool {
    state.withLock { state in
      guard !state.courses.values.contains(where: { $0.move.stage.holdsRequests || $0.command != nil }) else {
        return false
      }
      guard body() else { return false }
      isStopping.store(true, ordering: .releasing)
      state.book.isHandedOver = true
      state.courses = [:]
      return true
    }
  }

  private func resume(_ state: inout State) {
    let now = Clock.now()
    for record in state.book.moves.values where record.ended == nil {
      guard let plan = try? MovePlan(record.order.completed()) else { continue }
      var course = MoveCourse(resuming: record, plan, at: now)
      let known = placements.placement(of: record.order.tenant)
      state.courses[record.n] = course
      say("move \(record.id) of \(record.order.tenant): taken up again, it was \(course.move.stage.name)")
      let isAtTarget = known?.shard == record.order.to && known?.epoch == record.epoch + 1
      take(.restarted(isAtTarget: isAtTarget), record.n, &state)
      course = state.courses[record.n] ?? course
      if !course.move.stage.isOver { watch(record.n, &state) }
    }
  }

  // MARK: - looking

  /// Looks at all moves and waves; whether requests are held for any.
  private func look(_ state: inout State) -> Bool {
    guard !state.book.isHandedOver else { return false }
    for n in Array(state.courses.keys) { look(at: n, &state) }
    for wave in state.book.waves.values where wave.state == .running { advance(wave, &state) }
    for (n, course) in state.courses where course.move.stage.isOver {
      if let hold = course.hold { engine.end(hold) }
      course.command?.kill()
      state.courses[n] = nil
    }
    engine.sweepHolds()
    return state.courses.values.contains { $0.move.stage.holdsRequests }
  }

  private func look(at n: UInt64, _ state: inout State) {
    guard let course = state.courses[n] else { return }
    let now = Clock.now()
    if let reason = objection(to: course) { take(.cancelled(reason), n, &state) }
    switch state.courses[n]!.move.stage {
    case .preparing: if isReady(course.record.order.to) { take(.targetReady, n, &state) }
    case .draining, .sealing, .recalling:
      // The one before may still have been there.
      guard let hold = state.courses[n]!.hold else {
        let passesSafe = if case .draining = course.move.stage { course.plan.terms.mode == .readOnly } else { false }
        state.courses[n]!.hold = engine.hold(course.record.order.tenant, terms(course, passesSafe: passesSafe))
        break
      }
      // Those that an upgrade of the binary has left to the process before are under way too.
      let isElsewhere = engine.hasRequestsElsewhere(of: course.record.order.tenant)
      if hold.isHeardByAll, hold.underWayCount == 0, !isElsewhere { take(.drained, n, &state) }
    case .holding: lookAtCommand(n, &state)
    case .placing, .replacing: place(n, &state, at: now)
    case .releasing, .lettingGo, .returning: lookAtHeld(n, &state, at: now)
    case .watching: judge(n, &state, at: now)
    case .done, .rolledBack, .failed: break
    }
    take(.ticked, n, &state)
  }

  /// Why a move can't go on; `nil` when it can.
  private func objection(to course: MoveCourse) -> String? {
    let blueprint = engine.blueprint
    for shard in [course.record.order.to, course.record.from] {
      guard blueprint.shards.contains(where: { $0.name == shard }) else { return "the shard \(shard) is gone" }
    }
    return engine.placement(of: course.record.order.tenant) == nil ? "the tenant is gone" : nil
  }

  private func isReady(_ shard: String) -> Bool {
    engine.shardStates().first { $0.name == shard }?.backends.contains { $0.isUp } ?? false
  }

  private func lookAtCommand(_ n: UInt64, _ state: inout State) {
    if let fault = state.courses[n]?.commandFault {
      state.courses[n]!.commandFault = nil
      take(.commandEnded(succeeded: false, fault), n, &state)
    }
    guard let end = state.courses[n]?.command?.end() else { return }
    state.courses[n]!.command = nil
    switch end {
    case .exited(0): take(.commandEnded(succeeded: true, ""), n, &state)
    case .exited(let status):
      take(.commandEnded(succeeded: false, "the command exited with \(status)"), n, &state)
    case .killed(let signal):
      take(.commandEnded(succeeded: false, "the command was ended by signal \(signal)"), n, &state)
    }
  }

  /// Nothing is held any more; a little later, when what was let go has been answered, the new shard can be judged by what it
  /// answers from then on.
  private func lookAtHeld(_ n: UInt64, _ state: inout State, at now: Instant) {
    guard let hold = state.courses[n]!.hold else {
      take(.emptied, n, &state)
      return
    }
    guard hold.isHeardByAll, hold.parkedCount == 0 else { return }
    let since = state.courses[n]!.emptiedAt ?? now
    state.courses[n]!.emptiedAt = since
    guard hold.releasedCount == 0 || now - since >= 2 * .second else { return }
    take(.emptied, n, &state)
  }

  // MARK: - placing

  private func place(_ n: UInt64, _ state: inout State, at now: Instant) {
    guard let course = state.courses[n] else { return }
    if let since = course.placedAt {
      // A worker that is late goes by the epoch: it lets nothing go before it knows this one.
      guard engine.isSettled || now - since >= 5 * .second else { return }
      state.courses[n]!.placedAt = nil
      take(.placed, n, &state)
      return
    }
    let isBack = if case .replacing = course.move.stage { true } else { false }
    let caller = AdminCaller(
      actor: course.record.actor, role: .operator, tenants: nil, from: "move \(course.record.id)")
    do throws(AdminProblem) {
      try placements.place(
        course.record.order.tenant, on: isBack ? course.record.from : course.record.order.to,
        epoch: course.record.epoch + (isBack ? 2 : 1), by: caller, action: isBack ? "move.rollback" : "move.cutover",
        reason: isBack ? course.move.stage.reason : course.record.why)
      state.courses[n]!.placedAt = now
    } catch {
      take(.placementRefused(error.detail), n, &state)
    }
  }

  // MARK: - watching

  private func watch(_ n: UInt64, _ state: inout State) {
    guard let course = state.courses[n] else { return }
    state.courses[n]!.watched = engine.traffic(of: course.record.order.tenant, onShard: course.record.order.to)
  }

  private func judge(_ n: UInt64, _ state: inout State, at now: Instant) {
    guard let course = state.courses[n], let rule = course.plan.rule, course.nextLook <= now else { return }
    state.courses[n]!.nextLook = now.advanced(by: 250 * .millisecond)
    guard let first = course.watched else { return watch(n, &state) }
    let newest = engine.traffic(of: course.record.order.tenant, onShard: course.record.order.to)
    let sample = MoveSample(
      requests: newest.requests &- first.requests, errors: newest.errors &- first.errors,
      p99: newest.times.since(first.times).nanoseconds(below: 99))
    let base = course.record.base.map { MoveSample(requests: $0.requests, errors: $0.errors, p99: $0.p99) }
    if let verdict = rule.verdict(on: sample, base: base ?? MoveSample()) { take(.judged(verdict), n, &state) }
  }

  // MARK: - events

  /// Takes an event; false when it means nothing now.
  @discardableResult
  func take(_ event: MoveEvent, _ n: UInt64, _ state: inout State) -> Bool {
    guard var course = state.courses[n] else { return false }
    let known = course.move.stage
    guard let actions = course.move.handle(event, at: Clock.now()) else { return false }
    let stage = course.move.stage
    if stage != known {
      if case .placing = stage { course.placedAt = nil }
      course.emptiedAt = nil
      note(stage, &course, &state)
    }
    let parts = actions.contains(.partStreams)
    for action in actions { act(action, &course, parts: parts) }
    if case .watching = stage, stage != known {
      course.watched = engine.traffic(of: course.record.order.tenant, onShard: course.record.order.to)
    }
    state.courses[n] = course
    return true
  }

  /// Writes a stage down.
  private func note(_ stage: MoveStage, _ course: inout MoveCourse, _ state: inout State) {
    let isNewName = course.record.stage.stage.name != stage.name
    course.record.stage = KeptStage(stage)
    if stage.isOver {
      course.record.ended = Clock.wall()
      course.record.held = course.record.held &+ (course.hold?.heldCount ?? 0)
    }
    if case .draining = stage { course.record.base = base(of: course) }
    state.changes += 1
    do throws(PersistenceError) {
      try state.book.keep(course.record)
    } catch {
      // Requests are not left held for that: what was not written down is rolled back by the next process.
      say("move \(course.record.id): \(error)")
    }
    if isNewName {
      let why = stage.reason.map { ": \($0)" } ?? ""
      say("move \(course.record.id) of \(course.record.order.tenant): \(stage.name)\(why)")
    }
    if stage.isOver { audit(course) }
  }

  private func base(of course: MoveCourse) -> MoveRecord.Base {
    let known = engine.traffic(of: course.record.order.tenant, onShard: course.record.from)
    return MoveRecord.Base(
      requests: known.requests, errors: known.errors, p99: known.times.nanoseconds(below: 99))
  }

  private func audit(_ course: MoveCourse) {
    let entry = AuditEntry(
      actor: course.record.id, role: "", from: "gatehouse", action: "move.\(course.move.stage.name)",
      target: "tenant/\(course.record.order.tenant)", reason: course.move.stage.reason ?? course.record.why,
      result: "done")
    try? auditor.note(entry)
  }

  // MARK: - acting

  private func act(_ action: MoveAction, _ course: inout MoveCourse, parts: Bool) {
    let tenant = course.record.order.tenant
    switch action {
    case .hold: course.hold = engine.hold(tenant, terms(course, passesSafe: course.plan.terms.mode == .readOnly))
    case .holdAll:
      if let hold = course.hold, engine.holdAll(hold) { return }
      // What a move held goes back by a hold of its own.
      if let known = course.hold {
        course.record.held &+= known.heldCount
        engine.end(known)
      }
      course.hold = engine.hold(tenant, terms(course, passesSafe: false))
    case .startCommand: startCommand(&course)
    case .endCommand:
      course.command?.kill()
      course.command = nil
    case .release(let epoch):
      if let hold = course.hold {
        engine.release(hold, epoch: epoch, endingStreamsOver: parts ? course.plan.grace : nil)
      }
    case .place, .partStreams: break
    }
  }

  private func terms(_ course: MoveCourse, passesSafe: Bool) -> HoldTerms {
    // Beyond its own end there is the time to let go what is held.
    let deadline = Clock.now().advanced(by: course.plan.terms.hold + Move.releaseBound)
    return HoldTerms(
      requests: course.plan.requests, bytes: course.plan.bytes, deadline: deadline, passesSafe: passesSafe)
  }

  private func startCommand(_ course: inout MoveCourse) {
    guard let words = course.record.order.command else { return }
    let facts = [
      "GATEHOUSE_MOVE": course.record.id, "GATEHOUSE_TENANT": course.record.order.tenant,
      "GATEHOUSE_FROM": course.record.from, "GATEHOUSE_TO": course.record.order.to,
      "GATEHOUSE_EPOCH": "\(course.record.epoch + 1)",
    ]
    var environment = facts
    for name in ["PATH", "HOME", "LANG", "TZ"] {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    do throws(SystemError) {
      course.command = try ChildProcess(words, environment: environment)
    } catch {
      course.commandFault = "the command could not be started: \(error)"
    }
  }
}
