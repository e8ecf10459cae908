import Configuration
import Testing

@Suite struct TenantExplanationTests {
  private static let text = """
    listen 127.0.0.1:0
    shard s {
      backend 127.0.0.1:9001
    }
    defaults tenant {
      home s
      concurrency 7
    }
    plan gold {
      requests 500/s burst 1000
      concurrency 200
    }
    tenant acme {
      host app.acme.example
      plan gold
      requests 50/s burst 100
    }
    tenants table t.tbl

    """

  private func values(_ id: String) throws -> [String] {
    let loaded = try load(
      TenantExplanationTests.text,
      files: ["t.tbl": "\nhooli plan=gold epoch=4 requests=5/s+9\nbare\nown home=s concurrency=7\n"])
    let explanation = try #require(TenantExplanation(of: id, in: loaded))
    let folder = explanation.declared.split(separator: "/").dropLast().joined(separator: "/")
    return explanation.values.map { "\($0.name) \($0.value) | \($0.source)".replacing("/\(folder)/", with: "") }
  }

  private static let defaultTerms = [
    "weight 1 | default", "share min 0% max 100% | default", "criticality default | default",
  ]

  @Test func blocks() throws {
    #expect(
      try values("acme") == [
        "host app.acme.example | proxy.conf:14", "plan gold | proxy.conf:15", "home s | defaults, proxy.conf:6",
        "epoch 0 | default", "state active | default",
        "requests 50/s burst 100 | proxy.conf:16 (instead of plan 'gold', proxy.conf:10)",
        "concurrency 7 | defaults, proxy.conf:7 (instead of plan 'gold', proxy.conf:11)",
      ] + Self.defaultTerms)
  }

  @Test func tables() throws {
    #expect(
      try values("hooli") == [
        "plan gold | t.tbl:2", "home s | defaults, proxy.conf:6", "epoch 4 | t.tbl:2", "state active | default",
        "requests 5/s burst 9 | t.tbl:2 (instead of plan 'gold', proxy.conf:10)",
        "concurrency 7 | defaults, proxy.conf:7 (instead of plan 'gold', proxy.conf:11)",
      ] + Self.defaultTerms)
    #expect(
      try values("own") == [
        "plan none | default", "home s | t.tbl:4", "epoch 0 | default", "state active | default",
        "requests unlimited | default", "concurrency 7 | t.tbl:4",
      ] + Self.defaultTerms)
    #expect(
      try values("bare") == [
        "plan none | default", "home s | defaults, proxy.conf:6", "epoch 0 | default", "state active | default",
        "requests unlimited | default", "concurrency 7 | defaults, proxy.conf:7",
      ] + Self.defaultTerms)
  }

  @Test func texts() throws {
    let loaded = try load(leastText + "tenant acme {\n}\n")
    let explanation = try #require(TenantExplanation(of: "acme", in: loaded))
    #expect(explanation.text.split(separator: "\n").count == 10)
    #expect(explanation.text.hasPrefix("tenant acme  ("))
    #expect(explanation.json.hasPrefix("{\"tenant\":\"acme\",\"declared\":"))
    #expect(explanation.json.contains(#"{"name":"plan","value":"none","source":"default"}"#))
    #expect(TenantExplanation(of: "acne", in: loaded) == nil)
    #expect(TenantExplanation.suggestion(for: "acne", in: loaded) == "did you mean 'acme'?")
  }
}
