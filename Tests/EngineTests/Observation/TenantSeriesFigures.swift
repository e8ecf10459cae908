import Glibc
import Tenancy
import Testing

@testable import Engine

/// Figures, not checks: printed when `GATEHOUSE_FIGURES` is set, from a release build.
@Suite(.enabled(if: getenv("GATEHOUSE_FIGURES") != nil))
struct TenantSeriesFigures {
  @Test func aMillionTenantsAreScraped() {
    let (ledger, workers) = (TenantLedger(), [WorkerCounters(), WorkerCounters()])
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    for number in 0..<1_000_000 { _ = builder.add(TenantRecord(id: "tenant-\(number)")) }
    let directory = builder.finish()
    ledger.ensure(capacity: directory.capacity)
    var state: UInt64 = 7
    for _ in 0..<2_500_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      count(workers[Int(state >> 33) % 2], TenantIndex(Int(state >> 34) % 1_000_000))
    }
    for tenant in 0..<1_000_000 as Range<TenantIndex> { count(workers[Int(tenant) % 2], tenant) }
    let rows = workers.map { $0.tenants.count }
    var series = TenantSeries()
    for scrape in 1...6 {
      var snapshot = MetricsSnapshot()
      let start = TenantSeriesFigures.spent
      let time = ContinuousClock().measure {
        series.read(workers, directory, ledger, shards: ["one", "two"], most: 500, into: &snapshot)
      }
      print(
        "scrape \(scrape) of 1,000,000 tenants in \(rows) rows: \(time), \(TenantSeriesFigures.spent - start) s of CPU")
      #expect(snapshot.tenants.count == 500 && snapshot.foldedTenants == 999_500)
      let total = snapshot.tenants.reduce(snapshot.otherTenants!.total) { $0 + $1.total }
      #expect(total == 3_500_000)
    }
  }

  /// Seconds of CPU that this thread has used.
  private static var spent: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func count(_ worker: WorkerCounters, _ tenant: TenantIndex) {
    let row = worker.row(ofTenant: tenant, shard: 0)!
    row[TenantPlace.classes + 1].add()
    HistogramPlace.add(3_000_000, to: row + TenantPlace.histogram)
  }
}
