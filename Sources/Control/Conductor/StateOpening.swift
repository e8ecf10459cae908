import Configuration
import Persistence

/// Opens what is kept in `state` while the first configuration is loaded: the tenants of the store are checked with those it
/// declares.
final class StateOpening {
  /// The folder, held from then on; `nil` when the configuration names none.
  private(set) var folder: StateFolder?
  private var tenants: LiveTenants?

  /// Opens the folder at `path`; tells what is known there of tenants.
  func open(_ path: String) throws(PersistenceError) -> TenantAdditions {
    // Held before anything is opened: two processes that keep the same would each spoil what the other one keeps.
    let folder = try StateFolder(path: path)
    let tenants = try LiveTenants(folder: folder)
    (self.folder, self.tenants) = (folder, tenants)
    return tenants.additions()
  }

  /// What was opened, or tenants of which nothing is kept.
  func finish() throws(PersistenceError) -> LiveTenants {
    if let tenants { return tenants }
    return try LiveTenants(folder: nil)
  }
}
