/// The name of a field that the proxy knows; every other name is `other`. Raw values stay below 64.
public enum FieldName: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  // What frames and routes a message.
  case host, contentLength, transferEncoding, expect
  // What is between two neighbours only (RFC 9110 §7.6.1).
  case connection, te, trailer, upgrade, keepAlive, proxyConnection, proxyAuthenticate, proxyAuthorization,
    http2Settings
  // What the proxy says of the request.
  case xForwardedFor, xForwardedProto, xForwardedHost, xRequestID, via, forwarded
  // How long the client waits.
  case grpcTimeout, xRequestTimeout
  // What WebSocket agrees by in HTTP/1.1, and HTTP/2 has no use for (RFC 8441 §5).
  case secWebSocketKey, secWebSocketAccept
  // What the proxy says of the tenant.
  case xTenantID, xPlacementShard, xPlacementEpoch, xPlacementStale
  // What the proxy reads, or says in answers.
  case cookie, setCookie, accept, userAgent, referer, date, server, rateLimit, rateLimitPolicy, retryAfter, proxyStatus,
    xRequestCost
  // `Proxy` would be taken for a proxy setting by CGI-like origins ("httpoxy").
  case proxy
  // Any other name.
  case other

  /// The name in lower case; empty for `other`.
  public var text: StaticString {
    switch self {
    case .host: return "host"
    case .contentLength: return "content-length"
    case .transferEncoding: return "transfer-encoding"
    case .expect: return "expect"
    case .connection: return "connection"
    case .te: return "te"
    case .trailer: return "trailer"
    case .upgrade: return "upgrade"
    case .keepAlive: return "keep-alive"
    case .proxyConnection: return "proxy-connection"
    case .proxyAuthenticate: return "proxy-authenticate"
    case .proxyAuthorization: return "proxy-authorization"
    case .http2Settings: return "http2-settings"
    case .xForwardedFor: return "x-forwarded-for"
    case .xForwardedProto: return "x-forwarded-proto"
    case .xForwardedHost: return "x-forwarded-host"
    case .xRequestID: return "x-request-id"
    case .via: return "via"
    case .forwarded: return "forwarded"
    case .grpcTimeout: return "grpc-timeout"
    case .xRequestTimeout: return "x-request-timeout"
    case .secWebSocketKey: return "sec-websocket-key"
    case .secWebSocketAccept: return "sec-websocket-accept"
    case .xTenantID: return "x-tenant-id"
    case .xPlacementShard: return "x-placement-shard"
    case .xPlacementEpoch: return "x-placement-epoch"
    case .xPlacementStale: return "x-placement-stale"
    case .cookie: return "cookie"
    case .setCookie: return "set-cookie"
    case .accept: return "accept"
    case .userAgent: return "user-agent"
    case .referer: return "referer"
    case .date: return "date"
    case .server: return "server"
    case .rateLimit: return "ratelimit"
    case .rateLimitPolicy: return "ratelimit-policy"
    case .retryAfter: return "retry-after"
    case .proxyStatus: return "proxy-status"
    case .xRequestCost: return "x-request-cost"
    case .proxy: return "proxy"
    case .other: return ""
    }
  }

  /// The name that the `count` bytes from `p` on spell, in any case.
  ///
  /// Every byte but letters and digits counts as a hyphen, as origins that turn names into variables read it: so
  /// `X_Tenant_Id` and `X.Tenant.Id` are `xTenantID`.
  public static func identify(_ p: UnsafePointer<UInt8>, _ count: Int) -> FieldName {
    guard count > 0, count <= FieldNameTable.longestName else { return .other }
    var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &words) { plain in
      for index in 0..<count { plain[index] = plainByte(p[index]) }
    }
    return FieldNameTable.shared.name(
      UInt64(littleEndian: words.0), UInt64(littleEndian: words.1), UInt64(littleEndian: words.2))
  }

  private static func plainByte(_ byte: UInt8) -> UInt8 {
    if byte &- 0x30 <= 9 { return byte }
    let lower = byte | 0x20
    return byte < 0x80 && lower &- 0x61 < 26 ? lower : UInt8(ascii: "-")
  }
}
