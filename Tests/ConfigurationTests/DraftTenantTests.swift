import Configuration
import Engine
import Primitives
import Tenancy
import Testing

@Suite struct DraftTenantTests {
  private static let text =
    leastText + """
      shard t {
        backend 127.0.0.1:9002
      }
      plan gold {
        requests 600/m burst 50
        concurrency 20
      }
      plan free {
        concurrency 3
      }
      defaults tenant {
        plan free
        home t
      }
      tenant acme {
        host app.acme.example *.ACME.example.
        host other.example
        plan gold
        home s
        requests 50/s
        epoch 7
        state suspended
      }
      tenant globex {
        concurrency 9
      }
      tenants table t.tbl

      """

  private static let table = """
    # id, then what holds
    initech plan=gold home=t epoch=3 host=initech.example,*.initech.example state=suspended
    hooli requests=5/s+9
    """

  @Test func blocks() throws {
    let loaded = try load(DraftTenantTests.text, files: ["t.tbl": DraftTenantTests.table])
    let tenants = loaded.blueprint.tenants
    let acme = try loaded.tenant("acme")
    #expect(tenants.hosts(of: acme) == ["app.acme.example", "*.acme.example", "other.example"])
    #expect(loaded.blueprint.planNames[Int(tenants.plan(of: acme))] == "gold")
    #expect(tenants.home(of: acme) == 0)
    #expect(tenants.epoch(of: acme) == 7)
    #expect(tenants.state(of: acme) == .suspended)
    #expect(tenants.limits(of: acme).pointee.requests.rate == RequestRate(count: 50, period: .second, burst: 50))
    #expect(tenants.limits(of: acme).pointee.concurrency == 20)
    let globex = try loaded.tenant("globex")
    #expect(loaded.blueprint.planNames[Int(tenants.plan(of: globex))] == "free")
    #expect(tenants.home(of: globex) == 1)
    #expect(tenants.limits(of: globex).pointee.requests.isUnlimited)
    #expect(tenants.limits(of: globex).pointee.concurrency == 9)
  }

  @Test func tables() throws {
    let loaded = try load(DraftTenantTests.text, files: ["t.tbl": DraftTenantTests.table])
    let tenants = loaded.blueprint.tenants
    #expect(tenants.count == 4)
    let initech = try loaded.tenant("initech")
    #expect(tenants.hosts(of: initech) == ["initech.example", "*.initech.example"])
    #expect(
      tenants.limits(of: initech).pointee.requests.rate == RequestRate(count: 600, period: 60 * .second, burst: 50))
    #expect(tenants.home(of: initech) == 1)
    #expect(tenants.epoch(of: initech) == 3)
    #expect(tenants.state(of: initech) == .suspended)
    let hooli = try loaded.tenant("hooli")
    #expect(tenants.limits(of: hooli).pointee.requests.rate.burst == 9)
    #expect(loaded.blueprint.planNames[Int(tenants.plan(of: hooli))] == "free")
    #expect(tenants.home(of: hooli) == 1)
    #expect(tenants.limits(of: hooli).pointee.concurrency == 3)
    #expect(tenants.inherited(by: hooli) == [.plan, .home] && tenants.inherited(by: initech) == [])
    #expect(loaded.process.files.last?.hasSuffix("/t.tbl") == true)
  }

  @Test func defaultsOfLimitsReachTables() throws {
    let text =
      leastText + """
        plan gold {
          requests 500/s
          concurrency 20
        }
        defaults tenant {
          requests 7/s burst 9
          concurrency 4
        }
        tenant block {
          plan gold
        }
        tenants table t.tbl

        """
    let loaded = try load(text, files: ["t.tbl": "line plan=gold\nown plan=gold requests=1/s concurrency=2\n"])
    let tenants = loaded.blueprint.tenants
    for id in ["block", "line"] {
      let limits = tenants.limits(of: try loaded.tenant(id)).pointee
      #expect(limits.requests.rate == RequestRate(count: 7, period: .second, burst: 9) && limits.concurrency == 4)
    }
    let own = tenants.limits(of: try loaded.tenant("own")).pointee
    #expect(own.requests.rate.count == 1 && own.concurrency == 2)
  }

  @Test func indicesOutliveAReload() throws {
    let first = try load(leastText + "tenant a {\n}\ntenant b {\n}\ntenant c {\n}\n")
    let second = try load(leastText + "tenant d {\n}\ntenant c {\n}\ntenant a {\n}\n", previous: first.blueprint)
    #expect(second.blueprint.generation == 2)
    #expect(try second.tenant("a") == first.tenant("a"))
    #expect(try second.tenant("c") == first.tenant("c"))
    let fresh = try second.tenant("d")
    #expect(try ["a", "b", "c"].allSatisfy { try first.tenant($0) != fresh })
  }

  @Test func epochsNeverGoDown() throws {
    let first = try load(
      leastText + "tenant a {\n  epoch 5\n}\ntenants table t.tbl\n", files: ["t.tbl": "b epoch=9\n"])
    let found = try errors(
      leastText + "tenant a {\n  epoch 4\n}\ntenants table t.tbl\n", files: ["t.tbl": "b epoch=8\n"],
      previous: first.blueprint)
    #expect(
      found == [
        "6:9 epoch 4 of tenant 'a' is lower than 5, which is in use",
        "1:9 epoch 8 of tenant 'b' is lower than 9, which is in use",
      ])
    #expect(try errors(leastText + "tenant a {\n}\n", previous: first.blueprint).count == 1)
  }

  @Test func manyErrorsOfATableAreCounted() throws {
    let lines = (0..<50).map { "tenant-\($0) plan=none\n" }.joined()
    guard
      case .refused(let report) = try outcome(of: leastText + "drain 5\ntenants table t.tbl\n", files: ["t.tbl": lines])
    else {
      Issue.record("accepted")
      return
    }
    #expect(report.errorCount == 51)
    #expect(report.diagnostics.count == 20)
    #expect(report.diagnostics[0].message == "'5' has no unit")
    #expect(report.diagnostics[19].line == 19)
    #expect(report.text.hasSuffix("51 errors, the first 20 of them shown\n"))
  }
}
