/// What a caller of the admin API may do; each role may do what those before it may.
enum AdminRole: String, Sendable, Codable, CaseIterable, Comparable {
  /// Reads.
  case viewer
  /// Changes the state of a tenant for a time.
  case support
  /// Changes tenants, backends and placement.
  case `operator`
  /// Grants roles, restores the past.
  case admin

  static func < (left: AdminRole, right: AdminRole) -> Bool {
    allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
  }
}

/// Who calls the admin API.
struct AdminCaller: Sendable, Equatable {
  /// The caller's name in history and audit: `uid:0`, `grant:ID`, or who inside the process.
  var actor: String
  /// What it may do.
  var role: AdminRole
  /// The tenants it may see and change; `nil` is all.
  var tenants: Set<String>?
  /// Where it calls from: an address, or `unix`.
  var from: String

  /// Whether it may deal with this tenant.
  func mayReach(_ tenant: String) -> Bool { tenants?.contains(tenant) ?? true }

  /// Refuses a caller that is limited to some tenants, for what is about the whole proxy.
  func mustReachAll() throws(AdminProblem) {
    if tenants != nil { throw .forbidden("The caller is limited to some tenants, and this is about the whole proxy.") }
  }
}
