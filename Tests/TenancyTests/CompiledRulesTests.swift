import Tenancy
import Testing

@Suite struct CompiledRulesTests {
  struct Row: Sendable {
    var host = ""
    var header: String?
    var path = "/"
    var expected: String
  }

  private static let rules = ResolvingRules(sources: [
    .host, .subdomain(of: Array("apps.example.com".utf8)), .header(name: Array("x-tenant-id".utf8)),
    .path(prefix: Array("/t/".utf8)),
  ])

  private func resolve(_ row: Row, fallback: TenantIndex = -1) -> String {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    for (id, host) in [("acme", "acme.example"), ("globex", "*.globex.example")] {
      var record = TenantRecord(id: id)
      record.hosts = [host]
      #expect(builder.add(record) == .added)
    }
    let directory = builder.finish()
    let rules = CompiledRules(Self.rules)
    // Room behind keeps empty texts from having no address.
    let (host, header, path) = (Array(row.host.utf8) + [0], Array((row.header ?? "").utf8) + [0], Array(row.path.utf8))
    let resolution = host.withUnsafeBufferPointer { host in
      header.withUnsafeBufferPointer { header in
        path.withUnsafeBufferPointer { path in
          rules.resolve(
            in: directory, host: UnsafeBufferPointer(rebasing: host.dropLast()),
            header: row.header == nil ? nil : UnsafeBufferPointer(rebasing: header.dropLast()), path: path,
            fallback: fallback)
        }
      }
    }
    guard resolution.outcome == .resolved else { return "\(resolution.outcome)" }
    return "\(directory.name(of: resolution.tenant)) by \(resolution.source)"
  }

  @Test(arguments: [
    Row(host: "acme.example", expected: "acme by host"),
    Row(host: "www.globex.example", expected: "globex by wildcard"),
    Row(host: "acme.apps.example.com", expected: "acme by subdomain"),
    Row(host: "a.acme.apps.example.com", expected: "unknown"),
    Row(host: "nobody.apps.example.com", expected: "unknown"),
    Row(host: "apps.example.com", expected: "unknown"),
    Row(header: "globex", expected: "globex by header"),
    Row(header: "", expected: "unknown"),
    Row(header: "Acme", expected: "unknown"),
    Row(path: "/t/acme/orders", expected: "acme by path"),
    Row(path: "/t/acme?x=1", expected: "acme by path"),
    Row(path: "/t/acme", expected: "acme by path"),
    Row(path: "/t//orders", expected: "unknown"),
    Row(path: "/t/ac%6De/", expected: "unknown"),
    Row(path: "/T/acme", expected: "unknown"),
    Row(host: "acme.example", header: "acme", path: "/t/acme/", expected: "acme by host"),
    Row(host: "acme.example", header: "globex", expected: "conflict"),
    Row(host: "acme.example", path: "/t/globex/", expected: "conflict"),
    Row(host: "acme.example", header: "nobody", expected: "conflict"),
    Row(host: "other.example", header: "acme", expected: "acme by header"),
    Row(host: "acme.apps.example.com", header: "globex", expected: "conflict"),
    Row(host: "other.example", expected: "unknown"),
  ])
  func sourcesMustAgree(_ row: Row) { #expect(resolve(row) == row.expected) }

  @Test func theFallbackServesOnlyThoseWhoNameNobody() {
    #expect(resolve(Row(host: "other.example", expected: ""), fallback: 1) == "globex by fallback")
    #expect(resolve(Row(header: "nobody", expected: ""), fallback: 1) == "unknown")
    #expect(resolve(Row(host: "acme.example", expected: ""), fallback: 1) == "acme by host")
  }

  @Test(arguments: [
    ("X-Tenant-ID", true), ("x_tenant_id", true), ("X-TENANT_id", true), ("X-Tenant-I", false), ("X-Tenant-IDs", false),
  ])
  func theFieldIsKnownInEverySpelling(_ name: String, _ isIt: Bool) {
    let rules = CompiledRules(Self.rules)
    #expect(Array(name.utf8).withUnsafeBufferPointer { rules.isHeader($0.baseAddress!, $0.count) } == isIt)
  }
}
