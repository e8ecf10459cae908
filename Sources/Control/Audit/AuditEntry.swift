/// What somebody did, or was not let do, through the admin API.
struct AuditEntry: Codable, Sendable, Equatable {
  /// Its number; grows by one with each.
  var n: Int64 = 0
  var time = ""
  var actor: String
  var role: String
  /// Where it was asked from.
  var from: String
  var action: String
  /// What it was about, such as `tenant/acme`.
  var target: String
  var reason: String?
  /// `done`, or the code of the problem.
  var result: String
  /// SHA-256 of what was before and what is now, in hex; `nil` where there was, or is, nothing.
  var beforeHash: String?
  var afterHash: String?
  /// The tenants it was about, beside one that `target` names.
  var tenants: [String]?

  enum CodingKeys: String, CodingKey {
    case n, time, actor, role, from, action, target, reason, result, tenants
    case beforeHash = "before_hash"
    case afterHash = "after_hash"
  }

  /// Whether it is about a tenant.
  func concerns(_ tenant: String) -> Bool {
    target == "tenant/\(tenant)" || target.hasPrefix("tenant/\(tenant)/") || tenants?.contains(tenant) == true
  }

  /// Every member but `tenants`, as `null` where there is nothing.
  func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(n, forKey: .n)
    try members.encode(time, forKey: .time)
    try members.encode(actor, forKey: .actor)
    try members.encode(role, forKey: .role)
    try members.encode(from, forKey: .from)
    try members.encode(action, forKey: .action)
    try members.encode(target, forKey: .target)
    try members.encode(reason, forKey: .reason)
    try members.encode(result, forKey: .result)
    try members.encode(beforeHash, forKey: .beforeHash)
    try members.encode(afterHash, forKey: .afterHash)
    try members.encodeIfPresent(tenants, forKey: .tenants)
  }
}
