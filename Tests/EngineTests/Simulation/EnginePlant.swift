import Primitives
import Synchronization

@testable import Engine
@testable import Tenancy

/// The engine's workers in a virtual world, as one process.
final class EnginePlant: Plant {
  final class Box {
    var worker: Worker<VirtualNetwork>
    let mailbox: Mailbox
    let ring: RecordRing
    let state: NetworkState
    /// Exchanges in flight.
    var exchanges: [Int32] {
      var found: [Int32] = []
      worker.exchanges.forEachSlot { found.append($0) }
      return found
    }
    /// Whether its last turn took a new configuration.
    var hasAdopted = false

    init(_ worker: consuming Worker<VirtualNetwork>, _ mailbox: Mailbox, _ ring: RecordRing) {
      state = worker.network.state
      self.worker = worker
      self.mailbox = mailbox
      self.ring = ring
    }
  }

  /// An account, and whose it is.
  private struct Account {
    var tenant: Int
    var index: TenantIndex
    var count: Int32 = 0
  }

  private let scenario: Scenario
  private unowned(unsafe) let simulation: Simulation
  private unowned(unsafe) let world: World
  let process: ProcessState
  private(set) var boxes: [Box] = []
  private var accounts: [Account] = []
  private var generation: UInt64 = 1
  private var isSettled = true
  /// The blueprint in use.
  private var blueprint: Blueprint
  private var listeners: Int
  /// What is wrong with the engine, on purpose.
  private let flaw: Flaw?
  private var hasStruck = false
  private var mover: Mover?
  private var configuration: Configuration
  var tellsFinished: Bool { true }

  init(_ simulation: Simulation, flaw: Flaw? = nil) {
    self.simulation = simulation
    self.flaw = flaw
    scenario = simulation.scenario
    world = simulation.world
    process = ProcessState(affinityKey: AffinityKey(bytes: Array(0..<16)))
    listeners = scenario.listeners
    blueprint = EngineBlueprint.make(scenario, scenario.configuration)
    configuration = scenario.configuration
    flaw?.spoil(&blueprint, configuration, previous: nil)
    process.ledger.ensure(capacity: blueprint.tenants.capacity)
    let image = BlueprintImage(blueprint, roster: process.roster)!
    openAccounts()
    connectOrigins(image, scenario.configuration)
    var random = SeededRandom(seed: scenario.seed)
    for number in 0..<scenario.workers {
      var network = VirtualNetwork(world, listeners: listeners)
      nonisolated(unsafe) let state = network.state
      let (mailbox, ring) = (Mailbox { state.isWoken = true }, RecordRing(capacity: 1 << 20))
      network.flaw = flaw
      boxes.append(
        Box(
          Worker(
            network: network, number: number, process: process, mailbox: mailbox, counters: WorkerCounters(),
            records: ring, image: image, seed: random.next(), connectionCapacity: 4_096), mailbox, ring))
      // So few that what is let go first is seen to be.
      boxes[number].worker.releaseBound = 1 + Int(scenario.seed % 3)
    }
  }

  /// Tells the world who serves each backend of an image.
  private func connectOrigins(_ image: BlueprintImage, _ configuration: Configuration) {
    var place = 0
    for (shard, backends) in configuration.backends.enumerated() where configuration.declares(shard) {
      for (origin, isDeclared) in zip(simulation.origins[shard], backends) where isDeclared {
        world.servers[image.tables.backends[place].number] = origin
        place += 1
      }
    }
  }

  /// Follows the accounts of all tenants there ever were.
  private func openAccounts() {
    for (number, tenant) in scenario.tenants.enumerated() {
      let index = EngineBlueprint.index(of: tenant, in: blueprint.tenants)
      guard index >= 0, !accounts.contains(where: { $0.index == index }) else { continue }
      accounts.append(Account(tenant: number, index: index))
    }
  }

  func turn(_ index: Int) {
    let known = boxes[index].mailbox.generation.load(ordering: .relaxed)
    boxes[index].worker.turn()
    if let flaw, !hasStruck {
      boxes[index].hasAdopted = boxes[index].mailbox.generation.load(ordering: .relaxed) != known
      hasStruck = flaw.strike(self, boxes[index])
    }
    if boxes[index].worker.hasDrained {
      boxes[index].worker.closeAll()
      boxes[index].state.isOver = true
    }
  }

  var running: Int { boxes.count { !$0.state.isOver } }

  func tell(_ stage: Stage) {
    for place in accounts.indices {
      let count = process.ledger.account(accounts[place].index).pointee.inFlight.load(ordering: .relaxed)
      guard count != accounts[place].count else { continue }
      accounts[place].count = count
      let bound = stage.concurrencyBound(accounts[place].tenant)
      stage.note(.inFlight(tenant: Int(accounts[place].index), count: Int(count), bound: bound))
    }
    for box in boxes { tellFinished(box.ring, stage) }
    tellSlots(stage)
    if !isSettled { settle(stage) }
    mover?.step()
  }

  func begin(_ move: PlannedMove) {
    if mover == nil { mover = Mover(self, simulation, flaw: flaw) }
    mover!.begin(move)
  }

  /// The tenants that it knows.
  var directory: TenantDirectory { blueprint.tenants }

  /// The oldest configuration that a worker goes by.
  var oldestGeneration: UInt64 {
    boxes.filter { !$0.state.isOver }.map { $0.mailbox.generation.load(ordering: .relaxed) }.min() ?? generation
  }

  private func tellSlots(_ stage: Stage) {
    for (shard, bound) in scenario.slots.enumerated() where bound > 0 {
      let number = process.roster.number(ofShard: "shard-\(shard)")
      guard let gate = process.roster.gates[Int(number)] else { continue }
      var without = 0
      for box in boxes {
        box.worker.exchanges.forEachSlot { id in
          let exchange = box.worker.exchanges[id].pointee
          guard exchange.shard == number, exchange.upstream >= 0, exchange.phase != .tunnel else { return }
          if !exchange.flags.contains(.holdsSlot) { without += 1 }
        }
      }
      let held = Int(gate.pointee.slots.held.load(ordering: .relaxed))
      stage.note(.slots(shard: shard, held: held, bound: bound, without: without))
    }
  }

  private func tellFinished(_ ring: RecordRing, _ stage: Stage) {
    while let view = ring.first {
      let path = String(decoding: view.text(.path), as: UTF8.self)
      if let number = RequestPlan.number(in: path) { stage.note(.finished(request: number)) }
      ring.removeFirst()
    }
  }

  /// Finds out which configuration is the oldest in use.
  private func settle(_ stage: Stage) {
    let oldest = boxes.filter { !$0.state.isOver }.map { $0.mailbox.generation.load(ordering: .relaxed) }.min()
    stage.oldestInUse = Int(oldest ?? generation) - 1
    guard oldest == nil || oldest == generation else { return }
    isSettled = true
    stage.note(.settled)
  }

  /// Puts a configuration into use as `Engine.apply` does.
  func reload(_ configuration: Configuration) {
    generation += 1
    var next = EngineBlueprint.make(scenario, configuration, previous: blueprint.tenants)
    next.generation = generation
    flaw?.spoil(&next, configuration, previous: self.configuration)
    self.configuration = configuration
    process.ledger.ensure(capacity: next.tenants.capacity)
    guard let image = BlueprintImage(next, roster: process.roster) else { return }
    process.ledger.refit(from: blueprint.tenants, to: next.tenants, at: world.now)
    image.policies.refitShared(at: world.now)
    if flaw == .refillsOnReload { refill(next.tenants) }
    blueprint = next
    isSettled = false
    openAccounts()
    connectOrigins(image, configuration)
    let sockets =
      configuration.listeners == listeners
      ? nil
      : (0..<configuration.listeners).map { number in
        // Worlds without HTTP/2 say nothing of what their listeners speak.
        next.listeners.indices.contains(number)
          ? ListenerSocket(Int32(number), next.listeners[number]) : ListenerSocket(Int32(number))
      }
    listeners = configuration.listeners
    for box in boxes where !box.state.isOver {
      box.mailbox.leave(image, listeners: sockets)
      box.state.isWoken = true
    }
  }

  /// What a reload that forgot the buckets of unchanged rules would do.
  private func refill(_ directory: TenantDirectory) {
    for known in accounts where directory.isLive(known.index) && directory.revision(of: known.index) == 0 {
      let account = process.ledger.account(known.index)
      let count = account.pointee.inFlight.load(ordering: .relaxed)
      account.deinitialize(count: 1)
      account.initialize(to: TenantAccount())
      account.pointee.inFlight.store(count, ordering: .relaxed)
    }
  }

  /// As `Engine.apply`: a worker tells so many rules of a bucket apart and no more.
  var mayReload: Bool {
    let oldest = boxes.map { $0.mailbox.generation.load(ordering: .relaxed) }.min() ?? generation
    return generation - oldest < TokenBucket.revisions - 1
  }

  func drain(until deadline: Instant) {
    if flaw == .forgetsDrain { return }
    let deadline = flaw == .cutsDrain ? world.now : deadline
    for box in boxes {
      box.mailbox.drainDeadline.store(deadline.nanoseconds, ordering: .relaxed)
      box.state.isWoken = true
    }
  }

  func remains() -> Remains {
    var remains = Remains(sockets: world.openCount)
    for box in boxes {
      remains.exchanges += box.worker.exchanges.count + box.worker.holds.count
      remains.connections += box.worker.connections.count
      remains.lentBytes += box.worker.buffers.lentBytes
      // Health checks go on for ever.
      box.worker.connections.forEachSlot { slot in
        let connection = box.worker.connections[slot]
        guard connection.pointee.role == .probe else { return }
        remains.connections -= 1
        remains.sockets -= 1
        for buffer in [connection.pointee.input, connection.pointee.output] where buffer.isAllocated {
          remains.lentBytes -= BufferPool.capacity(buffer.size)
        }
      }
    }
    for shard in scenario.slots.indices {
      guard let gate = process.roster.gates[Int(process.roster.number(ofShard: "shard-\(shard)"))] else { continue }
      remains.slots += Int(gate.pointee.slots.held.load(ordering: .relaxed))
      remains.waiting += Int(gate.pointee.waiting.load(ordering: .relaxed))
    }
    for backend in 0..<process.roster.count {
      remains.slots += Int(process.roster.statuses[backend].held.load(ordering: .relaxed))
    }
    if scenario.slots.contains(where: { $0 > 0 }) {
      for account in accounts {
        remains.slots += Int(process.roster.standings[account.index].pointee.held.load(ordering: .relaxed))
      }
    }
    remains.waiting += process.holds.count.parked.load(ordering: .relaxed)
    for tenant in process.roster.limits.meteredTenants() {
      let meters = process.roster.limits.meters(ifMadeFor: tenant)!
      remains.connections += Int(meters.pointee.withBook { $0.connections })
    }
    remains.inFlight = accounts.map {
      Int(process.ledger.account($0.index).pointee.inFlight.load(ordering: .relaxed))
    }
    return remains
  }
}
