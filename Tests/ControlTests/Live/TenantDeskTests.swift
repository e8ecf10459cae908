import Foundation
import Tenancy
import Testing

@testable import Control

/// The rules of changing tenants while the process runs.
@Suite struct TenantDeskTests {
  @Test func aTenantIsMadeChangedAndTakenAway() throws {
    let house = try TenantHouse()
    #expect(house.verdict("a.example") == "tenant_unknown")
    let made = try house.call(
      "PUT", "/v1/tenants/a", #"{"hosts":["A.example","*.a.example"],"plan":"gold","home":"two"}"#
    ).get()
    #expect(made.status == 201)
    #expect(house.verdict("x.a.example") == "a two")
    let tenant = try house.json("GET", "/v1/tenants/a")
    #expect(tenant["hosts"][0] == "a.example" && tenant["source"] == "store" && tenant["epoch"] == 0)
    let changed = try house.json("PATCH", "/v1/tenants/a", #"{"plan":"free","overrides":{"requests":"9/s burst 9"}}"#)
    #expect(changed["plan"] == "free" && changed["home"] == "two" && changed["overrides"]["requests"] == "9/s burst 9")
    let index = house.engine.blueprint.tenants.tenant("a")
    #expect(house.engine.blueprint.tenants.limits(of: index).pointee.requests.rate.count == 9)
    let bare = try house.json("PATCH", "/v1/tenants/a", #"{"plan":null,"overrides":{"requests":null}}"#)
    #expect(bare["plan"] == .null && bare["overrides"] == .object([:]))
    #expect(try house.call("DELETE", "/v1/tenants/a").get().status == 204)
    #expect(house.verdict("a.example") == "tenant_unknown")
    #expect(house.refusal("DELETE", "/v1/tenants/a") == "404 tenant_unknown")
    #expect(house.refusal("PATCH", "/v1/tenants/a", "{}") == "404 tenant_unknown")
  }

  @Test func whatIsAskedAgainChangesNothing() throws {
    let house = try TenantHouse()
    let body = #"{"hosts":["a.example"],"home":"two","overrides":{"requests":["9/s","1/s per client"]}}"#
    _ = try house.json("PUT", "/v1/tenants/a", body)
    let generation = house.engine.blueprint.generation
    let again = try house.call("PUT", "/v1/tenants/a", body).get()
    #expect(again.status == 200 && again.change == nil)
    // What was read may be written back.
    let read = String(decoding: try house.call("GET", "/v1/tenants/a").get().body, as: UTF8.self)
    #expect(try house.call("PUT", "/v1/tenants/a", read).get().change == nil)
    #expect(house.engine.blueprint.generation == generation)
    #expect(try house.json("GET", "/v1/history")["items"].count == 1)
  }

  @Test func onlyTheVersionThatIsMeant() throws {
    let house = try TenantHouse()
    #expect(house.refusal("PUT", "/v1/tenants/a", "{}", ifMatch: "*") == "412 precondition_failed")
    let made = try house.call("PUT", "/v1/tenants/a", "{}").get()
    let tag = try #require(made.etag)
    #expect(try house.call("GET", "/v1/tenants/a").get().etag == tag)
    #expect(tag.hasPrefix("\"") && tag.utf8.count == 34)
    let next = try house.call("PATCH", "/v1/tenants/a", #"{"plan":"gold"}"#, ifMatch: "\"x\" , \(tag)").get().etag
    #expect(next != tag)
    for (method, body) in [("PUT", "{}"), ("PATCH", "{}"), ("DELETE", "")] {
      #expect(house.refusal(method, "/v1/tenants/a", body, ifMatch: tag) == "412 precondition_failed")
    }
    #expect(try house.call("DELETE", "/v1/tenants/a", ifMatch: "*").get().status == 204)
  }

  @Test func aDryRunTellsWhatWouldBe() throws {
    let house = try TenantHouse()
    let would = try house.json("PUT", "/v1/tenants/a?dry-run=1", #"{"hosts":["a.example"]}"#)
    #expect(would["hosts"][0] == "a.example")
    #expect(house.verdict("a.example") == "tenant_unknown")
    #expect(house.refusal("PUT", "/v1/tenants/a?dry-run=1", #"{"plan":"x"}"#) == "422 tenant_invalid")
    _ = try house.json("PUT", "/v1/tenants/a", #"{"hosts":["a.example"]}"#)
    #expect(try house.call("DELETE", "/v1/tenants/a?dry-run=1").get().status == 204)
    #expect(house.verdict("a.example") == "a one" || house.verdict("a.example") == "a two")
  }

  @Test(arguments: [
    (#"{"plan":"gld"}"#, "422 tenant_invalid", "there is no plan 'gld'; did you mean 'gold'?"),
    (#"{"home":"three"}"#, "422 tenant_invalid", "there is no shard 'three'"),
    (#"{"hosts":["a b"]}"#, "422 tenant_invalid", "is not a host"),
    (#"{"hosts":["x.example","x.example"]}"#, "422 tenant_invalid", "stands twice"),
    (#"{"hosts":["declared.example"]}"#, "409 host_taken", "Host 'declared.example' is claimed by tenant 'declared'."),
    (
      #"{"overrides":{"requests":"50"}}"#, "422 tenant_invalid",
      "in 'requests 50': '50' has no unit; did you mean '50/s'?"
    ),
    (#"{"overrides":{"reqests":"50/s"}}"#, "422 tenant_invalid", "did you mean 'requests'?"),
    (#"{"overrides":{"home":"two"}}"#, "422 tenant_invalid", "'home' is no override"),
    (#"{"state":"asleep"}"#, "422 tenant_invalid", "'asleep' is not one of active, suspended, read_only"),
    (#"{"state":"suspended","until":"soon"}"#, "422 tenant_invalid", "'soon' is no time"),
    (#"{"state":"gone","until":"2999-01-01T00:00:00Z"}"#, "422 tenant_invalid", "'gone' is for good"),
    (#"{"test":true,"home":"one"}"#, "422 tenant_invalid", "is not for tests"),
    (#"{"expires":"2999-01-01T00:00:00Z"}"#, "400 bad_request", "Only a tenant with 'test' true has 'expires'."),
    (#"{"hosts":"x"}"#, "400 bad_request", "'hosts' is a list of texts."),
    (#"{"host":["x"]}"#, "400 bad_request", "A tenant has no member 'host'; did you mean 'hosts'?"),
    (#"{"id":"b"}"#, "400 bad_request", "The id is 'b', and the path says 'a'."),
    (#"{"epoch":-1}"#, "400 bad_request", "'epoch' is a whole number from 0 on."),
    (#"{"epoch":1.5}"#, "400 bad_request", "'epoch' is a whole number from 0 on."),
    (#"[]"#, "400 bad_request", "A tenant is an object."),
    (#"{"#, "400 bad_request", "The body is not JSON."),
  ])
  func whatIsWrongIsSaid(_ body: String, _ refusal: String, _ detail: String) throws {
    let house = try TenantHouse()
    guard case .failure(let problem) = house.call("PUT", "/v1/tenants/a", body) else {
      Issue.record("taken: \(body)")
      return
    }
    #expect("\(problem.status) \(problem.code)" == refusal)
    #expect(problem.detail.contains(detail), "\(problem.detail)")
    #expect(try house.json("GET", "/v1/history")["items"].count == 0)
  }

  @Test func epochsOnlyGrow() throws {
    let house = try TenantHouse()
    _ = try house.json("PUT", "/v1/tenants/a", #"{"home":"one","epoch":5}"#)
    #expect(house.refusal("PUT", "/v1/tenants/a", #"{"home":"one","epoch":4}"#) == "409 epoch_lower")
    #expect(house.refusal("PUT", "/v1/tenants/a", #"{"home":"two","epoch":5}"#) == "409 epoch_lower")
    #expect(try house.json("PUT", "/v1/tenants/a", #"{"home":"two"}"#)["epoch"] == 6)
    #expect(try house.json("PUT", "/v1/tenants/a", #"{"home":"two","plan":"gold"}"#)["epoch"] == 6)
    #expect(try house.json("PATCH", "/v1/tenants/a", #"{"home":"one"}"#)["epoch"] == 7)
    #expect(try house.json("PATCH", "/v1/tenants/a", #"{"home":"two","epoch":20}"#)["epoch"] == 20)
  }

  @Test func declaredTenantsHaveOnlyTheirStateSet() throws {
    let house = try TenantHouse()
    for id in ["declared", "listed"] {
      for (method, body) in [("PUT", "{}"), ("PATCH", "{}"), ("DELETE", "")] {
        #expect(house.refusal(method, "/v1/tenants/\(id)", body) == "409 tenant_read_only")
      }
      let set = try house.json("PUT", "/v1/tenants/\(id)/state", #"{"state":"suspended"}"#)
      #expect(set["state"] == "suspended")
      #expect(house.verdict("\(id).example") == "tenant_suspended")
      _ = try house.json("PUT", "/v1/tenants/\(id)/state", #"{"state":"active"}"#)
      #expect(house.verdict("\(id).example") == "\(id) one")
    }
    let declared = try house.json("GET", "/v1/tenants/declared")
    #expect(declared["source"].words.hasSuffix("/proxy.conf:20"))
    #expect(declared["overrides"]["requests"] == .list([.text("50/s burst 100"), .text("5/s burst 10 per client")]))
    #expect(try house.json("GET", "/v1/tenants/listed")["overrides"]["concurrency"] == "7")
  }

  @Test func whoMaySetAStateForATimeOnly() throws {
    let house = try TenantHouse()
    let support = AdminCaller(actor: "s", role: .support, tenants: nil, from: "unix")
    let path = "/v1/tenants/declared/state"
    #expect(house.refusal("PUT", path, #"{"state":"suspended"}"#, by: support) == "403 forbidden")
    let until = #"{"state":"read_only","until":"2999-01-01T00:00:00Z"}"#
    #expect(try house.json("PUT", path, until, by: support)["until"] == "2999-01-01T00:00:00.000Z")
    #expect(house.verdict("declared.example", "POST") == "tenant_read_only")
    #expect(try house.json("PUT", path, #"{"state":"active"}"#, by: support)["until"] == .null)
  }

  @Test func anImportIsAllOrNothing() throws {
    let house = try TenantHouse()
    let body = """
      {"tenants":[{"id":"a","hosts":["a.example"]},{"id":"b","hosts":["a.example"]},{"id":"c","plan":"x"},
      {"id":"declared"},{"id":"d"},{"id":"d"},{"hosts":[]},{"id":"e","hosts":["listed.example"]}]}
      """
    guard case .failure(let problem) = house.call("POST", "/v1/tenants:import", body) else {
      Issue.record("taken")
      return
    }
    #expect(problem.status == 422 && problem.code == "tenants_refused")
    let errors = Dictionary(
      (problem.errors ?? []).map { ($0.tenant, $0.code) }, uniquingKeysWith: { first, _ in first })
    #expect(
      errors == [
        "b": "host_taken", "c": "tenant_invalid", "declared": "tenant_read_only", "d": "bad_request",
        "#7": "bad_request", "e": "host_taken",
      ])
    #expect(try house.json("GET", "/v1/tenants")["items"].count == 2)
    #expect(house.verdict("a.example") == "tenant_unknown")
    let good = #"{"tenants":[{"id":"a","hosts":["a.example"]},{"id":"b","plan":"gold"}]}"#
    #expect(try house.json("POST", "/v1/tenants:import?dry-run=1", good)["created"] == 2)
    #expect(try house.json("GET", "/v1/tenants")["items"].count == 2)
    #expect(try house.json("POST", "/v1/tenants:import", good)["created"] == 2)
    let again = try house.json("POST", "/v1/tenants:import", #"{"tenants":[{"id":"a"},{"id":"b","plan":"gold"}]}"#)
    #expect(again["changed"] == 1 && again["unchanged"] == 1 && again["created"] == 0)
    // What is exported is what an import takes.
    let exported = String(decoding: try house.call("GET", "/v1/tenants:export").get().body, as: UTF8.self)
    #expect(try house.json("POST", "/v1/tenants:import", exported)["unchanged"] == 2)
  }

  @Test func pagesGoByName() throws {
    let house = try TenantHouse()
    let list = (0..<25).map { #"{"id":"t\#($0)"}"# }.joined(separator: ",")
    _ = try house.json("POST", "/v1/tenants:import", #"{"tenants":[\#(list)]}"#)
    var names: [String] = []
    var after = ""
    repeat {
      let page = try house.json("GET", "/v1/tenants?limit=7\(after.isEmpty ? "" : "&after=\(after)")")
      for place in 0..<page["items"].count { names.append(page["items"][place]["id"].words) }
      after = page["next"].words
      // A tenant that goes meanwhile does not disturb.
      if after == "t13" { _ = try house.call("DELETE", "/v1/tenants/t13").get() }
    } while !after.isEmpty
    #expect(names == ((0..<25).map { "t\($0)" } + ["declared", "listed"]).sorted())
    let few = AdminCaller(actor: "x", role: .viewer, tenants: ["t3", "listed"], from: "unix")
    let seen = try house.json("GET", "/v1/tenants?limit=1", by: few)
    #expect(seen["items"][0]["id"] == "listed" && seen["next"] == "listed")
    for limit in ["0", "1001", "x"] { #expect(house.refusal("GET", "/v1/tenants?limit=\(limit)") == "400 bad_request") }
  }

  @Test func withoutAStoreOrAState() throws {
    let bare = try TenantHouse(TenantHouse.least)
    #expect(bare.refusal("PUT", "/v1/tenants/a", "{}") == "409 no_store")
    #expect(try bare.json("PUT", "/v1/tenants/declared/state", #"{"state":"suspended"}"#)["state"] == "suspended")
    let forgetful = try TenantHouse(TenantHouse.least.replacing("state state\n", with: ""))
    #expect(forgetful.refusal("PUT", "/v1/tenants/declared/state", #"{"state":"suspended"}"#) == "409 no_state")
    #expect(forgetful.verdict("declared.example") == "declared one")
  }
}
