import Primitives
import Synchronization
import Tenancy

@testable import Engine

/// A worker with one shard and two tenants, in a world of its own.
final class FuzzStage {
  private final class Box {
    var worker: Worker<FuzzNetwork>
    init(_ worker: consuming Worker<FuzzNetwork>) { self.worker = worker }
  }

  let world: FuzzWorld
  private let process = ProcessState(affinityKey: AffinityKey(bytes: Array(0..<16)))
  private let directory: TenantDirectory
  private let records = RecordRing(capacity: 1 << 18)
  private let box: Box
  private var turns = 0

  /// Which version of HTTP is spoken on either side.
  struct Speech {
    var toClients = ListenerProtocols.http1
    /// Whether origins are spoken to in HTTP/2.
    var toOrigins = false
  }

  init(_ world: FuzzWorld, speaking speech: Speech = Speech()) {
    self.world = world
    directory = FuzzStage.tenants()
    process.ledger.ensure(capacity: directory.capacity)
    let image = BlueprintImage(FuzzStage.blueprint(directory, speech), roster: process.roster)!
    box = Box(
      Worker(
        network: FuzzNetwork(world), number: 0, process: process, mailbox: Mailbox(), counters: WorkerCounters(),
        records: records, image: image, seed: 1, connectionCapacity: 64))
  }

  private static func tenants() -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    for id in ["acme", "other"] {
      var record = TenantRecord(id: id)
      record.hosts = ["\(id).example", "*.\(id).example"]
      record.home = 0
      precondition(builder.add(record) == .added)
    }
    return builder.finish()
  }

  private static func blueprint(_ tenants: TenantDirectory, _ speech: Speech) -> Blueprint {
    var blueprint = Blueprint(tenants: tenants)
    blueprint.keepsRecords = true
    blueprint.bounds.headerSize = 2 << 10
    blueprint.bounds.headerCount = 40
    blueprint.bounds.bodySize = 4 << 10
    blueprint.resolving.sources = [.host, .path(prefix: Array("/t/".utf8)), .header(name: Array("x-tenant-id".utf8))]
    blueprint.trust = [IPNetwork(IPAddress(v4: 0x7F00_0000), bits: 104)]
    var listener = Listener(.tcp(IPAddress(v4: 0x7F00_0001), port: 8_080))
    listener.protocols = speech.toClients
    blueprint.listeners = [listener]
    var shard = Shard(name: "eu-1")
    shard.speaksHTTP2 = speech.toOrigins
    shard.backends = [Backend(endpoint: .tcp(IPAddress(v4: 0x7F00_0001), port: 9_001), name: "127.0.0.1:9001")]
    shard.sticky = Sticky(cookie: "GHSESSION", lifetime: 3_600 * .second)
    blueprint.shards = [shard]
    return blueprint
  }

  /// Lets the worker turn until it has nothing left to do at this moment.
  func settle() throws {
    repeat {
      box.worker.turn()
      turns += 1
      try require(turns < 100_000, "the worker spins")
    } while !world.isQuiet
    while records.first != nil { records.removeFirst() }
  }

  /// Lets time pass from deadline to deadline until the worker waits for nothing; checks that nothing is left.
  func rest() throws {
    while world.deadline != .distantFuture {
      world.now = max(world.now, world.deadline)
      try settle()
    }
    try requireEqual(box.worker.exchanges.count, 0, "exchanges are left")
    try requireEqual(box.worker.connections.count, 0, "connections are left")
    try requireEqual(world.links.count, 0, "sockets are left")
    try requireEqual(box.worker.buffers.lentBytes, 0, "buffers are left")
    for tenant in 0..<Int32(directory.capacity) {
      let count = process.ledger.account(tenant).pointee.inFlight.load(ordering: .relaxed)
      try requireEqual(count, 0, "requests in flight are left")
    }
  }
}
