import Configuration
import Engine
import Foundation
import Synchronization
import Tenancy
import Testing

@testable import Control

/// What outlives the process, what happens at once, and what happens by the clock.
@Suite struct LiveTenantsTests {
  @Test func allThatWasAnsweredIsThereAfterwards() throws {
    let house = try TenantHouse()
    _ = try house.json("PUT", "/v1/tenants/a", #"{"hosts":["a.example"],"home":"two","epoch":3}"#)
    _ = try house.json("PUT", "/v1/tenants/b", #"{"hosts":["b.example"]}"#)
    _ = try house.call("DELETE", "/v1/tenants/b").get()
    _ = try house.json("PUT", "/v1/tenants/listed/state", #"{"state":"gone"}"#)
    try house.tenants.place("declared", on: "two", epoch: 9, by: TenantHouse.boss, action: "move", reason: nil)
    let history = try house.json("GET", "/v1/history")
    try house.restart()
    #expect(house.verdict("a.example") == "a two")
    #expect(house.verdict("b.example") == "tenant_unknown")
    #expect(house.verdict("listed.example") == "tenant_gone")
    #expect(house.verdict("declared.example") == "declared two")
    #expect(house.tenants.placement(of: "declared")?.epoch == 9)
    #expect(try house.json("GET", "/v1/history") == history)
    #expect(try house.json("GET", "/v1/tenants/declared/effective")["values"][2]["source"] == "store")
  }

  @Test func aPlacementOnlyGoesForward() throws {
    let house = try TenantHouse()
    func place(_ shard: String, _ epoch: UInt64, _ tenant: String = "declared") -> String {
      do throws(AdminProblem) {
        try house.tenants.place(tenant, on: shard, epoch: epoch, by: TenantHouse.boss, action: "move", reason: "r")
        return house.tenants.placement(of: tenant).map { "\($0.shard ?? "-") \($0.epoch)" } ?? "nowhere"
      } catch {
        return error.code
      }
    }
    #expect(place("two", 5) == "two 5")
    #expect(place("two", 5) == "two 5")
    #expect(try house.json("GET", "/v1/history")["items"].count == 1)
    #expect(place("one", 5) == "epoch_lower")
    #expect(place("one", 4) == "epoch_lower")
    #expect(place("one", 6) == "one 6")
    #expect(place("nowhere", 7) == "shard_unknown")
    #expect(place("one", 7, "nobody") == "tenant_unknown")
    #expect(house.tenants.placement(of: "nobody") == nil)
    _ = try house.json("PUT", "/v1/tenants/a", #"{"home":"one"}"#)
    #expect(place("two", 1, "a") == "two 1")
    #expect(try house.json("GET", "/v1/tenants/a")["home"] == "two")
  }

  @Test func changesAtOnceAreDoneTogether() throws {
    let house = try TenantHouse()
    let generation = house.engine.blueprint.generation
    let refused = Atomic<Int>(0)
    let (tenants, engine) = (house.tenants, house.engine)
    DispatchQueue.concurrentPerform(iterations: 200) { number in
      // Every tenth wants the host of another.
      let host = number % 10 == 0 && number > 0 ? "t1.example" : "t\(number).example"
      var settings = TenantSettings()
      settings.hosts = [host]
      let wanted = settings
      let edit = TenantEdit(tenant: "t\(number)", action: "test", actor: "test") {
        (_: TenantSight?) throws(AdminProblem) -> LiveTenant? in .whole(wanted)
      }
      do throws(AdminProblem) {
        _ = try tenants.make([edit])
        // Once it is answered, the data path knows it.
        #expect(engine.blueprint.generation > generation)
        #expect(engine.blueprint.tenants.tenant("t\(number)") >= 0)
      } catch {
        #expect(error.code == "host_taken")
        refused.add(1, ordering: .relaxed)
      }
    }
    #expect(refused.load(ordering: .relaxed) == 19)
    #expect(house.engine.blueprint.tenants.count == 2 + 181)
    #expect(try house.json("GET", "/v1/history?limit=1000")["items"].count == 181)
  }

  @Test func statesEndByTheClock() throws {
    let house = try TenantHouse()
    try house.tenants.start()
    let soon = WallTime.text(LiveTenants.wallTime() + 400)
    _ = try house.json(
      "PUT", "/v1/tenants/a", #"{"hosts":["a.example"],"home":"one","state":"maintenance","until":"\#(soon)"}"#)
    _ = try house.json("PUT", "/v1/tenants/listed/state", #"{"state":"suspended","until":"\#(soon)"}"#)
    _ = try house.json("PUT", "/v1/tenants/t", #"{"hosts":["t.example"],"test":true,"expires":"\#(soon)"}"#)
    #expect(house.verdict("a.example") == "tenant_maintenance")
    #expect(house.verdict("listed.example") == "tenant_suspended")
    #expect(house.verdict("t.example") == "t lab")
    let end = Date().addingTimeInterval(10)
    while house.verdict("t.example") != "tenant_gone" || house.verdict("a.example") != "a one", Date() < end {
      usleep(5_000)
    }
    #expect(LiveTenants.wallTime() >= WallTime.milliseconds(soon)!)
    #expect(house.verdict("a.example") == "a one")
    #expect(house.verdict("listed.example") == "listed one")
    #expect(house.verdict("t.example") == "tenant_gone")
    let actions = try house.json("GET", "/v1/history")
    #expect(
      (0..<3).map { actions["items"][$0]["action"].words } == ["tenant.expire", "tenant.expire", "tenant.expire"])
    #expect(actions["items"][0]["actor"] == "gatehouse")
    try house.restart()
    #expect(house.verdict("a.example") == "a one")
    #expect(house.verdict("t.example") == "tenant_gone")
  }

  @Test func aStateThatEndedWhileNobodyLookedIsOver() throws {
    let house = try TenantHouse()
    let soon = WallTime.text(LiveTenants.wallTime() + 30)
    _ = try house.json("PUT", "/v1/tenants/listed/state", #"{"state":"suspended","until":"\#(soon)"}"#)
    usleep(50_000)
    // Nothing looks after it here.
    #expect(house.verdict("listed.example") == "tenant_suspended")
    #expect(try house.json("GET", "/v1/tenants/listed")["state"] == "active")
    try house.restart()
    #expect(house.verdict("listed.example") == "listed one")
  }

  @Test func aLongJournalBecomesASnapshot() throws {
    let house = try TenantHouse()
    try house.tenants.start()
    let reason = String(repeating: "x", count: 1_000)
    let path = house.folder + "/state/tenants.snapshot"
    var n = 0
    while !FileManager.default.fileExists(atPath: path), n < 200 {
      let list = (0..<100).map { #"{"id":"t\#($0)","plan":"\#(n % 2 == 0 ? "gold" : "free")"}"# }.joined(separator: ",")
      _ = try house.json("POST", "/v1/tenants:import", #"{"tenants":[\#(list)]}"#, reason: reason)
      n += 1
    }
    #expect(n < 200)
    _ = try house.json("PUT", "/v1/tenants/last", #"{"hosts":["last.example"],"home":"one"}"#)
    let history = try house.json("GET", "/v1/history?limit=1000")
    try house.restart()
    #expect(house.verdict("last.example") == "last one")
    #expect(house.engine.blueprint.tenants.count == 103)
    #expect(try house.json("GET", "/v1/history?limit=1000") == history)
  }

  @Test func theOrderFollowsTheDirectory() {
    func record(_ id: String) -> TenantRecord { TenantRecord(id: id) }
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    for id in ["m", "a", "z", "aa"] { #expect(builder.add(record(id)) == .added) }
    var directory = builder.finish()
    var order = TenantOrder()
    func names(after: String? = nil) -> [String] {
      order.follow(directory)
      return order.page(after: after, limit: 100, in: directory) { _ in true }.names
    }
    #expect(names() == ["a", "aa", "m", "z"])
    var edit = TenantDirectoryBuilder(editing: directory)
    #expect(edit.remove("m") == true)
    for id in ["b", "zz", "A"] { #expect(edit.add(record(id)) == .added) }
    directory = edit.finish()
    #expect(names() == ["A", "a", "aa", "b", "z", "zz"])
    #expect(names(after: "ab") == ["b", "z", "zz"])
    #expect(order.page(after: nil, limit: 2, in: directory) { $0 != "a" }.names == ["A", "aa"])
  }
}
