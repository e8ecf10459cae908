import Engine
import Telemetry

/// A small snapshot with one of everything.
enum SampleSnapshot {
  static let build = BuildFacts(version: "0.1.0", swift: "6.3.1", openSSL: "3.0.19")
  static let reload = ReloadFacts(isSuccessful: true, lastSuccess: 1_795_494_673.5)

  static var process: ProcessFacts {
    var facts = ProcessFacts()
    facts.cpuSeconds = 1.25
    facts.openDescriptors = 12
    facts.maximumDescriptors = 1_024
    facts.virtualBytes = 1_000
    facts.residentBytes = 500
    facts.startTime = 1_795_000_000
    return facts
  }

  static var snapshot: MetricsSnapshot {
    var snapshot = MetricsSnapshot()
    var acme = TenantMetrics(name: "acme")
    acme.answers = [(shard: "eu-1", classes: [0, 90, 0, 5, 1]), (shard: "", classes: [0, 0, 0, 4, 0])]
    acme.inFlight = 2
    acme.bytesIn = 1_000
    acme.bytesOut = 18_446_744_073_709_551_615
    acme.limited = [(limit: "requests", count: 3), (limit: "concurrency", count: 1)]
    acme.shadowed = [(limit: "requests per client", count: 7)]
    acme.evicted = [(limit: "requests per client", count: 2)]
    acme.ratios = [(limit: "requests", ratio: 0.5)]
    acme.duration.buckets = [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90]
    acme.duration.sum = 12.5
    var other = TenantMetrics(name: "_other")
    other.answers = [(shard: "eu-1", classes: [0, 7, 0, 0, 0])]
    other.duration.buckets[5] = 7
    snapshot.tenants = [acme]
    snapshot.otherTenants = other
    snapshot.foldedTenants = 3
    snapshot.tenantCount = 10_000
    snapshot.refused = [(code: "bad_request", count: 8), (code: "tenant_unknown", count: 9)]
    var shard = ShardMetrics(name: "eu-1")
    var backend = BackendMetrics(name: "127.0.0.1:9001")
    backend.classes = [0, 97, 0, 5, 1]
    var down = BackendMetrics(name: "127.0.0.1:9002")
    down.isUp = false
    shard.backends = [backend, down]
    shard.activeConnections = 2
    shard.idleConnections = 5
    shard.retries = 1
    shard.duration.buckets[0] = 103
    shard.duration.sum = 0.05
    snapshot.shards = [shard]
    snapshot.handshakes.full = 20
    snapshot.handshakes.resumed = 30
    snapshot.handshakes.failed = 4
    snapshot.expiries = [(name: "acme.example", time: 1_800_000_000)]
    snapshot.activeConnections = 2
    snapshot.idleConnections = 30
    snapshot.affinity.bound = 11
    snapshot.affinity.kept = 12
    snapshot.affinity.rebound = 13
    snapshot.affinity.rejected = 14
    snapshot.droppedRecords = 4
    snapshot.generation = 6
    return snapshot
  }

  static func text(_ format: MetricsText.Format, of snapshot: MetricsSnapshot = snapshot) -> String {
    let bytes = MetricsText.render(
      snapshot, build: build, process: process, reload: reload, format: format, droppedLines: 1)
    return String(decoding: bytes, as: UTF8.self)
  }
}
