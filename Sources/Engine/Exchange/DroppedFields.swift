import HTTP

/// Fields that are not passed on as they came, made once for all messages.
enum DroppedFields {
  /// Of a request: hop-by-hop (RFC 9110, section 7.6.1), those that the proxy sets, and `Proxy`, which some servers take
  /// for a setting of their own.
  static let request: FieldSet = [
    FieldSet(.connection), FieldSet(.keepAlive), FieldSet(.proxyConnection), FieldSet(.te),
    FieldSet(.transferEncoding), FieldSet(.upgrade), FieldSet(.http2Settings), FieldSet(.xForwardedFor),
    FieldSet(.xRequestID), FieldSet(.xTenantID), FieldSet(.xPlacementShard), FieldSet(.xPlacementEpoch),
    FieldSet(.proxy),
  ]
  /// Of an untrusted client's request: what says where it came from as well.
  static let untrustedRequest = request.union([
    FieldSet(.xForwardedProto), FieldSet(.xForwardedHost), FieldSet(.forwarded),
  ])
  /// How long the client waits: where it was understood, what is left of it is written anew.
  static var deadlines: FieldSet { FieldSet(.grpcTimeout).union(FieldSet(.xRequestTimeout)) }
  /// These and a length that is written anew.
  @inline(never)
  static func withLength(_ fields: FieldSet) -> FieldSet { fields.union(FieldSet(.contentLength)) }
  /// What a `Connection` field can't remove: it frames a message or says where it goes.
  static let unremovable: FieldSet = [FieldSet(.host), FieldSet(.contentLength)]
  /// Of a response: hop-by-hop.
  static let response: FieldSet = [
    FieldSet(.connection), FieldSet(.keepAlive), FieldSet(.proxyConnection), FieldSet(.te),
    FieldSet(.transferEncoding), FieldSet(.upgrade),
  ]
  /// Of a response without body, or whose body is framed anew.
  static let responseWithoutLength = response.union(FieldSet(.contentLength))
}
