/// Where a tenant's name may come from.
public struct ResolvingRules: Sendable {
  /// One place to look.
  public enum Source: Sendable, Equatable {
    /// The hosts of tenants.
    case host
    /// The label before a domain, given in lower case without leading dot.
    case subdomain(of: [UInt8])
    /// A field, its name in lower case.
    case header(name: [UInt8])
    /// The segment behind a prefix of the path, which starts and ends with a slash.
    case path(prefix: [UInt8])
    /// The segment behind a prefix of a URI in the client's certificate.
    case certificateURI(prefix: [UInt8])
    /// The label before a domain in a DNS name of the client's certificate, given in lower case without leading dot.
    case certificateDNS(of: [UInt8])
    /// The common name of the client's certificate.
    case certificateCommonName
  }

  /// The places, in the order they are looked at.
  public var sources: [Source]

  /// Rules of these places.
  public init(sources: [Source] = [.host]) { self.sources = sources }
}

/// What named the tenant.
public enum TenantSource: UInt8, Sendable, BitwiseCopyable {
  case none, host, wildcard, subdomain, header, path, fallback, certificate
}

/// How resolving ended.
public enum ResolutionOutcome: UInt8, Sendable, BitwiseCopyable {
  /// One tenant.
  case resolved
  /// Nobody that is known.
  case unknown
  /// Sources that disagree.
  case conflict
}

/// Whose request it is.
public struct Resolution: Sendable, BitwiseCopyable {
  /// The tenant, -1 unless one was found.
  public var tenant: TenantIndex
  /// What named it first.
  public var source: TenantSource
  /// How resolving ended.
  public var outcome: ResolutionOutcome
}
