import Primitives
import Tenancy
import Testing

@Suite struct CompiledRulesTests {
  private static let directory: TenantDirectory = {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    for (id, hosts) in [
      ("acme", ["acme.example", "*.acme.example"]), ("globex", ["globex.example"]), ("rest", []), ("Initech", []),
    ] {
      var record = TenantRecord(id: id)
      record.hosts = hosts
      precondition(builder.add(record) == .added)
    }
    return builder.finish()
  }()

  private static let all = ResolvingRules(sources: [
    .host, .subdomain(of: Array("saas.test".utf8)), .header(name: Array("x-tenant".utf8)),
    .path(prefix: Array("/t/".utf8)),
  ])

  /// What a request says, and what comes of it; `nil` is an unknown tenant, "!" one that sources disagree on.
  struct Row: Sendable, CustomTestStringConvertible {
    var host = ""
    var header: String?
    var path = "/"
    var tenant: String?
    var source = TenantSource.none
    var testDescription: String { "\(host) \(header ?? "–") \(path)" }
  }

  private func resolve(_ rules: ResolvingRules, _ row: Row, fallback: TenantIndex = -1) -> Resolution {
    let rules = CompiledRules(rules)
    return Array(row.host.utf8).withUnsafeBufferPointer { host in
      Array(row.path.utf8).withUnsafeBufferPointer { path in
        Array((row.header ?? "").utf8).withUnsafeBufferPointer { header in
          rules.resolve(
            in: CompiledRulesTests.directory, host: host, header: row.header == nil ? nil : header, path: path,
            fallback: fallback)
        }
      }
    }
  }

  private func check(_ resolution: Resolution, _ row: Row) {
    switch row.tenant {
    case "!": #expect(resolution.outcome == .conflict && resolution.tenant == -1)
    case let name?:
      #expect(resolution.outcome == .resolved)
      #expect(resolution.tenant >= 0 && CompiledRulesTests.directory.name(of: resolution.tenant) == name)
    case nil: #expect(resolution.outcome == .unknown && resolution.tenant == -1)
    }
    #expect(resolution.source == row.source)
  }

  @Test(arguments: [
    // One source.
    Row(host: "acme.example", tenant: "acme", source: .host),
    Row(host: "a.b.acme.example", tenant: "acme", source: .wildcard),
    Row(host: "globex.saas.test", tenant: "globex", source: .subdomain),
    Row(host: "gate.example", header: "globex", tenant: "globex", source: .header),
    Row(host: "gate.example", path: "/t/globex/orders?x=1", tenant: "globex", source: .path),
    Row(path: "/t/globex", tenant: "globex", source: .path),
    Row(path: "/t/globex?x=/y", tenant: "globex", source: .path),
    // Nothing that names anybody.
    Row(), Row(host: "gate.example"), Row(host: "gate.example", path: "/tt/acme"), Row(path: "/t"), Row(path: ""),
    Row(host: "saas.test"), Row(host: "x.acme.saas.test"), Row(host: "evilsaas.test"),
    // Names of nobody.
    Row(host: "nobody.saas.test", source: .subdomain), Row(header: "nobody", source: .header),
    Row(header: "", source: .header), Row(path: "/t/nobody/", source: .path), Row(path: "/t/", source: .path),
    Row(path: "/t//acme", source: .path), Row(path: "/t/?acme", source: .path),
    Row(path: "/t/%61cme/", source: .path), Row(path: "/t/ACME/", source: .path),
    Row(header: "nobody", path: "/t/nobody", source: .header),
    Row(header: "initech", source: .header), Row(header: "Initech", tenant: "Initech", source: .header),
    // Agreement; the first one is told.
    Row(host: "acme.example", header: "acme", path: "/t/acme/", tenant: "acme", source: .host),
    Row(host: "www.acme.example", header: "acme", tenant: "acme", source: .wildcard),
    Row(host: "acme.saas.test", path: "/t/acme", tenant: "acme", source: .subdomain),
    Row(header: "globex", path: "/t/globex", tenant: "globex", source: .header),
    // A host of nobody is no source.
    Row(host: "nobody.example", header: "acme", path: "/t/acme", tenant: "acme", source: .header),
    // Disagreement.
    Row(host: "acme.example", header: "globex", tenant: "!", source: .host),
    Row(host: "acme.example", path: "/t/globex/", tenant: "!", source: .host),
    Row(host: "www.acme.example", path: "/t/globex/", tenant: "!", source: .wildcard),
    Row(host: "acme.saas.test", header: "globex", tenant: "!", source: .subdomain),
    Row(header: "acme", path: "/t/globex", tenant: "!", source: .header),
    Row(host: "acme.example", header: "acme", path: "/t/globex", tenant: "!", source: .host),
    // One name known, another not.
    Row(host: "acme.example", header: "nobody", tenant: "!", source: .host),
    Row(host: "acme.example", header: "", tenant: "!", source: .host),
    Row(host: "acme.example", path: "/t/", tenant: "!", source: .host),
    Row(host: "nobody.saas.test", header: "acme", tenant: "!", source: .subdomain),
    Row(header: "nobody", path: "/t/acme", tenant: "!", source: .header),
  ])
  func allSourcesPresentMustAgree(row: Row) { check(resolve(CompiledRulesTests.all, row), row) }

  @Test(arguments: [
    Row(tenant: "rest", source: .fallback), Row(host: "gate.example", tenant: "rest", source: .fallback),
    Row(host: "gate.example", path: "/x", tenant: "rest", source: .fallback),
    Row(host: "acme.example", tenant: "acme", source: .host),
    Row(header: "nobody", source: .header), Row(path: "/t/", source: .path),
    Row(host: "nobody.saas.test", source: .subdomain),
    Row(host: "acme.example", header: "globex", tenant: "!", source: .host),
  ])
  func theFallbackServesOnlyWhoNamesNobody(row: Row) { check(resolve(CompiledRulesTests.all, row, fallback: 2), row) }

  /// What rules make of a certificate with these names, beside a host.
  private func resolve(
    _ sources: [ResolvingRules.Source], _ names: [(CertificateNames.Kind, String)], host: String = ""
  ) -> Resolution {
    var packed: [UInt8] = []
    for (kind, text) in names {
      Array(text.utf8).withUnsafeBufferPointer { CertificateNames.append(kind, $0, to: &packed) }
    }
    let rules = CompiledRules(ResolvingRules(sources: sources))
    #expect(rules.hasCertificate)
    let nothing = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    return packed.withUnsafeBufferPointer { packed in
      Array(host.utf8).withUnsafeBufferPointer { host in
        rules.resolve(
          in: CompiledRulesTests.directory, host: host, header: nil, path: nothing,
          certificate: CertificateNames(packed.baseAddress, count: packed.count), fallback: 2)
      }
    }
  }

  @Test func aCertificateNamesItsTenant() {
    let uri = ResolvingRules.Source.certificateURI(prefix: Array("spiffe://corp/t/".utf8))
    let dns = ResolvingRules.Source.certificateDNS(of: Array("clients.test".utf8))
    let rows: [([ResolvingRules.Source], [(CertificateNames.Kind, String)], Row)] = [
      ([uri], [(.uri, "https://x/"), (.uri, "spiffe://corp/t/acme/web")], Row(tenant: "acme", source: .certificate)),
      ([uri], [(.dns, "spiffe://corp/t/acme")], Row(tenant: "rest", source: .fallback)),
      ([uri], [(.uri, "spiffe://corp/t/")], Row(tenant: "rest", source: .fallback)),
      ([uri], [(.uri, "spiffe://corp/t/nobody")], Row(source: .certificate)),
      ([uri], [], Row(tenant: "rest", source: .fallback)),
      ([dns], [(.dns, "x.test"), (.dns, "globex.clients.test")], Row(tenant: "globex", source: .certificate)),
      ([dns], [(.dns, "*.clients.test"), (.commonName, "acme")], Row(tenant: "rest", source: .fallback)),
      (
        [.certificateCommonName], [(.subject, "CN=acme"), (.commonName, "Initech")],
        Row(tenant: "Initech", source: .certificate)
      ),
      ([.host, uri], [(.uri, "spiffe://corp/t/globex")], Row(tenant: "!", source: .host)),
    ]
    for (sources, names, row) in rows {
      check(resolve(sources, names, host: sources.contains(.host) ? "acme.example" : ""), row)
    }
    #expect(!CompiledRules(ResolvingRules()).hasCertificate)
  }

  @Test func sourcesThatAreNotListedAreNotLookedAt() {
    let row = Row(host: "acme.example", header: "globex", path: "/t/rest", tenant: "rest", source: .path)
    check(resolve(ResolvingRules(sources: [.path(prefix: Array("/t/".utf8))]), row), row)
    check(resolve(ResolvingRules(sources: []), row), Row())
    #expect(ResolvingRules().sources == [.host])
  }

  @Test func theOrderOfTheRulesIsTheOrderTold() {
    let reversed = ResolvingRules(sources: CompiledRulesTests.all.sources.reversed())
    let row = Row(host: "acme.example", header: "acme", path: "/t/acme/", tenant: "acme", source: .path)
    check(resolve(reversed, row), row)
  }

  @Test(arguments: [
    ("x-tenant", true), ("X-Tenant", true), ("X_TENANT", true), ("x_tenant", true), ("x-tenan", false),
    ("x-tenants", false), ("y-tenant", false), ("", false),
  ])
  func theFieldIsKnownInAnyCase(name: String, isKnown: Bool) {
    let rules = CompiledRules(CompiledRulesTests.all)
    let bytes = Array(name.utf8) + [0]
    #expect(rules.hasHeader)
    #expect(rules.isHeader(bytes, bytes.count - 1) == isKnown)
    #expect(!CompiledRules(ResolvingRules()).hasHeader)
    #expect(!CompiledRules(ResolvingRules()).isHeader(bytes, bytes.count - 1))
  }
}
