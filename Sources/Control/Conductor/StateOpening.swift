import Configuration
import Persistence

/// Opens what is kept in `state` while the first configuration is loaded: the tenants of the store are checked with those it
/// declares.
final class StateOpening {
  /// The folder, held from then on; `nil` when the configuration names none.
  private(set) var folder: StateFolder?
  private var tenants: LiveTenants?
  /// The lock of the folder as the process before holds it.
  private var lock: Int32?

  init(lock: Int32? = nil) { self.lock = lock }

  /// Opens the folder at `path`; tells what is known there of tenants.
  func open(_ path: String) throws(PersistenceError) -> TenantAdditions {
    // Held before anything is opened: two processes that keep the same would each spoil what the other one keeps.
    let folder = try StateFolder(path: path, inherited: lock)
    lock = nil
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
