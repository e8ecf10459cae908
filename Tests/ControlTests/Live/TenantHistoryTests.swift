import Configuration
import Foundation
import Tenancy
import Testing

@testable import Control

@Suite struct TenantHistoryTests {
  private func entry(_ n: UInt64, _ tenant: String = "t", before: [UInt8]? = nil, after: [UInt8]? = nil) -> HistoryEntry
  {
    HistoryEntry(
      n: n, time: Int64(n), actor: "a", action: "b", tenant: tenant, reason: n % 2 == 0 ? nil : "r", before: before,
      after: after)
  }

  @Test func entriesAreReadBackAndNothingElse() {
    let whole = entry(3, before: [1, 2], after: nil)
    #expect(HistoryEntry(bytes: whole.bytes[...]) == whole)
    for count in 0..<whole.bytes.count { #expect(HistoryEntry(bytes: whole.bytes.prefix(count)) == nil) }
    #expect(HistoryEntry(bytes: (whole.bytes + [0])[...]) == nil)
  }

  @Test func itIsBounded() {
    var history = TenantHistory()
    for n in 1...UInt64(TenantHistory.mostEntries + 1_000) { history.append(entry(n)) }
    #expect(history.count <= TenantHistory.mostEntries && history.count > TenantHistory.mostEntries - 300)
    #expect(history[history.first]?.n == history.first && history[history.last]?.n == history.last)
    #expect(history[history.first - 1] == nil && history[history.last + 1] == nil)
    #expect(history.states(after: history.first - 2) == nil)
    #expect(history.states(after: history.first - 1)?.count == 1)
    #expect(history.page(before: .max, limit: 3) { _ in true }.map(\.n) == (0...3).map { history.last - $0 })
    var heavy = TenantHistory()
    let large = [UInt8](repeating: 1, count: 1 << 20)
    for n in 1...600 { heavy.append(entry(UInt64(n), after: large)) }
    #expect(heavy.count <= 600 && heavy.last == 600 && heavy.first > 1)
  }

  @Test func whatWasThereBeforeIsFound() {
    var history = TenantHistory()
    history.append(entry(1, "a", before: nil, after: [1]))
    history.append(entry(2, "b", before: nil, after: [2]))
    history.append(entry(3, "a", before: [1], after: [3]))
    history.append(entry(4, "a", before: [3], after: nil))
    #expect(history.states(after: 4)?.isEmpty == true)
    #expect(history.states(after: 3) == ["a": [3]])
    #expect(history.states(after: 2) == ["a": [1]])
    #expect(history.states(after: 1) == ["a": [1], "b": nil])
    #expect(history.states(after: 0) == ["a": nil, "b": nil])
    #expect(history.states(after: 5) == nil)
    history.append(entry(2))
    #expect(history.last == 4)
  }

  @Test func tenantsAreReadBackAndNothingElse() {
    var settings = TenantSettings()
    settings.hosts = ["a.example", "*.b.example"]
    settings.home = "one"
    settings.epoch = .max
    settings.condition = TenantCondition(.pastDue, until: 77, isTest: true, expiry: 99)
    settings.overrides = [TenantOverride(name: "requests", lines: ["1/s", "2/s per client"])]
    var overlay = TenantOverlay()
    overlay.state = .gone
    (overlay.home, overlay.epoch) = ("two", 300)
    for tenant in [LiveTenant.whole(settings), .whole(TenantSettings()), .overlay(overlay), .overlay(TenantOverlay())] {
      #expect(LiveTenant(bytes: tenant.bytes) == tenant)
      for count in 0..<tenant.bytes.count { #expect(LiveTenant(bytes: Array(tenant.bytes.prefix(count))) == nil) }
      #expect(LiveTenant(bytes: tenant.bytes + [1]) == nil)
    }
  }

  @Test func anythingGoesBack() throws {
    let house = try TenantHouse()
    _ = try house.json(
      "PUT", "/v1/tenants/a", #"{"hosts":["a.example"],"home":"one","plan":"gold"}"#, reason: "signed up")
    _ = try house.json("PUT", "/v1/tenants/b", #"{"hosts":["b.example"]}"#)
    _ = try house.json("PATCH", "/v1/tenants/a", #"{"plan":"free","home":"two"}"#)
    _ = try house.json("PUT", "/v1/tenants/declared/state", #"{"state":"maintenance"}"#)
    _ = try house.call("DELETE", "/v1/tenants/b").get()
    let all = try house.json("GET", "/v1/history")
    #expect(all["items"].count == 5 && all["items"][4]["reason"] == "signed up" && all["items"][0]["n"] == 5)
    #expect(all["items"][2]["before"]["plan"] == "gold" && all["items"][2]["after"]["plan"] == "free")
    let page = try house.json("GET", "/v1/history?limit=2")
    #expect(page["next"] == "4")
    #expect(try house.json("GET", "/v1/history?limit=2&after=4")["items"][0]["n"] == 3)
    #expect(try house.json("GET", "/v1/tenants/a/history")["items"].count == 2)
    let would = try house.json("POST", "/v1/history/2:restore?dry-run=1", "{}")
    #expect(would["changes"].count == 3 && would["dry_run"] == true)
    #expect(house.verdict("b.example") == "tenant_unknown")
    // One tenant.
    _ = try house.json("POST", "/v1/history/2:restore", #"{"tenant":"a"}"#)
    let a = try house.json("GET", "/v1/tenants/a")
    #expect(a["plan"] == "gold" && a["home"] == "one" && a["epoch"] == 2)
    #expect(house.verdict("declared.example") == "tenant_maintenance")
    // All of them.
    #expect(try house.json("POST", "/v1/history/2:restore", "{}")["changes"].count == 2)
    #expect(house.verdict("b.example").hasPrefix("b "))
    #expect(house.verdict("declared.example") == "declared one")
    #expect(try house.json("POST", "/v1/history/2:restore")["changes"].count == 0)
    // What was not there goes.
    _ = try house.json("POST", "/v1/history/0:restore", #"{"tenant":"b"}"#)
    #expect(house.verdict("b.example") == "tenant_unknown")
    #expect(house.refusal("POST", "/v1/history/99:restore", "{}") == "404 history_unknown")
    #expect(house.refusal("POST", "/v1/history/2:restore", #"{"tenant":"nobody"}"#) == "404 tenant_unknown")
  }

  @Test(arguments: [
    (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
    (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
    (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
    (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
    (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
    (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
    (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
  ])
  func mergePatchesOfTheStandard(_ target: String, _ patch: String, _ result: String) throws {
    func value(_ text: String) throws -> JSONValue { try AdminJSON.read(JSONValue.self, Array(text.utf8)) }
    #expect(try value(target).merged(with: value(patch)) == value(result))
  }
}
