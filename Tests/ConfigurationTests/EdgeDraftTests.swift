import Engine
import Testing

@testable import Configuration

/// What is said of checks and of what goes before a request takes effect.
struct EdgeDraftTests {
  @Test func checksAndAnnouncements() throws {
    let loaded = try load(
      """
      listen 127.0.0.1:8080
      forwarded on
      defaults shard {
        health grpc
      }
      shard one {
        backend 127.0.0.1:9001
        protocol h2
        health grpc shop.Orders every 1s
      }
      shard two {
        backend 127.0.0.1:9002
        protocol h2
      }
      shard three {
        backend 127.0.0.1:9003
        health tcp fall 7
        proxy-protocol v2 checksum on
      }
      shard four {
        backend 127.0.0.1:9004
        health GET /
        proxy-protocol v1
      }
      """)
    let shards = loaded.blueprint.shards
    #expect(
      shards.map(\.health?.question) == [
        .grpc(service: "shop.Orders"), .grpc(service: ""), .tcp, .http(method: "GET", path: "/"),
      ])
    #expect(shards[2].health?.fall == 7)
    #expect(shards.map(\.announcement) == [.none, .none, .checked, .text])
    #expect(loaded.blueprint.addsForwarded)
  }
}
