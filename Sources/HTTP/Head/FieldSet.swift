/// A set of known field names.
public struct FieldSet: OptionSet, Sendable, BitwiseCopyable {
  /// One bit for each name: `1 << FieldName.rawValue`.
  public let rawValue: UInt64

  /// The set of these bits.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The set of one name.
  @inlinable public init(_ name: FieldName) { rawValue = 1 << UInt64(name.rawValue) }

  /// The set of several names.
  public init(_ names: FieldName...) {
    rawValue = names.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
  }

  /// Whether `name` is in the set.
  @inlinable @inline(__always) public func contains(_ name: FieldName) -> Bool {
    rawValue >> UInt64(name.rawValue) & 1 != 0
  }

  /// Puts `name` into the set.
  @inlinable public mutating func insert(_ name: FieldName) {
    self = FieldSet(rawValue: rawValue | 1 << UInt64(name.rawValue))
  }

  /// Fields between two neighbours, which a proxy never passes on (RFC 9110 §7.6.1), `Transfer-Encoding` among them.
  @inlinable public static var hopByHop: FieldSet {
    [
      FieldSet(.connection), FieldSet(.te), FieldSet(.trailer), FieldSet(.upgrade), FieldSet(.keepAlive),
      FieldSet(.proxyConnection), FieldSet(.proxyAuthenticate), FieldSet(.proxyAuthorization),
      FieldSet(.http2Settings), FieldSet(.transferEncoding),
    ]
  }

  /// Fields that mean nothing good in a trailer section (RFC 9110 §6.5.1): framing, routing, tenancy, credentials.
  @inlinable public static var forbiddenInTrailers: FieldSet {
    [
      .hopByHop, FieldSet(.host), FieldSet(.contentLength), FieldSet(.expect), FieldSet(.xForwardedFor),
      FieldSet(.xForwardedProto), FieldSet(.xForwardedHost), FieldSet(.xRequestID), FieldSet(.via),
      FieldSet(.forwarded), FieldSet(.xTenantID), FieldSet(.xPlacementShard), FieldSet(.xPlacementEpoch),
      FieldSet(.cookie), FieldSet(.setCookie), FieldSet(.retryAfter), FieldSet(.date), FieldSet(.rateLimit),
      FieldSet(.rateLimitPolicy), FieldSet(.proxyStatus), FieldSet(.proxy),
    ]
  }
}
