public import Primitives

/// Resolving rules as the data path reads them. Immutable.
public final class CompiledRules: @unchecked Sendable {
  // Unchecked: memory written in `init` and only read afterwards.
  private enum Kind: UInt8, BitwiseCopyable {
    case host, subdomain, header, path, certificateURI, certificateDNS, certificateCommonName
  }

  private struct Rule: BitwiseCopyable {
    var kind: Kind
    var text: UnsafeMutablePointer<UInt8>
    var count: Int
  }

  private let rules: UnsafeMutablePointer<Rule>
  private let count: Int
  /// Whether a field may name the tenant.
  public let hasHeader: Bool
  /// Whether a client's certificate may name the tenant.
  public let hasCertificate: Bool

  /// The compiled form of `rules`.
  public init(_ rules: ResolvingRules) {
    count = rules.sources.count
    self.rules = .allocate(capacity: max(1, count))
    var hasHeader = false
    var hasCertificate = false
    for (place, source) in rules.sources.enumerated() {
      let (kind, text): (Kind, [UInt8]) =
        switch source {
        case .host: (.host, [])
        case .subdomain(let domain): (.subdomain, [UInt8(ascii: ".")] + domain)
        case .header(let name): (.header, name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 })
        case .path(let prefix): (.path, prefix)
        case .certificateURI(let prefix): (.certificateURI, prefix)
        case .certificateDNS(let domain): (.certificateDNS, [UInt8(ascii: ".")] + domain)
        case .certificateCommonName: (.certificateCommonName, [])
        }
      hasCertificate = hasCertificate || kind.rawValue >= Kind.certificateURI.rawValue
      hasHeader = hasHeader || kind == .header
      let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count + 1)
      for (index, byte) in text.enumerated() { memory[index] = byte }
      self.rules[place] = Rule(kind: kind, text: memory, count: text.count)
    }
    self.hasHeader = hasHeader
    self.hasCertificate = hasCertificate
  }

  deinit {
    for place in 0..<count { rules[place].text.deallocate() }
    rules.deallocate()
  }

  /// Whether these bytes, in any case and with `_` for `-`, are the name of the field that may name the tenant.
  public func isHeader(_ name: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    for place in 0..<count where rules[place].kind == .header && rules[place].count == length {
      var index = 0
      while index < length, CompiledRules.fold(name[index]) == rules[place].text[index] { index += 1 }
      if index == length { return true }
    }
    return false
  }

  private static func fold(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    case UInt8(ascii: "_"): UInt8(ascii: "-")
    default: byte
    }
  }

  /// Finds the tenant that all sources present name.
  ///
  /// A host that names nobody is no source; any other source that names nobody known is one that disagrees with the rest.
  ///
  /// - Parameters:
  ///   - host: the host in lower case, empty when there is none.
  ///   - header: the value of the tenant field, `nil` when it is absent or not believed.
  ///   - path: the target's path, query and all.
  ///   - certificate: what the client's certificate says, if it has proved to be its holder.
  ///   - fallback: who serves requests that name nobody; -1 refuses them.
  public func resolve(
    in directory: TenantDirectory, host: UnsafeBufferPointer<UInt8>, header: UnsafeBufferPointer<UInt8>?,
    path: UnsafeBufferPointer<UInt8>, certificate: CertificateNames = .none, fallback: TenantIndex
  ) -> Resolution {
    var found: TenantIndex = -1
    var source = TenantSource.none
    var isNamed = false
    for place in 0..<count {
      let rule = rules[place]
      var tenant: TenantIndex = -1
      var named = TenantSource.none
      switch rule.kind {
      case .host:
        guard host.count > 0 else { continue }
        var isWildcard = false
        tenant = directory.tenant(host: host.baseAddress!, host.count, isWildcard: &isWildcard)
        if tenant < 0 { continue }
        named = isWildcard ? .wildcard : .host
      case .subdomain:
        guard let label = CompiledRules.label(host, rule) else { continue }
        tenant = CompiledRules.tenant(in: directory, label)
        named = .subdomain
      case .header:
        guard let header else { continue }
        tenant = CompiledRules.tenant(in: directory, header)
        named = .header
      case .path:
        guard let segment = CompiledRules.segment(path, rule) else { continue }
        tenant = CompiledRules.tenant(in: directory, segment)
        named = .path
      case .certificateURI, .certificateDNS, .certificateCommonName:
        guard let name = CompiledRules.name(certificate, rule) else { continue }
        tenant = CompiledRules.tenant(in: directory, name)
        named = .certificate
      }
      if !isNamed {
        found = tenant
        source = named
        isNamed = true
      } else if tenant != found {
        return Resolution(tenant: -1, source: source, outcome: .conflict)
      }
    }
    if found >= 0 { return Resolution(tenant: found, source: source, outcome: .resolved) }
    if !isNamed, fallback >= 0 { return Resolution(tenant: fallback, source: .fallback, outcome: .resolved) }
    return Resolution(tenant: -1, source: source, outcome: .unknown)
  }

  private static func tenant(in directory: TenantDirectory, _ name: UnsafeBufferPointer<UInt8>) -> TenantIndex {
    name.count == 0 ? -1 : directory.tenant(id: name.baseAddress!, name.count)
  }

  /// The one label before the rule's domain, `nil` when the host is not directly below it.
  private static func label(_ host: UnsafeBufferPointer<UInt8>, _ rule: Rule) -> UnsafeBufferPointer<UInt8>? {
    let length = host.count - rule.count
    guard length > 0 else { return nil }
    for place in 0..<rule.count where host[length + place] != rule.text[place] { return nil }
    for place in 0..<length where host[place] == UInt8(ascii: ".") { return nil }
    return UnsafeBufferPointer(rebasing: host[..<length])
  }

  /// What the first name of a certificate that fits the rule names, `nil` when none fits.
  private static func name(_ certificate: CertificateNames, _ rule: Rule) -> UnsafeBufferPointer<UInt8>? {
    var place = 0
    while let name = certificate.next(&place) {
      switch (rule.kind, name.kind) {
      case (.certificateURI, .uri):
        if let segment = segment(name.text, rule), segment.count > 0 { return segment }
      case (.certificateDNS, .dns):
        if let label = label(name.text, rule), label[0] != UInt8(ascii: "*") { return label }
      case (.certificateCommonName, .commonName): return name.text
      default: break
      }
    }
    return nil
  }

  /// The segment behind the rule's prefix, `nil` when the path does not start with it.
  private static func segment(_ path: UnsafeBufferPointer<UInt8>, _ rule: Rule) -> UnsafeBufferPointer<UInt8>? {
    guard path.count >= rule.count else { return nil }
    for place in 0..<rule.count where path[place] != rule.text[place] { return nil }
    var end = rule.count
    while end < path.count, path[end] != UInt8(ascii: "/"), path[end] != UInt8(ascii: "?") { end += 1 }
    return UnsafeBufferPointer(rebasing: path[rule.count..<end])
  }
}
