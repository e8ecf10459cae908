import Configuration

/// A change that is asked for of one tenant.
struct TenantEdit: Sendable {
  var tenant: String
  /// What it is called in history, such as `tenant.put`.
  var action: String
  var actor: String
  var reason: String?
  /// What is to be kept of the tenant, told what holds for it; `nil` keeps nothing.
  var change: @Sendable (TenantSight?) throws(AdminProblem) -> LiveTenant?
}

/// What became of an edit.
struct TenantEditOutcome: Sendable {
  /// What held for the tenant before and what holds now; `nil` where there was, or is, none.
  var before: TenantSight?
  var after: TenantSight?

  /// Whether anything is different.
  var hasChanged: Bool { before?.row != after?.row }
}

/// Edits that are done together, or none of them.
final class TenantRequest: @unchecked Sendable {
  // Unchecked: `result` is written and read by whoever holds the lock of the tenants.
  let edits: [TenantEdit]
  /// Whether only to find out what would be.
  let isDryRun: Bool
  /// What became of it; `nil` until somebody has dealt with it.
  var result: Result<[TenantEditOutcome], AdminProblem>?

  init(_ edits: [TenantEdit], isDryRun: Bool) {
    self.edits = edits
    self.isDryRun = isDryRun
  }

  /// Whether it goes together with others: what fails of it leaves nothing behind.
  var isPlain: Bool { edits.count == 1 && !isDryRun }
}
