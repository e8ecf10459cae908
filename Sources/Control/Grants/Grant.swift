import ConfigLanguage
import Primitives

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

/// A grant as the admin API tells of it; never its token but when it is made.
struct GrantAnswer: Codable, Sendable {
  var id: String
  var role: AdminRole
  var tenants: [String]?
  var until: String?
  var reason: String
  var created: String
  var actor: String
  /// `active`, `sealed` or `expired`.
  var state: String
  var breakGlass: String?
  var opened: String?
  var token: String?

  enum CodingKeys: String, CodingKey {
    case id, role, tenants, until, reason, created, actor, state, opened, token
    case breakGlass = "break_glass"
  }

  init(_ grant: Grant, at now: Int64, token: String? = nil) {
    id = grant.id
    role = grant.role
    tenants = grant.tenants
    until = grant.end.map { AdminTime.text($0) }
    reason = grant.reason
    created = AdminTime.text(grant.created)
    actor = grant.actor
    state = grant.isExpired(at: now) ? "expired" : grant.seal != nil && grant.opened == nil ? "sealed" : "active"
    breakGlass = grant.seal.map { Quantity.text(duration: $0) }
    opened = grant.opened.map { AdminTime.text($0) }
    self.token = token
  }
}
