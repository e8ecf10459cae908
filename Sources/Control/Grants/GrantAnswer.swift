import ConfigLanguage

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
