import Configuration
import Tenancy
import Testing

@Suite struct LimitDraftTests {
  private func policy(_ loaded: LoadedConfiguration, _ id: String) throws -> LimitPolicy {
    let limits = loaded.blueprint.tenants.limits(of: try loaded.tenant(id)).pointee
    return limits.policy < 0 ? LimitPolicy() : loaded.blueprint.policies[Int(limits.policy)]
  }

  private func rate(_ count: Int64, burst: Int64) -> RequestRate {
    RequestRate(count: count, period: 1_000_000_000, burst: burst)
  }

  @Test func levelsComeFromProcessPlanAndTenant() throws {
    let loaded = try load(
      leastText + """
        limits {
          requests 50/s burst 60
        }
        plan gold {
          requests 1/s burst 2 per client delay 2s
          pool-requests 3/s burst 4
          requests 5/s burst 6 per path /export shadow
          requests 7/s
          cost POST /export 20
          connections 500 per-client 50
          bandwidth out 10MiB/s in 2MiB/s
        }
        tenant plain {
        }
        tenant acme {
          plan gold
        }
        tenant globex {
          plan gold
          requests 9/s per client
          requests 8/s delay 1s
        }
        """)
    let process = RequestLimit(.process, rate(50, burst: 60))
    #expect(try policy(loaded, "plain").requests == [process])
    let pool = RequestLimit(.pool(plan: "gold"), rate(3, burst: 4))
    let path = RequestLimit(.path(prefix: "/export"), rate(5, burst: 6), isShadow: true)
    let client = RequestLimit(.client, rate(1, burst: 2), delay: 2_000_000_000)
    let acme = try policy(loaded, "acme")
    #expect(acme.requests == [process, pool, path, client])
    #expect(acme.costs == [RequestCost(method: "POST", path: "/export", tokens: 20)])
    #expect((acme.connections, acme.connectionsPerClient) == (500, 50))
    #expect(acme.bandwidth == BandwidthLimit(outward: 10 << 20, inward: 2 << 20))
    let globex = try policy(loaded, "globex")
    #expect(
      globex.requests.map(\.scope) == [.process, .pool(plan: "gold"), .tenant, .path(prefix: "/export"), .client])
    #expect(globex.requests[2].delay == 1_000_000_000)
    #expect(globex.requests[4] == RequestLimit(.client, rate(9, burst: 9)))
    #expect(globex.costs == acme.costs)
    let limits = loaded.blueprint.tenants.limits(of: try loaded.tenant("globex")).pointee
    #expect(limits.requests.rate == rate(8, burst: 8))
  }

  @Test func plainTenantsHaveNoPolicy() throws {
    let loaded = try load(leastText + "plan p {\n  requests 7/s\n  concurrency 3\n}\ntenant acme {\n  plan p\n}\n")
    #expect(loaded.blueprint.policies.isEmpty)
    #expect(loaded.blueprint.tenants.limits(of: try loaded.tenant("acme")).pointee.policy == -1)
  }

  @Test func quotasKnowTheirZone() throws {
    let loaded = try load(
      leastText + """
        state /tmp/state
        plan p {
          quota 10000000 requests per month soft 90%
          quota 1TiB per day zone Europe/Berlin
        }
        tenant acme {
          plan p
          quota 5 requests per month
        }
        """)
    #expect(
      try policy(loaded, "acme").quotas == [
        QuotaLimit(1 << 40, .bytes, per: .day, zone: "Europe/Berlin"), QuotaLimit(5, .requests, per: .month),
      ])
    #expect(loaded.blueprint.zones["Europe/Berlin"]?.offset(at: 1_720_000_000) == 7_200)
    #expect(loaded.process.state == "/tmp/state")
  }
}
