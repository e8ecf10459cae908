import Primitives
import Synchronization
import Tenancy

@testable import Engine

/// The engine's workers in a virtual world, as one process.
final class EnginePlant: Plant {
  private final class Box {
    var worker: Worker<VirtualNetwork>
    init(_ worker: consuming Worker<VirtualNetwork>) { self.worker = worker }
  }

  private let scenario: Scenario
  private let world: World
  private let process: ProcessState
  private var boxes: [Box] = []
  private var mailboxes: [Mailbox] = []
  private var rings: [RecordRing] = []
  private var counters: [WorkerCounters] = []
  private var lastInFlight: [Int32]
  private var generation: UInt64 = 1
  /// The directory in use.
  private var tenants: TenantDirectory
  let indices: [TenantIndex]
  var tellsFinished: Bool { true }

  init(_ simulation: Simulation) {
    scenario = simulation.scenario
    world = simulation.world
    process = ProcessState(affinityKey: AffinityKey(bytes: Array(0..<16)))
    lastInFlight = Array(repeating: 0, count: scenario.tenants.count)
    let blueprint = EngineBlueprint.make(scenario)
    tenants = blueprint.tenants
    indices = scenario.tenants.map { EngineBlueprint.index(of: $0, in: blueprint.tenants) }
    process.ledger.ensure(capacity: blueprint.tenants.capacity)
    let image = BlueprintImage(blueprint, roster: process.roster)!
    var place = 0
    for shard in simulation.origins {
      for origin in shard {
        world.servers[image.backends[place].number] = origin
        place += 1
      }
    }
    var random = SeededRandom(seed: scenario.seed)
    for number in 0..<scenario.workers {
      mailboxes.append(Mailbox())
      rings.append(RecordRing(capacity: 1 << 20))
      counters.append(WorkerCounters())
      boxes.append(
        Box(
          Worker(
            network: VirtualNetwork(world, listeners: 1), number: number, process: process, mailbox: mailboxes[number],
            counters: counters[number], records: rings[number], image: image, seed: random.next(),
            connectionCapacity: 4_096)))
    }
  }

  func turn(_ index: Int) { boxes[index].worker.turn() }

  func tell(_ stage: Stage) {
    for (tenant, index) in indices.enumerated() where index >= 0 {
      let count = process.ledger.account(index).pointee.inFlight.load(ordering: .relaxed)
      guard count != lastInFlight[tenant] else { continue }
      lastInFlight[tenant] = count
      stage.note(.inFlight(tenant: tenant, count: Int(count), bound: scenario.tenants[tenant].concurrency))
    }
    for ring in rings {
      while let view = ring.first {
        let path = String(decoding: view.text(.path), as: UTF8.self)
        if let number = RequestPlan.number(in: path) { stage.note(.finished(request: number)) }
        ring.removeFirst()
      }
    }
  }

  /// Gives every worker the same configuration anew, as a reload does.
  func reload() {
    generation += 1
    var blueprint = EngineBlueprint.make(scenario, previous: tenants)
    tenants = blueprint.tenants
    blueprint.generation = generation
    guard let image = BlueprintImage(blueprint, roster: process.roster) else { return }
    for (number, mailbox) in mailboxes.enumerated() {
      mailbox.leave(image, listeners: nil)
      world.networks[number].isWoken = true
    }
  }

  func remains() -> Remains {
    var remains = Remains(sockets: world.openCount)
    for box in boxes {
      remains.exchanges += box.worker.exchanges.count
      remains.connections += box.worker.connections.count
      remains.lentBytes += box.worker.buffers.lentBytes
      // Health checks go on for ever.
      box.worker.connections.forEachSlot { slot in
        guard box.worker.connections[slot].pointee.role == .probe else { return }
        remains.connections -= 1
        remains.sockets -= 1
        remains.lentBytes = 0
      }
    }
    remains.inFlight = indices.map {
      $0 < 0 ? 0 : Int(process.ledger.account($0).pointee.inFlight.load(ordering: .relaxed))
    }
    return remains
  }
}
