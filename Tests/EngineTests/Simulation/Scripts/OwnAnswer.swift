/// What the proxy says in its own name.
enum OwnAnswer {
  /// The code in a body of its own.
  static func code(_ body: [UInt8], status: Int) -> String {
    let text = String(decoding: body, as: UTF8.self)
    guard let start = text.firstRange(of: "\"code\":\"") else {
      // Answers to HEAD have no body; their status says enough.
      return [404: "tenant_unknown", 403: "tenant_suspended", 429: "rate_limited", 504: "response_timeout"][status]
        ?? (status == 502 ? "bad_response" : status == 503 ? "no_backend" : "none")
    }
    return String(text[start.upperBound...].prefix { $0 != "\"" })
  }
}
