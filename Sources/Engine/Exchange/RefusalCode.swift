/// Why the proxy answers by itself: the stable codes of its error bodies, logs and metrics.
public enum RefusalCode: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case none
  case badRequest, tenantConflict, tenantUnknown, tenantSuspended
  case headTooLarge, targetTooLong, bodyTooLarge
  case overloaded, rateLimited, concurrencyLimited
  case noBackend, connectFailed, badResponse, responseTimeout, requestTimeout, misdirected
  case upgradeUnsupported
  case breakerOpen
  case moveHoldOverflow, moveHoldTimeout, tenantMoved
  case tenantReadOnly, tenantMaintenance, tenantGone, noTestShard, regionPinned

  /// How many codes.
  static let count = allCases.count

  /// The code as users see it.
  public var name: StaticString {
    switch self {
    case .none: ""
    case .badRequest: "bad_request"
    case .tenantConflict: "tenant_conflict"
    case .tenantUnknown: "tenant_unknown"
    case .tenantSuspended: "tenant_suspended"
    case .headTooLarge: "head_too_large"
    case .targetTooLong: "uri_too_long"
    case .bodyTooLarge: "body_too_large"
    case .overloaded: "overloaded"
    case .rateLimited: "rate_limited"
    case .concurrencyLimited: "concurrency_limited"
    case .noBackend: "no_backend"
    case .connectFailed: "connect_failed"
    case .badResponse: "bad_response"
    case .responseTimeout: "response_timeout"
    case .requestTimeout: "request_timeout"
    case .misdirected: "misdirected"
    case .upgradeUnsupported: "upgrade_unsupported"
    case .breakerOpen: "breaker_open"
    case .moveHoldOverflow: "move_hold_overflow"
    case .moveHoldTimeout: "move_hold_timeout"
    case .tenantMoved: "tenant_moved"
    case .tenantReadOnly: "tenant_read_only"
    case .tenantMaintenance: "tenant_maintenance"
    case .tenantGone: "tenant_gone"
    case .noTestShard: "no_test_shard"
    case .regionPinned: "region_pinned"
    }
  }

  /// The status sent with it.
  public var status: UInt16 {
    switch self {
    case .none: 0
    case .badRequest, .tenantConflict: 400
    case .tenantSuspended, .tenantReadOnly: 403
    case .tenantUnknown: 404
    case .requestTimeout: 408
    case .tenantGone: 410
    case .bodyTooLarge: 413
    case .targetTooLong: 414
    case .misdirected: 421
    case .rateLimited, .concurrencyLimited: 429
    case .headTooLarge: 431
    case .upgradeUnsupported: 501
    case .connectFailed, .badResponse: 502
    case .overloaded, .noBackend, .breakerOpen, .moveHoldOverflow, .moveHoldTimeout, .tenantMoved, .tenantMaintenance,
      .noTestShard, .regionPinned:
      503
    case .responseTimeout: 504
    }
  }

  /// The reason phrase of its status.
  var reason: StaticString {
    switch status {
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 408: "Request Timeout"
    case 410: "Gone"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 421: "Misdirected Request"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    default: "Gateway Timeout"
    }
  }

  /// One sentence for people.
  public var title: StaticString {
    switch self {
    case .none: ""
    case .badRequest: "The request is malformed."
    case .tenantConflict: "The request names two different tenants."
    case .tenantUnknown: "The request names no tenant that is served here."
    case .tenantSuspended: "The tenant is suspended."
    case .headTooLarge: "The request's fields are too large."
    case .targetTooLong: "The request's target is too long."
    case .bodyTooLarge: "The request's body is too large."
    case .overloaded: "There is no room for the request now."
    case .rateLimited: "The tenant's request rate is used up."
    case .concurrencyLimited: "The tenant has too many requests in flight."
    case .noBackend: "No application server is available."
    case .connectFailed: "The application server can't be reached."
    case .badResponse: "The application server's response is malformed."
    case .responseTimeout: "The application server did not answer in time."
    case .requestTimeout: "The request did not arrive in time."
    case .misdirected: "The connection was made for another tenant than the request names."
    case .upgradeUnsupported: "The application server takes no WebSocket over HTTP/2."
    case .moveHoldOverflow: "The tenant is being moved, and there is no room to hold the request meanwhile."
    case .moveHoldTimeout: "The tenant is being moved, and the request was held for as long as it may be."
    case .tenantMoved: "The tenant has moved."
    case .breakerOpen: "Too many of the tenant's requests failed; none is sent to its application servers for a while."
    case .tenantReadOnly: "The tenant takes no changes now, it can only be read."
    case .tenantMaintenance: "The tenant is under maintenance."
    case .tenantGone: "The tenant is not served any more."
    case .regionPinned: "The tenant may not leave its region, and no shard of that region serves it."
    case .noTestShard: "The tenant is one of tests, and there is no shard for tests that could serve it."
    }
  }

  /// The error type of `Proxy-Status` (RFC 9209, section 2.3).
  var proxyError: StaticString {
    switch self {
    case .badRequest, .tenantConflict, .headTooLarge, .targetTooLong, .bodyTooLarge, .requestTimeout, .misdirected:
      "http_request_error"
    case .tenantSuspended, .tenantReadOnly, .rateLimited, .concurrencyLimited: "http_request_denied"
    case .tenantUnknown, .tenantGone: "destination_not_found"
    case .noBackend, .breakerOpen, .moveHoldOverflow, .moveHoldTimeout, .tenantMoved, .tenantMaintenance, .noTestShard,
      .regionPinned:
      "destination_unavailable"
    case .connectFailed: "connection_refused"
    case .badResponse: "http_protocol_error"
    case .responseTimeout: "http_response_timeout"
    case .upgradeUnsupported: "http_upgrade_failed"
    case .none, .overloaded: "connection_limit_reached"
    }
  }
}
