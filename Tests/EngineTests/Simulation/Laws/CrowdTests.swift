import Foundation
import Primitives
import Tenancy
import Testing

@testable import Engine

/// A worker holds many idle clients at little cost, and serves one more as if they weren't there.
struct CrowdTests {
  /// Bytes that an idle client may cost.
  private static let bound = 512

  @Test func aHundredThousandIdleClientsCostLittle() {
    let cost = hold(100_000)
    #expect(cost.counted <= Self.bound)
  }

  /// A million of them, where the build is quick and the process has nothing else to do.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SOAK"] != nil))
  func aMillionIdleClientsCostLittle() {
    let cost = hold(1_000_000)
    print("soak: 1,000,000 idle clients, \(cost.counted) bytes each by count, \(cost.resident) resident")
    #expect(cost.counted <= Self.bound)
    #expect(cost.resident <= Self.bound)
  }

  /// Lets `crowd` clients ask once each and stay; returns what one of them costs, by the engine's own memory and by the
  /// process's.
  private func hold(_ crowd: Int32) -> (counted: Int, resident: Int) {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    var record = TenantRecord(id: "tenant-0")
    record.hosts = ["t0.example"]
    record.home = 0
    #expect(builder.add(record) == .added)
    var blueprint = Blueprint(tenants: builder.finish())
    var shard = Shard(name: "shard-0")
    shard.backends = [Backend(endpoint: Simulation.endpoint(0, 0), name: "10.1.0.0:9000")]
    blueprint.shards = [shard]
    blueprint.bounds.connections = Int(crowd) + 10
    let process = ProcessState(affinityKey: AffinityKey(bytes: Array(0..<16)))
    process.ledger.ensure(capacity: blueprint.tenants.capacity)
    var worker = Worker(
      network: CrowdNetwork(crowd: crowd + 1), number: 0, process: process, mailbox: Mailbox(),
      counters: WorkerCounters(), records: RecordRing(capacity: 1 << 16),
      image: BlueprintImage(blueprint, roster: process.roster)!, seed: 1, connectionCapacity: Int(crowd) + 1_000)
    let before = Self.residentBytes
    serve(crowd, &worker)
    let resident = (Self.residentBytes - before) / Int(crowd)
    let idle = (worker.clientCount, worker.exchanges.count, worker.buffers.lentBytes, worker.network.closed)
    #expect(idle == (Int(crowd), 0, 0, 0))
    serve(crowd + 1, &worker)
    let slot = MemoryLayout<Connection>.stride + MemoryLayout<UInt32>.stride + MemoryLayout<Int32>.stride
    return (slot + worker.buffers.lentBytes / Int(crowd), resident)
  }

  /// Turns until so many clients in all have been answered.
  private func serve(_ count: Int32, _ worker: inout Worker<CrowdNetwork>) {
    worker.network.mayCome = count
    for _ in 0..<count where worker.network.answers < Int(count) { worker.turn() }
    let answers = worker.network.answers
    #expect(answers == Int(count))
  }

  private static var residentBytes: Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4_096
  }
}
