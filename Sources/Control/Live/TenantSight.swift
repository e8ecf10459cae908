import Configuration
import Engine
import Tenancy

/// What is known of a tenant at a moment, wherever it is declared.
struct TenantSight: Sendable, Equatable {
  let id: String
  /// What holds for it.
  let settings: TenantSettings
  /// Where it is declared: `store`, or `file:line`.
  let source: String
  /// What is kept of it, if anything is.
  let row: LiveTenant?

  /// Whether the configuration declares it, so that only its state and its placement can be changed.
  var isDeclared: Bool { source != "store" }

  /// What stands beside its declaration.
  var overlay: TenantOverlay? { if case .overlay(let overlay)? = row { overlay } else { nil } }

  var document: TenantDocument { TenantDocument(id, settings, source: source) }

  /// The tenant `id`; `nil` when there is none.
  init?(_ id: String, _ row: LiveTenant?, in configuration: LoadedConfiguration, now: Int64) {
    self.id = id
    self.row = row
    switch row {
    case .whole(var settings)?:
      guard configuration.process.hasStore else { return nil }
      settings.condition = settings.condition.at(now)
      self.settings = settings
      source = "store"
    case .overlay, nil:
      var overlay: TenantOverlay?
      if case .overlay(let known)? = row { overlay = known }
      guard var settings = configuration.settings(ofDeclared: id, with: overlay) else { return nil }
      settings.condition = settings.condition.at(now)
      self.settings = settings
      source = configuration.source(of: configuration.blueprint.tenants.tenant(id))
    }
  }
}

/// All that is known of tenants at a moment: what the API reads from, without waiting for a change.
struct TenantCatalog: Sendable {
  var rows = RowTable()
  var history = TenantHistory()
  /// What is in use; `nil` before the start.
  var configuration: LoadedConfiguration

  /// The tenant `id`; `nil` when there is none.
  func sight(_ id: String, now: Int64) -> TenantSight? {
    TenantSight(id, rows.tenant(id), in: configuration, now: now)
  }
}
