import Primitives
import Synchronization
import Tenancy

@testable import Engine

/// Moves tenants of a virtual world by the machine that the process has for it, as its keeper does.
final class Mover {
  /// A move under way.
  private struct Course {
    var plan: PlannedMove
    var move: Move
    /// The home before it.
    var from: Int
    var hold: TenantHold?
    /// The generation that knows the placement that was asked for; `nil` when it is still to be asked for.
    var generation: UInt64?
    var started: Instant
    var drainedAt: Instant?
    /// Requests held, by worker, in the order in which they came.
    var order: [[UInt64: Int]] = []
    var lines: [[UInt64]] = []
  }

  private unowned(unsafe) let plant: EnginePlant
  private unowned(unsafe) let simulation: Simulation
  private let flaw: Flaw?
  private var courses: [Course] = []
  private var stage: Stage { simulation.stage }
  private var now: Instant { simulation.world.now }

  init(_ plant: EnginePlant, _ simulation: Simulation, flaw: Flaw?) {
    self.plant = plant
    self.simulation = simulation
    self.flaw = flaw
  }

  func begin(_ plan: PlannedMove) {
    let tenant = stage.published.last!.tenants[plan.tenant]
    guard stage.drainDeadline == nil, let from = tenant.home, from != plan.shard, tenant.standing != .unknown,
      isThere(plan.shard, from),
      !courses.contains(where: { $0.plan.tenant == plan.tenant })
    else { return }
    let terms = MoveTerms(
      mode: plan.mode, hold: plan.hold, deadline: 20 * .second, awaits: plan.confirmation == nil ? [] : .confirmation)
    var course = Course(plan: plan, move: Move(terms, epoch: tenant.epoch, at: now), from: from, started: now)
    take(.targetReady, &course)
    courses.append(course)
  }

  /// Whether the newest configuration has both shards.
  private func isThere(_ one: Int, _ other: Int) -> Bool {
    stage.published.last!.declares(one) && stage.published.last!.declares(other)
  }

  /// Looks at all moves, after a turn of a worker.
  func step() {
    for place in courses.indices { step(&courses[place]) }
    courses.removeAll { $0.move.stage.isOver && ($0.hold == nil || isSwept($0)) }
    if plant.process.holds.sweep() { plant.process.setHolds(false) }
  }

  private func isSwept(_ course: Course) -> Bool {
    guard let hold = course.hold else { return true }
    return hold.current == .over && hold.isHeardByAll
  }

  private func step(_ course: inout Course) {
    watch(&course)
    // One that has ended will not say that it has heard.
    for (number, box) in plant.boxes.enumerated() where box.state.isOver {
      if let hold = course.hold { hold.note(hold.current, by: number) }
    }
    let hasHeard = course.hold?.isHeardByAll ?? true
    switch course.move.stage {
    case .draining, .sealing, .recalling:
      if hasHeard, course.hold?.underWayCount ?? 0 == 0 {
        let passesSafe = course.move.terms.mode == .readOnly && course.hold?.current == .unsafeOnly
        stage.note(.quiet(tenant: course.plan.tenant, passesSafe: passesSafe))
        course.drainedAt = now
        take(.drained, &course)
      }
    case .holding:
      if let wait = course.plan.confirmation, now - course.drainedAt! >= wait { take(.confirmed, &course) }
    case .placing, .replacing: place(&course)
    case .releasing, .lettingGo, .returning:
      if hasHeard, course.hold?.parkedCount ?? 0 == 0 { take(.emptied, &course) }
    case .preparing, .watching, .done, .rolledBack, .failed: break
    }
    if !isThere(course.plan.shard, course.from) { take(.cancelled("a shard is gone"), &course) }
    if let wait = course.plan.cancellation, now - course.started >= wait { take(.cancelled("told"), &course) }
    if stage.drainDeadline != nil { take(.cancelled("the process ends"), &course) }
    take(.ticked, &course)
    if course.move.stage.isOver, let hold = course.hold, hold.current < .over { raise(hold, .over) }
  }

  private func take(_ event: MoveEvent, _ course: inout Course) {
    let known = course.move.stage
    let actions = course.move.handle(event, at: now) ?? []
    if known != course.move.stage { simulation.world.note("move of \(course.plan.tenant): \(course.move.stage)") }
    for action in actions { act(action, &course) }
  }

  private func act(_ action: MoveAction, _ course: inout Course) {
    switch action {
    case .hold, .holdAll:
      if action == .holdAll, let hold = course.hold, hold.current < .all { return raise(hold, .all) }
      startHold(&course, passesSafe: action == .hold && course.move.terms.mode == .readOnly)
    case .place:
      course.generation = nil
      // The next look asks for the placement then.
      if flaw == .releasesEarly, let hold = course.hold { return raise(hold, .releasing) }
      place(&course)
    case .release(let epoch):
      guard let hold = course.hold else { return }
      stage.note(.letGo(tenant: course.plan.tenant))
      hold.epoch.store(epoch, ordering: .relaxed)
      raise(hold, .releasing)
    case .startCommand, .endCommand, .partStreams: break
    }
  }

  private func startHold(_ course: inout Course, passesSafe: Bool) {
    // A move that goes back holds anew.
    if let known = course.hold { known.stage.store(HoldStage.over.rawValue, ordering: .releasing) }
    for box in plant.boxes { box.worker.followHolds() }
    _ = plant.process.holds.sweep()
    let index = EngineBlueprint.index(of: simulation.scenario.tenants[course.plan.tenant], in: plant.directory)
    let bound = flaw == .overfillsHold ? 10_000 : course.plan.requests
    guard index >= 0 else { return }
    let hold = TenantHold(
      index,
      HoldTerms(
        requests: bound, bytes: 64 << 20, deadline: now.advanced(by: course.plan.hold + 10 * .second),
        passesSafe: passesSafe), workers: plant.boxes.count)
    guard plant.process.holds.add(hold) else { return }
    course.hold = hold
    course.order = plant.boxes.map { _ in [:] }
    course.lines = plant.boxes.map { _ in [] }
    plant.process.setHolds(true)
    tellWorkers()
  }

  private func raise(_ hold: TenantHold, _ next: HoldStage) {
    hold.stage.store(next.rawValue, ordering: .releasing)
    tellWorkers()
  }

  private func tellWorkers() {
    for box in plant.boxes where !box.state.isOver { box.mailbox.tellOfHolds() }
  }

  /// Has a placement put into use, and waits until every worker goes by it.
  private func place(_ course: inout Course) {
    let isBack = if case .replacing = course.move.stage { true } else { false }
    let (shard, epoch) =
      isBack ? (course.from, course.move.epoch + 2) : (course.plan.shard, course.move.epoch + 1)
    guard let generation = course.generation else {
      guard plant.mayReload else { return }
      let known = stage.published.last!.tenants[course.plan.tenant]
      guard known.standing != .unknown, known.epoch < epoch, stage.published.last!.declares(shard) else {
        return take(.placementRefused("the configuration has another"), &course)
      }
      course.generation = simulation.place(course.plan.tenant, shard, epoch, plant)
      return
    }
    guard plant.oldestGeneration >= generation else { return }
    stage.note(.cutOver(tenant: course.plan.tenant, epoch: epoch))
    course.generation = nil
    take(.placed, &course)
  }

  // MARK: - what is seen of what is held

  private func watch(_ course: inout Course) {
    guard let hold = course.hold else { return }
    let tenant = course.plan.tenant
    stage.note(.parked(tenant: tenant, count: hold.parkedCount, bound: course.plan.requests))
    for (number, box) in plant.boxes.enumerated() where !box.state.isOver {
      watch(&course, number, box)
    }
  }

  /// Follows the order of what one worker holds.
  private func watch(_ course: inout Course, _ number: Int, _ box: EnginePlant.Box) {
    let place = box.worker.heldPlace(of: course.hold!.tenant)
    if place >= 0, box.worker.held[place].hold === course.hold {
      for handle in box.worker.held[place].waiting where course.order[number][handle] == nil {
        let id = box.worker.exchanges.slot(of: handle)
        guard id >= 0, box.worker.exchanges[id].pointee.phase == .held else { continue }
        course.order[number][handle] = self.request(box, id)
        course.lines[number].append(handle)
        if let request = course.order[number][handle], request >= 0 { stage.plans[request].wasHeld = true }
      }
    }
    var isHeld: Int?
    var left: [UInt64] = []
    for handle in course.lines[number] {
      let id = box.worker.exchanges.slot(of: handle)
      let request = course.order[number][handle] ?? -1
      if id >= 0, box.worker.exchanges[id].pointee.phase == .held {
        left.append(handle)
        isHeld = isHeld ?? request
      } else if id >= 0, box.worker.exchanges[id].pointee.flags.contains(.isReleased) {
        stage.note(.freed(request: request, heldBefore: isHeld))
      }
    }
    course.lines[number] = left
  }

  private func request(_ box: EnginePlant.Box, _ id: Int32) -> Int {
    let exchange = box.worker.exchanges[id].pointee
    guard let memory = exchange.kept.memory else { return -1 }
    let path = exchange.texts.path
    let bytes = UnsafeBufferPointer(start: memory + Int(path.start), count: path.count)
    return RequestPlan.number(in: String(decoding: bytes, as: UTF8.self)) ?? -1
  }
}
