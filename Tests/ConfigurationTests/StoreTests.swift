import ConfigLanguage
import Engine
import Tenancy
import Testing

@testable import Configuration

/// Tenants beside the configuration, merged with it.
@Suite struct StoreTests {
  private static let text =
    leastText + """
      shard t {
        backend 127.0.0.1:9002
      }
      shard lab {
        test
        backend 127.0.0.1:9003
      }
      plan gold {
        requests 600/m burst 50
      }
      state /tmp
      tenants store
      tenant acme {
        host acme.example
        home s
        epoch 7
      }
      tenants table t.tbl

      """
  private static let table = "initech plan=gold home=t epoch=3 host=initech.example\n"

  private func additions(
    _ tenants: [(String, TenantSettings)] = [], overlays: [String: TenantOverlay] = [:], now: Int64 = 1_000
  ) -> TenantAdditions {
    var additions = TenantAdditions(now: now)
    additions.overlays = overlays
    additions.forEachTenant = { body in for (id, settings) in tenants { body(id, settings) } }
    return additions
  }

  private func settings(_ hosts: String..., plan: String? = nil, home: String? = nil) -> TenantSettings {
    var settings = TenantSettings()
    settings.hosts = hosts
    settings.plan = plan
    settings.home = home
    return settings
  }

  private func outcome(_ additions: TenantAdditions, previous: Blueprint? = nil) throws -> LoadOutcome {
    try ConfigurationTests.outcome(
      of: Self.text, files: ["t.tbl": Self.table], previous: previous, additions: { _ in additions })
  }

  private func loaded(_ additions: TenantAdditions, previous: Blueprint? = nil) throws -> LoadedConfiguration {
    switch try outcome(additions, previous: previous) {
    case .loaded(let loaded): return loaded
    case .refused(let report):
      Issue.record("refused:\n\(report.text)")
      throw Refused()
    }
  }

  private func complaints(_ additions: TenantAdditions) throws -> [String] {
    switch try outcome(additions) {
    case .loaded: []
    case .refused(let report): report.diagnostics.map(\.message)
    }
  }

  @Test func tenantsOfTheStoreAreServed() throws {
    var globex = settings("globex.example", plan: "gold", home: "t")
    globex.overrides = [
      TenantOverride(name: "requests", lines: ["5/s burst 9", "1/s per client"]),
      TenantOverride(name: "concurrency", lines: ["3"]),
    ]
    globex.condition = TenantCondition(.readOnly, until: 5_000)
    let loaded = try loaded(additions([("globex", globex), ("hooli", settings())]))
    let tenants = loaded.blueprint.tenants
    let index = try loaded.tenant("globex")
    #expect(tenants.limits(of: index).pointee.requests.rate.count == 5)
    #expect(tenants.limits(of: index).pointee.concurrency == 3)
    let policy = loaded.blueprint.policies[Int(tenants.limits(of: index).pointee.policy)]
    #expect(policy.requests.contains { $0.scope == .client })
    #expect(tenants.condition(of: index) == TenantCondition(.readOnly, until: 5_000))
    #expect(loaded.source(of: index) == "store")
    #expect(tenants.count == 4)
    #expect(loaded.reader.policies.count == loaded.blueprint.policies.count)
  }

  @Test func aStateWhoseTimeHasComeIsOver() throws {
    var globex = settings()
    globex.condition = TenantCondition(.maintenance, until: 5_000)
    var overlay = TenantOverlay()
    (overlay.state, overlay.until) = (.suspended, 900)
    let loaded = try loaded(additions([("globex", globex)], overlays: ["acme": overlay], now: 5_000))
    #expect(loaded.blueprint.tenants.state(of: try loaded.tenant("globex")) == .active)
    #expect(loaded.blueprint.tenants.state(of: try loaded.tenant("acme")) == .active)
  }

  @Test func clashesNameBothSides() throws {
    let found = try complaints(
      additions([
        ("acme", settings()), ("initech", settings()), ("x", settings("initech.example")),
        ("y", settings(plan: "gld")), ("z", settings(home: "u")),
      ])
    ).map { $0.replacing(#/\/[^ ]*\//#, with: "") }
    #expect(
      found == [
        "tenant 'acme' is declared at proxy.conf:17, and there is one of that name in the store",
        "tenant 'initech' is declared at t.tbl:1, and there is one of that name in the store",
        "tenant 'x' of the store has a host that is claimed at t.tbl:1: initech.example",
        "tenant 'y' of the store: in 'plan gld': there is no plan 'gld'; did you mean 'gold'?",
        "tenant 'z' of the store: in 'home u': there is no shard 'u'",
      ])
  }

  @Test(
    arguments: [
      (6, "s", 7), (7, "t", 7), (8, "t", 8),
    ] as [(UInt64, String, UInt64)])
  func ofTwoPlacementsTheHigherEpochHolds(_ epoch: UInt64, _ home: String, _ holds: UInt64) throws {
    var overlay = TenantOverlay()
    (overlay.home, overlay.epoch) = ("t", epoch)
    let loaded = try loaded(additions(overlays: ["acme": overlay]))
    let index = try loaded.tenant("acme")
    #expect(loaded.blueprint.shards[Int(loaded.blueprint.tenants.home(of: index))].name == home)
    #expect(loaded.blueprint.tenants.epoch(of: index) == holds)
    #expect(loaded.declared["acme"] == DeclaredTenant(home: "s", epoch: 7, condition: TenantCondition()))
    let seen = try #require(loaded.settings(ofDeclared: "acme", with: overlay))
    #expect(seen.home == home && seen.epoch == holds)
  }

  @Test func aTableTakesItsOverlaysToo() throws {
    var overlay = TenantOverlay()
    (overlay.home, overlay.epoch, overlay.state) = ("s", 9, .pastDue)
    let loaded = try loaded(additions(overlays: ["initech": overlay]))
    let index = try loaded.tenant("initech")
    #expect(loaded.blueprint.tenants.home(of: index) == 0 && loaded.blueprint.tenants.epoch(of: index) == 9)
    #expect(loaded.blueprint.tenants.limits(of: index).pointee.scheduling.criticality == .sheddable)
    let explanation = try #require(TenantExplanation(of: "initech", in: loaded, overlay: overlay))
    let sources = Dictionary(uniqueKeysWithValues: explanation.values.map { ($0.name, $0.source) })
    #expect(sources["home"] == "store" && sources["state"] == "store")
    #expect(sources["criticality"] == "state past-due, store")
    // The table may go on saying what it said: a reload is no step back.
    _ = try self.loaded(additions(overlays: ["initech": overlay]), previous: loaded.blueprint)
  }

  @Test func aTenantMovedToAShardThatIsGoneIsSaid() throws {
    var overlay = TenantOverlay()
    (overlay.home, overlay.epoch) = ("old", 9)
    #expect(
      try complaints(additions(overlays: ["acme": overlay]))
        == ["tenant 'acme' was moved to shard 'old', which is not there any more"])
  }

  @Test func wordsOfTheStoreAreNoText() throws {
    var loaded = try loaded(additions())
    var strange = settings("a.example }\ntenant b {", plan: "gold\n}")
    strange.overrides = [
      TenantOverride(name: "include", lines: ["/etc/passwd"]), TenantOverride(name: "home", lines: ["t"]),
      TenantOverride(name: "requests", lines: ["5/s {", "${HOME}"]),
    ]
    guard case .bad(let sentences) = loaded.reader.check("x", strange) else {
      Issue.record("taken")
      return
    }
    #expect(sentences.count >= 5)
    for bad in ["", "a b", String(repeating: "x", count: 65), "a/b", "{"] {
      guard case .bad = loaded.reader.check(bad, settings()) else {
        Issue.record("'\(bad)' is taken as a name")
        continue
      }
    }
  }

  @Test func aTenantOfTestsLivesAmongItsKind() throws {
    var loaded = try loaded(additions())
    var test = settings("t.example", home: "lab")
    test.condition = TenantCondition(isTest: true)
    guard case .good = loaded.reader.check("t", test) else {
      Issue.record("refused")
      return
    }
    test.home = "s"
    guard case .bad(let sentences) = loaded.reader.check("t", test) else {
      Issue.record("taken")
      return
    }
    #expect(sentences.map { $0.hasSuffix("tenant 't' is one of tests, and its home 's' is not for tests") } == [true])
    #expect(loaded.blueprint.unlistedShards == [0, 1])
  }
}

/// States and tenants of tests as the language says them.
@Suite struct StateWordsTests {
  @Test(arguments: TenantState.allCases)
  func everyStateHasAWord(_ state: TenantState) throws {
    let loaded = try load(
      leastText + "tenants table t.tbl\ntenant a {\n  state \(state.word)\n}\n",
      files: ["t.tbl": "b state=\(state.word)\n"])
    for id in ["a", "b"] { #expect(loaded.blueprint.tenants.state(of: try loaded.tenant(id)) == state) }
    #expect(TenantState(word: state.word) == state)
    let explanation = try #require(TenantExplanation(of: "a", in: loaded))
    #expect(explanation.values.contains { $0.name == "state" && $0.value == state.word })
  }

  @Test func untilAndTests() throws {
    let text = """
      shard lab {
        test
        backend 127.0.0.1:9002
      }
      tenants table t.tbl
      tenant a {
        state maintenance until 2999-01-01T00:00:00Z
      }
      tenant b {
        state maintenance until 2001-01-01T00:00:00Z
      }
      tenant c {
        test until 2999-01-01T00:00:00Z
        home lab
      }
      tenant d {
        test until 2001-01-01T00:00:00Z
      }

      """
    let loaded = try load(leastText + text, files: ["t.tbl": "e test=yes\nf test=2001-01-01T00:00:00Z\n"])
    let found = try ["a", "b", "c", "d", "e", "f"].map { id in
      loaded.blueprint.tenants.condition(of: try loaded.tenant(id))
    }
    let far: Int64 = 32_472_144_000_000
    let near: Int64 = 978_307_200_000
    #expect(
      found == [
        TenantCondition(.maintenance, until: far), TenantCondition(), TenantCondition(isTest: true, expiry: far),
        TenantCondition(.gone, isTest: true, expiry: near), TenantCondition(isTest: true),
        TenantCondition(.gone, isTest: true, expiry: near),
      ])
  }

  @Test(arguments: [
    (
      "tenant a {\n  state asleep\n}\n",
      "'asleep' is not one of active, suspended, read-only, maintenance, past-due, gone"
    ),
    ("tenant a {\n  state maintenance until tomorrow\n}\n", "'tomorrow' is no time"),
    ("tenant a {\n  state gone until 2999-01-01T00:00:00Z\n}\n", "'gone' is for good, without 'until'"),
    ("tenant a {\n  test\n  home s\n}\n", "tenant 'a' is one of tests, and its home 's' is not for tests"),
    ("tenants store\n", "'tenants store' needs a place to keep them"),
    (
      "shard l {\n  test\n  backend 127.0.0.1:1\n  standby s\n}\n",
      "one of 's' and 'l' is for tests and the other is not"
    ),
    ("shard l {\n  test\n  backend 127.0.0.1:1\n}\nplacement {\n  unlisted hash s l\n}\n", "'l' is for tests"),
  ])
  func whatIsWrong(_ text: String, _ message: String) throws {
    #expect(try errors(leastText + text).map { $0.drop { $0 != " " }.dropFirst() } == [Substring(message)])
  }

  @Test func aTableSaysWhatIsWrong() throws {
    let found = try errors(
      leastText + "tenants table t.tbl\n", files: ["t.tbl": "a state=paused\nb test=perhaps\nc test=yes home=s\n"])
    #expect(
      found.map { $0.drop { $0 != " " }.dropFirst() } == [
        "tenant 'c' is one of tests, and its home 's' is not for tests",
        "a state is one of active, suspended, read-only, maintenance, past-due, gone",
        "'test' is 'yes', or when the tenant is gone: '2026-12-01T08:00:00Z'",
      ])
  }
}
