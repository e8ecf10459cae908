import Primitives

@testable import Engine

/// One run of one world.
final class Simulation {
  let scenario: Scenario
  let world: World
  let stage: Stage
  private(set) var origins: [[Origin]] = []
  private(set) var clients: [Client] = []
  private(set) var streamClients: [StreamClient] = []
  private var taps: [Int: UpstreamTap] = [:]
  private var frameTaps: [Int: FrameTap] = [:]
  /// Where tenants were moved to.
  private var placements: [Int: (home: Int?, epoch: UInt64)] = [:]
  private(set) var turns = 0
  /// Turns in a row in which no time passed but what turns take.
  private var stillTurns = 0
  private var stillSince: Instant

  /// A world in which an exchange may hold at most `heldBound` bytes.
  init(_ scenario: Scenario, tellsFinished: Bool, heldBound: Int = 2 << 20, isTransparent: Bool = false) {
    self.scenario = scenario
    world = World(seed: scenario.worldSeed, climate: scenario.climate, splits: scenario.splits)
    stillSince = world.now
    var verdicts = Verdicts(climate: scenario.climate)
    verdicts.bodyBound = scenario.bodyBound
    verdicts.shedsWaiting = scenario.waiting < 10_000 || scenario.seed % 3 == 0 && !scenario.slots.isEmpty
    verdicts.hasStaleConnections = scenario.staleness > 0
    verdicts.hasMoves = !scenario.moves.isEmpty
    let court = Court(checkers: [
      ExactlyOnce(countsFinished: tellsFinished), TenantWall(names: scenario.tenants.map(\.name)),
      RateBound(tenants: scenario.tenants.count, start: world.now), ConcurrencyBound(), SlotBound(), RetryRule(),
      BufferBound(bound: heldBound), NothingLeft(), NoFalseEnd(), PlacementRule(), AffinityRule(), DrainRule(),
      MoveRule(),
    ])
    stage = Stage(world: world, scenario: scenario, verdicts: verdicts, court: court, isTransparent: isTransparent)
    stage.plans = scenario.plans.map { $0.fresh() }
    stage.publish(scenario.configuration)
    stage.note(.settled)
    world.tap = { [unowned(unsafe) self] in tap($0, $1) }
    stage.watchFrames = { [unowned(unsafe) self] in frameTaps[$0.number] = FrameTap(isToBackend: false) }
    for (shard, count) in scenario.shards.enumerated() {
      origins.append((0..<count).map { Origin(stage, shard: "shard-\(shard)", place: $0) })
      for origin in origins[shard] {
        origin.staleness = scenario.staleness
        origin.streams = scenario.originStreams
        origin.window = scenario.originWindow
      }
    }
  }

  static func endpoint(_ shard: Int, _ place: Int) -> Endpoint {
    .tcp(IPAddress(v4: 0x0A01_0000 + UInt32(shard * 256 + place)), port: 9_000)
  }

  // MARK: The run

  /// Runs the world to its rest; returns what the checkers found.
  func run(_ plant: some Plant) -> [String] {
    let asked = Set(scenario.clients.flatMap(\.plans))
    for plan in stage.plans where asked.contains(plan.number) { world.note(plan.summary) }
    open()
    planReloads(plant)
    for move in scenario.moves {
      world.after(move.at) { [unowned(unsafe) plant] in plant.begin(move) }
    }
    planDrain(plant)
    var isAtRest = false
    var restAt = Instant.distantFuture
    while !isAtRest {
      world.happen()
      if let index = nextWorker() {
        guard take(index, plant) else { break }
      } else {
        isAtRest = !advance(restAt)
        if restAt == .distantFuture, clients.allSatisfy(\.isDone), streamClients.allSatisfy(\.isDone) {
          calm()
          restAt = world.now.advanced(by: 700 * .second)
        }
      }
      if stage.court.violations.count >= 20 { break }
    }
    if isAtRest { stage.note(.atRest(plant.remains())) }
    for plan in stage.plans where !plan.isFinished && asked.contains(plan.number) {
      stage.report("request \(plan.number) came to no end")
    }
    world.end()
    return stage.court.violations
  }

  /// Lets a worker take a turn; false when they turn without end.
  private func take(_ index: Int, _ plant: some Plant) -> Bool {
    world.pass(Int64(world.random.below(20_000)))
    plant.turn(index)
    plant.tell(stage)
    turns += 1
    stillTurns += 1
    guard stillTurns > 200_000 else { return true }
    stage.report("workers spin: \(stillTurns) turns in \((world.now - stillSince) / .millisecond) ms")
    return false
  }

  /// Goes to the next moment at which something is to happen; false when there is none before `bound`.
  private func advance(_ bound: Instant) -> Bool {
    let before = world.now
    var deadline = bound
    for network in world.networks where !network.isOver { deadline = min(deadline, network.deadline) }
    let goesOn = world.advance(noLaterThan: deadline) && world.now < bound
    if world.now - before > 0 {
      stillTurns = 0
      stillSince = world.now
    }
    return goesOn
  }

  /// A worker that has something to do.
  private func nextWorker() -> Int? {
    var able = 0
    for network in world.networks where network.isAble(world.now) { able += 1 }
    guard able > 0 else { return nil }
    var rest = world.random.below(able)
    for network in world.networks where network.isAble(world.now) {
      if rest == 0 { return network.number }
      rest -= 1
    }
    return nil
  }

  private func open() {
    for (numbers, manners) in scenario.clients {
      world.note("client of requests \(numbers): \(manners)")
      let plans = numbers.map { stage.plans[$0] }
      let delay = manners.comesAt ?? Int64(world.random.below(2_000)) * .millisecond
      if manners.isFramed {
        let client = StreamClient(stage, plans, manners)
        streamClients.append(client)
        world.after(delay) { client.start() }
      } else {
        let client = Client(stage, plans, manners)
        clients.append(client)
        world.after(delay) { client.start() }
      }
    }
    if scenario.edition == 1, scenario.climate == .rough { planFirstTroubles() }
    for trouble in scenario.troubles { plan(trouble) }
  }

  // MARK: The operator

  private func planReloads(_ plant: some Plant) {
    for reload in scenario.reloads {
      world.after(reload.at) { [unowned(unsafe) self, unowned(unsafe) plant] in
        apply(reload.configuration, plant)
      }
    }
    guard scenario.edition == 1, world.random.chance(30) else { return }
    for _ in 0..<1 + world.random.below(5) {
      world.after(Int64(world.random.below(5_000)) * .millisecond) { [unowned(unsafe) self, unowned(unsafe) plant] in
        apply(scenario.configuration, plant)
      }
    }
  }

  private func apply(_ configuration: Configuration, _ plant: some Plant) {
    guard stage.drainDeadline == nil, plant.mayReload else { return }
    world.note("reload \(stage.published.count)")
    var configuration = configuration
    for (tenant, known) in placements where configuration.tenants[tenant].epoch <= known.epoch {
      // A configuration that is older than a move does not undo it, unless it takes the shard away.
      if known.home.map(configuration.declares) ?? true {
        (configuration.tenants[tenant].home, configuration.tenants[tenant].epoch) = (known.home, known.epoch)
      } else {
        configuration.tenants[tenant].epoch = known.epoch + 1
        placements[tenant] = (configuration.tenants[tenant].home, known.epoch + 1)
      }
    }
    stage.publish(configuration)
    plant.reload(configuration)
  }

  /// Has a tenant placed elsewhere; returns the generation that knows it.
  func place(_ tenant: Int, _ shard: Int, _ epoch: UInt64, _ plant: EnginePlant) -> UInt64 {
    placements[tenant] = (shard, epoch)
    var configuration = stage.published.last!
    (configuration.tenants[tenant].home, configuration.tenants[tenant].epoch) = (shard, epoch)
    world.note("tenant \(tenant) to shard \(shard) epoch \(epoch)")
    stage.publish(configuration)
    plant.reload(configuration)
    return UInt64(stage.published.count)
  }

  private func planDrain(_ plant: some Plant) {
    guard let drain = scenario.drain else { return }
    world.after(drain.at) { [unowned(unsafe) self, unowned(unsafe) plant] in
      let deadline = world.now.advanced(by: drain.time)
      let inFlight = clients.compactMap(\.inFlight) + streamClients.flatMap(\.inFlight)
      stage.beginDrain(until: deadline, inFlight: inFlight)
      plant.drain(until: deadline)
    }
    // A second, for turns that take their time.
    world.after(drain.at + drain.time + .second) { [unowned(unsafe) self, unowned(unsafe) plant] in
      stage.note(.drained(running: plant.running))
    }
  }

  // MARK: The seam

  private func tap(_ link: Link, _ what: World.Tapped) {
    if frameTaps[link.number] != nil { return tapFrames(link, what) }
    if link.isFromClient { return }
    if taps[link.number] == nil {
      // The preface of HTTP/2 is the first that a connection carries.
      if case .sent(let bytes) = what, bytes.starts(with: "PRI ".utf8) {
        frameTaps[link.number] = FrameTap(isToBackend: true)
        return tapFrames(link, what)
      }
      taps[link.number] = UpstreamTap()
    }
    switch what {
    case .sent(let bytes): taps[link.number]!.send(bytes, link, stage)
    case .received: taps[link.number]!.receive(link, stage)
    case .closed:
      taps[link.number]!.close(link, stage)
      taps[link.number] = nil
    }
  }

  private func tapFrames(_ link: Link, _ what: World.Tapped) {
    switch what {
    case .sent(let bytes): frameTaps[link.number]!.send(bytes, link, stage)
    case .received(let bytes): frameTaps[link.number]!.receive(bytes, link, stage)
    case .closed: frameTaps[link.number] = nil
    }
  }
}
