import ConfigLanguage
import Engine
import Tenancy

extension Draft {
  /// Applies `resolve` and `unknown-tenant`.
  mutating func readResolving(_ blueprint: inout Blueprint) {
    var rules = ResolvingRules()
    rules.sources = top("resolve").map { $0.children.compactMap(source) } ?? [.host]
    blueprint.resolving = rules
    if let block = top("resolve"), block.children.isEmpty, diagnostics.isClean {
      diagnostics.error("'resolve' names no source", at: block.range, suggestion: "add 'host'")
    }
    if let header = top("resolve")?.child("header"), all("trust").isEmpty {
      diagnostics.warn(
        "nobody is trusted, so this field is never believed", at: header.range, suggestion: "add 'trust NETWORK'")
    }
    let asksClients = all("listen").contains { $0.child("client-certificate") != nil }
    if let line = top("resolve")?.child("client-certificate"), !asksClients {
      diagnostics.warn(
        "no listener asks clients for certificates", at: line.range,
        suggestion: "add 'client-certificate required ca FILE' to a listener")
    }
    if let name = top("unknown-tenant")?["TENANT"] {
      blueprint.unknownTenant = tenant(name, in: blueprint.tenants)
    }
  }

  private func source(_ directive: Directive) -> ResolvingRules.Source? {
    switch directive.row.name {
    case "host": .host
    case "subdomain": directive["DOMAIN"].flatMap { domain($0, "subdomain of") }.map { .subdomain(of: $0) }
    case "header": directive["FIELD"].flatMap(field).map { .header(name: $0) }
    case "path": directive["PREFIX"].flatMap(prefix).map { .path(prefix: $0) }
    case "client-certificate": certificateSource(directive)
    default: nil
    }
  }

  private func certificateSource(_ directive: Directive) -> ResolvingRules.Source? {
    switch directive.form {
    case 0:
      guard let value = directive["PREFIX"] else { return nil }
      guard value.text.contains(":"), value.text.utf8.last.map({ "/:".utf8.contains($0) }) ?? false else {
        diagnostics.error(
          "the prefix of a URI has a scheme and ends with '/' or ':'", at: value.word.range,
          suggestion: "such as spiffe://example.org/tenant/")
        return nil
      }
      return .certificateURI(prefix: Array(value.text.utf8))
    case 1: return directive["DOMAIN"].flatMap { domain($0, "dns of") }.map { .certificateDNS(of: $0) }
    default: return .certificateCommonName
    }
  }

  /// Fields that can't name a tenant: those of framing and connections, and those this proxy sets itself.
  private static let takenFields: Set<String> = [
    "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect",
    "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id", "x-placement-shard",
    "x-placement-epoch",
  ]

  private func domain(_ value: Value, _ words: String) -> [UInt8]? {
    guard let host = host(value) else { return nil }
    if host.first == UInt8(ascii: "*") {
      diagnostics.error(
        "'\(words)' covers what is below the domain already", at: value.word.range,
        suggestion: "did you mean '\(value.text.dropFirst(2))'?")
      return nil
    }
    return host
  }

  private func field(_ value: Value) -> [UInt8]? {
    guard value.text.utf8.count <= 64, value.text.utf8.allSatisfy(\.isTokenByte) else {
      diagnostics.error("\(value.word.shown) can't be the name of a field", at: value.word.range)
      return nil
    }
    guard !Draft.takenFields.contains(value.text.lowercased()) else {
      diagnostics.error("the field \(value.word.shown) has a meaning of its own", at: value.word.range)
      return nil
    }
    return Array(value.text.lowercased().utf8)
  }

  private func prefix(_ value: Value) -> [UInt8]? {
    guard isTarget(value) else { return nil }
    guard value.text.utf8.last == UInt8(ascii: "/") else {
      diagnostics.error(
        "the prefix ends with '/'", at: value.word.range, suggestion: "did you mean '\(value.text)/'?")
      return nil
    }
    return Array(value.text.utf8)
  }

  /// Applies `placement`.
  mutating func readPlacement(_ blueprint: inout Blueprint) {
    blueprint.unlistedShards = shards.indices.filter { !shards[$0].isTest }
    guard let directive = top("placement")?.child("unlisted") else { return }
    guard directive.form == 0 else {
      blueprint.unlistedShards = []
      return
    }
    let named = directive.all("SHARD")
    var seen: Set<Int> = []
    for value in named {
      guard let number = shard(value) else { continue }
      if shards[number].isTest { diagnostics.error("\(value.word.shown) is for tests", at: value.word.range) }
      if !seen.insert(number).inserted { diagnostics.error("\(value.word.shown) stands twice", at: value.word.range) }
    }
    if !named.isEmpty { blueprint.unlistedShards = seen.sorted() }
  }
}
