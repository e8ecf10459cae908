import Configuration
import Engine
import Primitives
import Testing

/// Every directive of the language takes effect.
@Suite struct DraftTests {
  private let loopback = IPAddress(v4: 0x7F00_0001)

  @Test func whatHoldsWhenNothingIsSaid() throws {
    let loaded = try load(leastText, processors: 7)
    let blueprint = loaded.blueprint
    #expect(blueprint.generation == 1)
    #expect(blueprint.workers == 7)
    #expect(blueprint.drain == 30 * .second)
    #expect(blueprint.listeners.map(\.endpoint) == [.tcp(loopback, port: 0)])
    #expect(blueprint.timeouts.header == 10 * .second)
    #expect(blueprint.timeouts.idle == 300 * .second)
    #expect(blueprint.bounds.headerSize == 32 << 10)
    #expect(blueprint.bounds.bodySize == 0)
    #expect(blueprint.trust == [])
    #expect(blueprint.resolving.sources == [.host])
    #expect(blueprint.unknownTenant == nil)
    #expect(blueprint.showsRateLimits)
    #expect(!blueprint.keepsRecords)
    #expect(blueprint.unlistedShards == [0])
    #expect(blueprint.shards[0].balance == .leastRequests)
    #expect(blueprint.shards[0].poolIdle == 64)
    #expect(blueprint.shards[0].sticky == nil)
    #expect(blueprint.shards[0].health == nil)
    #expect(blueprint.tenants.count == 0)
    #expect(loaded.process.metrics == [])
    #expect(loaded.process.metricsTenants == 500)
    #expect(loaded.process.accessLog == .off)
    #expect(loaded.warnings.text == "")
  }

  @Test func processWideDirectives() throws {
    let loaded = try load(
      leastText + """
        workers 3
        drain 250ms
        listen [::1]:8080
        listen *:8081
        listen unix:/run/g.sock
        metrics 127.0.0.1:9145 unix:/run/m.sock {
          tenants 20
        }
        access-log stdout {
          format logfmt
        }
        trust 10.0.0.0/8 fd00::/8
        trust 192.0.2.1
        rate-limit-headers off
        """)
    let blueprint = loaded.blueprint
    #expect(blueprint.workers == 3)
    #expect(blueprint.drain == 250 * .millisecond)
    let six = IPAddress(high: 0, low: 1)
    #expect(
      blueprint.listeners.map(\.endpoint) == [
        .tcp(loopback, port: 0), .tcp(six, port: 8080), .anyAddress(port: 8081), .unix("/run/g.sock"),
      ])
    #expect(loaded.process.metrics == [.tcp(loopback, port: 9145), .unix("/run/m.sock")])
    #expect(loaded.process.metricsTenants == 20)
    #expect(loaded.process.accessLog == .standardOutput)
    #expect(loaded.process.accessLogFormat == .logfmt)
    #expect(blueprint.keepsRecords)
    #expect(!blueprint.showsRateLimits)
    #expect(blueprint.trust.count == 3)
    let inside = [0x0A01_0203, 0xC000_0201].map { IPAddress(v4: $0) } + [IPAddress(high: 0xFD12 << 48, low: 9)]
    let outside = [0x0B01_0203, 0xC000_0202].map { IPAddress(v4: $0) } + [IPAddress(high: 0xFE12 << 48, low: 9)]
    #expect(inside.allSatisfy { address in blueprint.trust.contains { $0.contains(address) } })
    #expect(!outside.contains { address in blueprint.trust.contains { $0.contains(address) } })
  }

  @Test func accessLogPaths() throws {
    #expect(try load(leastText + "access-log /var/log/a.log").process.accessLog == .file("/var/log/a.log"))
    #expect(try load(leastText + "access-log off").process.accessLog == .off)
    guard case .file(let path) = try load(leastText + "access-log logs/a.log").process.accessLog else {
      Issue.record("no file")
      return
    }
    #expect(path.hasPrefix("/") && path.hasSuffix("/logs/a.log"))
  }

  @Test func timeoutsAndBounds() throws {
    let blueprint = try load(
      leastText + """
        timeouts {
          header 1s
          body-idle 2s
          keep-alive 3s
          connect 4ms
          response 5m
          idle 6h
        }
        bounds {
          header-size 8KiB
          header-count 50
          body-size 10MiB
          connections 77
        }
        """
    ).blueprint
    let timeouts = blueprint.timeouts
    #expect([timeouts.header, timeouts.bodyIdle, timeouts.keepAlive] == [1 * .second, 2 * .second, 3 * .second])
    #expect(
      [timeouts.connect, timeouts.response, timeouts.idle] == [4 * .millisecond, 300 * .second, 21_600 * .second])
    #expect(blueprint.bounds.headerSize == 8192)
    #expect(blueprint.bounds.headerCount == 50)
    #expect(blueprint.bounds.bodySize == 10 << 20)
    #expect(blueprint.bounds.connections == 77)
  }

  @Test func shards() throws {
    let blueprint = try load(
      """
      listen 127.0.0.1:0
      defaults shard {
        pool idle 3
        balance random
        health HEAD /ok
      }
      shard one {
        region eu
        backend 127.0.0.1:9001 weight 7
        backend [::1]:9002
        backend app.internal:80
        backend unix:/run/app.sock weight 256
        balance peak-ewma
        sticky cookie GH for 12h
        health GET /healthz?a=b every 1s timeout 200ms rise 4 fall 5
      }
      shard two {
        backend 127.0.0.1:9001
      }
      placement {
        unlisted hash two
      }
      """, names: ["app.internal": IPAddress(v4: 0x0A00_0007)]
    ).blueprint
    let one = blueprint.shards[0]
    #expect(one.name == "one")
    #expect(one.region == "eu")
    #expect(one.backends.map(\.name) == ["127.0.0.1:9001", "[::1]:9002", "app.internal:80", "unix:/run/app.sock"])
    #expect(one.backends.map(\.weight) == [7, 1, 1, 256])
    #expect(one.backends[2].endpoint == .tcp(IPAddress(v4: 0x0A00_0007), port: 80))
    #expect(one.backends[3].endpoint == .unix("/run/app.sock"))
    #expect(one.balance == .peakEWMA)
    #expect(one.sticky?.cookie == "GH")
    #expect(one.sticky?.lifetime == 43_200 * .second)
    let health = try #require(one.health)
    #expect(health.question == .http(method: "GET", path: "/healthz?a=b"))
    #expect([health.interval, health.timeout] == [1 * .second, 200 * .millisecond])
    #expect([health.rise, health.fall] == [4, 5])
    let two = blueprint.shards[1]
    #expect(two.balance == .random)
    #expect(two.poolIdle == 3)
    #expect(two.health?.question == .http(method: "HEAD", path: "/ok"))
    #expect(two.health?.interval == 5 * .second)
    #expect(blueprint.unlistedShards == [1])
  }

  @Test(arguments: ["round-robin", "least-requests", "peak-ewma", "random"])
  func balance(_ name: String) throws {
    let text = "listen *:0\nshard s {\n  backend 127.0.0.1:1\n  balance \(name)\n}"
    #expect(try load(text).blueprint.shards[0].balance.name == name)
  }

  @Test func resolving() throws {
    let loaded = try load(
      leastText + """
        trust 127.0.0.0/8
        resolve {
          path /t/
          header X-Tenant-ID
          subdomain of Apps.Example.COM.
          host
        }
        unknown-tenant use nobody
        tenant nobody {
        }
        """)
    #expect(
      loaded.blueprint.resolving.sources == [
        .path(prefix: Array("/t/".utf8)), .header(name: Array("x-tenant-id".utf8)),
        .subdomain(of: Array("apps.example.com".utf8)), .host,
      ])
    #expect(try loaded.blueprint.unknownTenant == loaded.tenant("nobody"))
    #expect(loaded.warnings.text == "")
  }

  @Test func unlistedMayBeRefused() throws {
    #expect(try load(leastText + "placement {\n  unlisted refuse\n}").blueprint.unlistedShards == [])
    #expect(try load(leastText + "placement {\n  unlisted hash\n}").blueprint.unlistedShards == [0])
    #expect(try load(leastText + "placement {\n}\nunknown-tenant refuse").blueprint.unlistedShards == [0])
  }

  @Test func variablesAndIncludes() throws {
    let loaded = try load(
      "listen ${HOST}:${PORT}\ninclude conf.d/*.conf\n",
      files: [
        "conf.d/b.conf": "shard b {\n  include ../b.inc\n}", "conf.d/a.conf": "shard a {\n  backend 127.0.0.1:1\n}",
        "b.inc": "backend 127.0.0.1:2", "conf.d/.hidden.conf": "wrong",
      ], environment: ["HOST": "[::1]", "PORT": "81"])
    #expect(loaded.blueprint.listeners.map(\.endpoint) == [.tcp(IPAddress(high: 0, low: 1), port: 81)])
    #expect(loaded.blueprint.shards.map(\.name) == ["a", "b"])
    #expect(
      loaded.process.files.map { String($0.split(separator: "/").last ?? "") } == [
        "proxy.conf", "a.conf", "b.conf", "b.inc",
      ])
  }

  @Test func theExampleIsGood() throws {
    var root = GoldenTests.folder
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let outcome = ConfigurationLoader(processors: 2).load(
      path: root.appendingPathComponent("proxy.conf.example").path, environment: [:], resolveName: { _ in [] },
      previous: nil)
    guard case .loaded(let loaded) = outcome else {
      if case .refused(let report) = outcome { Issue.record("\(report.text)") }
      return
    }
    #expect(loaded.warnings.text == "")
    #expect(loaded.blueprint.shards.map(\.backends.count) == [2, 2])
    #expect(loaded.blueprint.tenants.count == 3)
  }
}
