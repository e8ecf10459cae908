import Primitives
import Tenancy
import Testing

@testable import Engine

/// What is decided for tenants that are out of the ordinary.
@Suite struct TenantStateTests {
  private func blueprint(_ condition: TenantCondition, home: Int?, region: UInt8 = 0) -> Blueprint {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    var record = TenantRecord(id: "acme")
    record.hosts = ["acme.example"]
    record.home = home
    record.condition = condition
    record.region = region
    #expect(builder.add(record) == .added)
    var blueprint = Blueprint(tenants: builder.finish())
    blueprint.regions = ["eu", "us", "cn"]
    let shards = [("one", false, "eu"), ("two", false, "us"), ("lab-1", true, "eu"), ("lab-2", true, "us")]
    for (name, isTest, region) in shards {
      var shard = Shard(name: name)
      shard.isTest = isTest
      shard.region = region
      shard.backends = [Backend(endpoint: .tcp(IPAddress(v4: 0x7F00_0001), port: 1), name: "\(name):1")]
      blueprint.shards.append(shard)
    }
    blueprint.unlistedShards = [0, 1]
    return blueprint
  }

  private func verdict(_ blueprint: Blueprint, _ method: String = "GET", upgrades: Bool = false) -> RequestVerdict {
    var question = RequestQuestion()
    question.method = method
    question.host = "acme.example"
    if upgrades { question.fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")] }
    return question.decide(with: blueprint)
  }

  @Test(
    arguments: [
      (.active, "GET", .none), (.active, "POST", .none), (.pastDue, "DELETE", .none),
      (.suspended, "GET", .tenantSuspended),
      (.maintenance, "GET", .tenantMaintenance), (.gone, "HEAD", .tenantGone), (.readOnly, "GET", .none),
      (.readOnly, "HEAD", .none), (.readOnly, "OPTIONS", .none), (.readOnly, "TRACE", .none),
      (.readOnly, "POST", .tenantReadOnly), (.readOnly, "PUT", .tenantReadOnly), (.readOnly, "PATCH", .tenantReadOnly),
      (.readOnly, "DELETE", .tenantReadOnly), (.readOnly, "PROPPATCH", .tenantReadOnly),
    ] as [(TenantState, String, RefusalCode)])
  func states(_ state: TenantState, _ method: String, _ code: RefusalCode) {
    #expect(verdict(blueprint(TenantCondition(state), home: 0), method).code == code)
  }

  @Test func aConnectionOnWhichMoreMayFollowIsNotOnlyRead() {
    #expect(verdict(blueprint(TenantCondition(.readOnly), home: 0), upgrades: true).code == .tenantReadOnly)
    #expect(verdict(blueprint(TenantCondition(), home: 0), upgrades: true).code == .none)
  }

  @Test func tenantsOfTestsNeverLeaveTheirShards() {
    let test = TenantCondition(isTest: true)
    for home in [2, 3] { #expect(verdict(blueprint(test, home: home)).shard == home) }
    for home in [0, 1] {
      let verdict = verdict(blueprint(test, home: home))
      #expect(verdict.code == .noTestShard && verdict.shard == nil)
    }
    let spread = verdict(blueprint(test, home: nil))
    #expect(spread.code == .none && [2, 3].contains(spread.shard))
    var none = blueprint(test, home: nil)
    none.shards.removeLast(2)
    #expect(verdict(none).code == .noTestShard)
    // An ordinary tenant without home is not spread over them.
    #expect([0, 1].contains(verdict(blueprint(TenantCondition(), home: nil)).shard))
    #expect(verdict(blueprint(TenantCondition(.suspended, isTest: true), home: nil)).code == .tenantSuspended)
  }

  @Test func tenantsNeverLeaveTheirRegion() {
    let (plain, test) = (TenantCondition(), TenantCondition(isTest: true))
    for (region, home) in [(1, 0), (2, 1)] as [(UInt8, Int)] {
      #expect(verdict(blueprint(plain, home: home, region: region)).shard == home)
      #expect(verdict(blueprint(plain, home: nil, region: region)).shard == home)
      #expect(verdict(blueprint(plain, home: 1 - home, region: region)).code == .regionPinned)
      // Nor do those of tests, for a shard for tests that is elsewhere.
      #expect(verdict(blueprint(test, home: nil, region: region)).shard == home + 2)
      #expect(verdict(blueprint(test, home: 3 - home, region: region)).code == .noTestShard)
    }
    #expect(verdict(blueprint(plain, home: nil, region: 3)).code == .regionPinned)
    #expect(verdict(blueprint(test, home: nil, region: 3)).code == .noTestShard)
    #expect(verdict(blueprint(TenantCondition(.gone), home: 1, region: 1)).code == .tenantGone)
  }

  @Test func everyCodeSaysWhatItIs() {
    for code in RefusalCode.allCases where code != .none {
      #expect("\(code.name)".utf8.count > 0 && code.status >= 400 && "\(code.reason)".utf8.count > 0)
    }
    #expect(RefusalCode.tenantGone.status == 410 && "\(RefusalCode.tenantGone.reason)" == "Gone")
    #expect(RefusalCode.tenantMaintenance.grpcStatus == 14 && RefusalCode.tenantGone.grpcStatus == 5)
  }
}
