import Balancing
import Configuration
import Engine
import Primitives
import Testing

/// What is said of requests that fail takes effect.
@Suite struct ResilienceDraftTests {
  private func shard(_ lines: String, others: String = "") throws -> Shard {
    let text = "listen 127.0.0.1:0\nshard s {\n  backend 127.0.0.1:1\n\(lines)\n}\n\(others)"
    return try load(text).blueprint.shards[0]
  }

  private let others = "shard x {\n  backend 127.0.0.1:2\n}\nshard y {\n  backend 127.0.0.1:3\n}\n"

  @Test func nothingIsLookedAtUnlessItIsSaid() throws {
    let shard = try shard("")
    #expect(shard.retry == nil && shard.outlier == nil && shard.breaker == nil && shard.standbys.isEmpty)
    #expect(!shard.isWatched)
    #expect(shard.health == nil)
  }

  @Test func retries() throws {
    #expect(try shard("retry").retry == RetryRules(percent: 20, floor: 32, attempts: 2))
    #expect(try shard("retry attempts 3").retry == RetryRules(percent: 20, floor: 32, attempts: 3))
    #expect(
      try shard("retry budget 5% floor 60/m attempts 1").retry == RetryRules(percent: 5, floor: 10, attempts: 1))
    #expect(try shard("retry floor 0/s").retry?.floor == 0)
    #expect(try shard("retry").isWatched)
  }

  @Test func outliers() throws {
    let said = try shard("outlier 7 failures from 2 tenants eject 5s at-most 25%").outlier
    #expect(said?.failures == 7 && said?.tenants == 2 && said?.ejection == 5 * .second && said?.mostPercent == 25)
    #expect(try shard("outlier 5 failures from 3 tenants").outlier == OutlierRules())
  }

  @Test func breakers() throws {
    #expect(try shard("breaker per-tenant 50% of 20").breaker == BreakerRules())
    let said = try shard("breaker per-tenant 80% of 64 for 3s").breaker
    #expect(said?.percent == 80 && said?.requests == 64 && said?.duration == 3 * .second)
  }

  @Test func standbys() throws {
    let said = try shard("standby y x back-after 3s", others: others)
    #expect(said.standbys == [2, 1] && said.standbyDelay == 3 * .second)
    #expect(said.health?.question == .tcp, "its backends' return must be noticed")
    let checked = try shard("standby x\nhealth GET /up", others: others)
    #expect(checked.health?.question == .http(method: "GET", path: "/up"))
    #expect(checked.standbyDelay == 10 * .second)
  }

  @Test func noStandbyIsInAnotherRegion() throws {
    let far = "shard x {\n  region us\n  backend 127.0.0.1:2\n}\nshard y {\n  region eu\n  backend 127.0.0.1:3\n}\n"
    let text = "listen 127.0.0.1:0\nshard s {\n  region eu\n  backend 127.0.0.1:1\n  standby x y\n}\n\(far)"
    let loaded = try load(text)
    #expect(loaded.blueprint.shards[0].standbys == [2])
    #expect(loaded.warnings.text.contains("region 'us'"))
    #expect(try shard("standby x y", others: far).standbys == [1, 2], "a shard without region may have any")
  }

  @Test func defaultsMayNameAStandbyForAll() throws {
    let text = "listen 127.0.0.1:0\ndefaults shard {\n  standby y\n}\n\(others)"
    let shards = try load(text).blueprint.shards
    #expect(shards.map(\.standbys) == [[1], []])
  }

  @Test func plansMayHaveTimeoutsOfTheirOwn() throws {
    func timeouts(_ lines: String, others: String = "") throws -> TimeoutRules {
      try load("plan p {\n\(lines)\n}\n\(others)" + leastText).blueprint.planTimeouts[0]
    }
    #expect(try timeouts("") == TimeoutRules())
    let said = try timeouts("timeout response 5s\ntimeout idle 10m").timeouts
    #expect(said[.connect] == nil && said[.response] == 5 * .second && said[.idle] == 600 * .second)
    let inherited = try timeouts(
      "timeout response 5s", others: "defaults plan {\n  timeout response 1s\n  timeout connect 2s\n}\n"
    ).timeouts
    #expect(inherited[.connect] == 2 * .second && inherited[.response] == 5 * .second)
    let routes = try timeouts(
      "timeout response 5s\ntimeout response 1m path /reports\ntimeout idle 1h path /reports\ntimeout response 1s path /",
      others: "defaults plan {\n  timeout response 9s path /reports\n  timeout response 8s path /x\n}\n")
    #expect(routes.routes.map(\.path) == ["/reports", "/x", "/"])
    #expect(routes.routes.map { $0.timeouts[.response] } == [60 * .second, 8 * .second, .second])
    #expect(routes.routes[0].timeouts[.idle] == 3_600 * .second && routes.timeouts[.response] == 5 * .second)
  }
}
