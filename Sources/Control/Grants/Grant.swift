/// A role that somebody was given, who shows a token for it.
struct Grant: Codable, Sendable, Equatable {
  var id: String
  var role: AdminRole
  /// The tenants it is limited to; `nil` is all.
  var tenants: [String]?
  /// Until when, in nanoseconds since 1970; `nil` is for ever.
  var until: Int64?
  var reason: String
  /// When it was given, in nanoseconds since 1970, and by whom.
  var created: Int64
  var actor: String
  /// SHA-256 of the token.
  var digest: [UInt8]
  /// Of a sealed token: how long it is good for from its first use on, in nanoseconds.
  var seal: Int64?
  /// When a sealed token was first used, in nanoseconds since 1970.
  var opened: Int64?
  /// Whether it was taken back.
  var isRevoked = false

  /// When it ends, as far as that is known.
  var end: Int64? {
    let sealed = seal.flatMap { seal in opened.map { $0.addingReportingOverflow(seal).overflow ? .max : $0 + seal } }
    return switch (until, sealed) {
    case (let until?, let sealed?): min(until, sealed)
    case (let one, let other): one ?? other
    }
  }

  /// Whether it was good until some time before `now`.
  func isExpired(at now: Int64) -> Bool { end.map { $0 <= now } ?? false }
}
