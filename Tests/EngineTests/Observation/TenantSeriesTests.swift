import Primitives
import Tenancy
import Testing

@testable import Engine

@Suite struct TenantSeriesTests {
  @Test func theBusiestAreToldWithAllTheyCounted() {
    var plant = TrafficPlant(names: (0..<12).map { "t\($0)" })
    for tenant in 0..<12 { plant.count("t\(tenant)", tenant + 1) }
    let snapshot = plant.scrape(most: 3)
    #expect(snapshot.tenants.map(\.name) == ["t11", "t10", "t9"])
    #expect(snapshot.tenants.map(\.total) == [12, 11, 10])
    #expect(snapshot.otherTenants?.total == 45 && snapshot.foldedTenants == 9)
  }

  @Test func withoutOthersThereIsNoOther() {
    var plant = TrafficPlant(names: ["a", "b"])
    plant.count("a", 3)
    #expect(plant.scrape(most: 2).otherTenants == nil)
    plant.count("b", 3)
    #expect(plant.scrape(most: 2).otherTenants == nil)
  }

  /// One that had no traffic at the last scrape was never told in `_other`.
  @Test func aNewcomerIsToldWithAllItCounted() {
    var plant = TrafficPlant(names: ["a", "b", "c"])
    plant.count("a", 3)
    _ = plant.scrape(most: 2)
    plant.count("b", 5)
    let snapshot = plant.scrape(most: 2)
    #expect(snapshot.tenants.map(\.total) == [5, 3])
    #expect(snapshot.otherTenants == nil)
  }

  @Test func oneThatIsFarBusierTakesAPlaceAndLeavesToOthersWhatTheyTold() {
    var plant = TrafficPlant(names: ["a", "b"])
    plant.count("a", 10)
    plant.count("b", 9)
    _ = plant.scrape(most: 1)
    plant.count("b", 11)
    #expect(plant.scrape(most: 1).tenants.map(\.name) == ["a"], "twice as busy is not yet far busier")
    plant.count("b", 1)
    let entered = plant.scrape(most: 1)
    #expect(entered.tenants.map(\.name) == ["b"] && entered.tenants[0].total == 0)
    #expect(entered.otherTenants?.total == 31)
    plant.count("b", 4)
    plant.count("a", 500)
    let later = plant.scrape(most: 1)
    #expect(later.tenants.map(\.name) == ["b"] && later.tenants[0].total == 4, "who left does not come back")
    #expect(later.otherTenants?.total == 531)
  }

  @Test func aDeletedTenantIsToldAmongOthersAndItsNameIsNotUsedAgain() {
    var plant = TrafficPlant(names: ["a", "b"])
    plant.count("a", 10)
    plant.count("b", 2)
    _ = plant.scrape(most: 5)
    plant.configure(["b"])
    let without = plant.scrape(most: 5)
    #expect(without.tenants.map(\.name) == ["b"] && without.otherTenants?.total == 10)
    plant.configure(["a", "b"])
    plant.count("a", 1)
    let again = plant.scrape(most: 5)
    #expect(again.tenants.map(\.name) == ["b"] && again.otherTenants?.total == 11)
  }

  @Test func fewerPlacesLetTheLeastBusyGo() {
    var plant = TrafficPlant(names: ["a", "b", "c"])
    for (name, count) in [("a", 3), ("b", 2), ("c", 1)] { plant.count(name, count) }
    #expect(plant.scrape(most: 3).otherTenants == nil)
    let fewer = plant.scrape(most: 1)
    #expect(fewer.tenants.map(\.name) == ["a"] && fewer.otherTenants?.total == 3 && fewer.foldedTenants == 2)
    #expect(plant.scrape(most: 3).tenants.map(\.name) == ["a"])
    #expect(plant.scrape(most: 0).otherTenants?.total == 6)
  }

  @Test func requestsInFlightAreToldOnce() {
    var plant = TrafficPlant(names: ["a", "b"])
    plant.count("a", 3)
    plant.count("b", 1)
    for name in ["a", "b", "b"] { #expect(plant.enter(name)) }
    let snapshot = plant.scrape(most: 1)
    #expect(snapshot.tenants[0].inFlight == 1 && snapshot.otherTenants?.inFlight == 2)
  }

  /// Traffic, reloads that add and delete tenants, more and fewer places: no series ever falls and nothing is lost.
  @Test(arguments: 0..<60 as Range<UInt64>)
  func noSeriesEverFalls(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let names = (0..<14).map { "t\($0)" }
    var plant = TrafficPlant(names: names)
    var last: [String: UInt64] = [:]
    var most = 4
    for _ in 0..<60 {
      for _ in 0..<random.below(40) {
        plant.count(plant.names[min(random.below(plant.names.count), random.below(plant.names.count))], 1, by: &random)
      }
      if random.below(4) == 0 {
        plant.configure(names.filter { _ in random.below(5) > 0 })
        if plant.names.isEmpty { plant.configure(names) }
      }
      if random.below(8) == 0 { most = random.below(9) }
      let snapshot = plant.scrape(most: most)
      #expect(snapshot.tenants.count <= most)
      #expect(Set(snapshot.tenants.map(\.name)).isSubset(of: plant.names))
      let rows = snapshot.tenants + (snapshot.otherTenants.map { [$0] } ?? [])
      #expect(rows.reduce(0) { $0 + $1.total } == plant.total)
      #expect(rows.reduce(0) { $0 + $1.bytesIn } == 100 * plant.total)
      for (name, value) in rows.flatMap(TenantSeriesTests.series) {
        if value < last[name, default: 0] { Issue.record("\(name) fell from \(last[name]!) to \(value)") }
        last[name] = value
      }
    }
  }

  private static func series(_ row: TenantMetrics) -> [(String, UInt64)] {
    var series = [("\(row.name) in", row.bytesIn), ("\(row.name) out", row.bytesOut)]
    for (shard, classes) in row.answers {
      for (place, count) in classes.enumerated() { series.append(("\(row.name) \(shard) \(place + 1)xx", count)) }
    }
    for (limit, count) in row.limited { series.append(("\(row.name) \(limit)", count)) }
    for (place, count) in row.duration.buckets.enumerated() { series.append(("\(row.name) le \(place)", count)) }
    series.append(("\(row.name) sum", UInt64((row.duration.sum * 1e6).rounded())))
    return series
  }
}

/// Counters of two workers and the scrapes of them.
private struct TrafficPlant {
  private let workers = [WorkerCounters(), WorkerCounters()]
  private let ledger = TenantLedger()
  private var series = TenantSeries()
  private var directory: TenantDirectory
  private(set) var names: [String]
  private(set) var total: UInt64 = 0

  init(names: [String]) {
    self.names = names
    directory = TrafficPlant.directory(names, nil)
    ledger.ensure(capacity: 1)
  }

  private static func directory(_ names: [String], _ previous: TenantDirectory?) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: [])
    for name in names { precondition(builder.add(TenantRecord(id: name)) == .added) }
    return builder.finish()
  }

  mutating func configure(_ names: [String]) {
    self.names = names
    directory = TrafficPlant.directory(names, directory)
  }

  private func index(_ name: String) -> TenantIndex {
    let bytes = Array(name.utf8)
    return directory.tenant(id: bytes, bytes.count)
  }

  func enter(_ name: String) -> Bool { ledger.account(index(name)).pointee.enter(limit: 0) }

  mutating func count(_ name: String, _ requests: Int) {
    var random = SeededRandom(seed: UInt64(requests))
    count(name, requests, by: &random)
  }

  mutating func count(_ name: String, _ requests: Int, by random: inout SeededRandom) {
    for _ in 0..<requests {
      let worker = workers[random.below(2)]
      let row = worker.row(ofTenant: index(name), shard: Int32(random.below(3)) - 1)!
      row[TenantPlace.classes + random.below(5)].add()
      row[TenantPlace.bytesIn].add(100)
      row[TenantPlace.bytesOut].add(UInt64(random.below(100)))
      row[TenantPlace.limited + random.below(2)].add()
      HistogramPlace.add(Int64(random.below(1 << 30)), to: row + TenantPlace.histogram)
      total += 1
    }
  }

  mutating func scrape(most: Int) -> MetricsSnapshot {
    var snapshot = MetricsSnapshot()
    series.read(workers, directory, ledger, shards: ["one", "two"], most: most, into: &snapshot)
    return snapshot
  }
}
