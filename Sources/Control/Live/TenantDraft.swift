import ConfigLanguage
import Configuration
import Tenancy

/// Tenants on their way from what holds to what will: edits are checked one after the other, each against what those
/// before it left.
struct TenantDraft: ~Copyable {
  private var builder: TenantDirectoryBuilder
  private let now: Int64
  /// What will be kept.
  private(set) var catalog: TenantCatalog
  /// The changes, in the form in which they are remembered.
  private(set) var entries: [HistoryEntry] = []
  /// Tenants whose condition may change by itself at another time now, and when; 0 is never.
  private(set) var changes: [String: Int64] = [:]

  /// A draft that begins with what holds.
  init(_ catalog: TenantCatalog, now: Int64) {
    self.catalog = catalog
    self.now = now
    builder = TenantDirectoryBuilder(editing: catalog.configuration.blueprint.tenants)
  }

  /// What holds for a tenant by now.
  func sight(_ id: String) -> TenantSight? { catalog.sight(id, now: now) }

  /// Makes one edit; when it throws, nothing has changed.
  mutating func make(_ edit: TenantEdit) throws(AdminProblem) -> TenantEditOutcome {
    let before = sight(edit.tenant)
    var row = try edit.change(before)
    if row == before?.row { return TenantEditOutcome(before: before, after: before) }
    switch row {
    case .whole(let settings)?: row = .whole(try enter(edit.tenant, settings, before))
    case .overlay(let overlay)?: try amend(edit.tenant, overlay)
    case nil:
      if case .whole? = before?.row { try remove(edit.tenant) } else { try amend(edit.tenant, TenantOverlay()) }
    }
    if row == before?.row { return TenantEditOutcome(before: before, after: before) }
    remember(edit, row)
    return TenantEditOutcome(before: before, after: sight(edit.tenant))
  }

  private mutating func remember(_ edit: TenantEdit, _ row: LiveTenant?) {
    let (old, new) = (catalog.rows[edit.tenant], row?.bytes)
    let entry = HistoryEntry(
      n: catalog.history.last + 1, time: now, actor: edit.actor, action: edit.action, tenant: edit.tenant,
      reason: edit.reason, before: old, after: new)
    catalog.rows[edit.tenant] = new
    catalog.history.append(entry)
    entries.append(entry)
  }

  /// Puts a tenant of the store in; returns its settings as they are read.
  private mutating func enter(
    _ id: String, _ settings: TenantSettings, _ before: TenantSight?
  ) throws(AdminProblem) -> TenantSettings {
    guard catalog.configuration.process.hasStore else {
      throw .conflict("no_store", "The configuration has no 'tenants store', where tenants made by the API live.")
    }
    var record: TenantRecord
    switch catalog.configuration.reader.check(id, settings) {
    case .good(let good): record = good
    case .bad(let sentences): throw AdminProblem(422, "tenant_invalid", sentences.joined(separator: "; "))
    }
    var settings = settings
    settings.hosts = record.hosts
    record.condition = record.condition.at(now)
    if let problem = problem(with: builder.outcome(of: record), record) { throw problem }
    guard builder.add(record) == .added else {
      throw AdminProblem(507, "too_many_tenants", "There are too many tenants.")
    }
    changes[id] = record.condition.change
    return settings
  }

  private mutating func problem(with outcome: AddOutcome, _ record: TenantRecord) -> AdminProblem? {
    switch outcome {
    case .added: return nil
    case .duplicateHost, .duplicateTenant:
      for host in record.hosts {
        if let owner = builder.nameOfOwner(ofHost: host), owner != record.id {
          return .conflict("host_taken", "Host '\(host)' is claimed by tenant '\(owner)'.")
        }
      }
      return .conflict("host_taken", "A host is claimed by another tenant.")
    case .epochLower(let current):
      return .conflict("epoch_lower", "Epoch \(record.epoch) is lower than \(current), which is in use.")
    case .tooMany: return AdminProblem(507, "too_many_tenants", "There are too many tenants.")
    }
  }

  private mutating func remove(_ id: String) throws(AdminProblem) {
    let blueprint = catalog.configuration.blueprint
    if let unknown = blueprint.unknownTenant, blueprint.tenants.name(of: unknown) == id {
      throw .conflict("tenant_in_use", "'unknown-tenant use \(id)' names the tenant.")
    }
    _ = builder.remove(id)
    changes[id] = 0
  }

  /// Sets what stands beside the declaration of a tenant of the configuration.
  private mutating func amend(_ id: String, _ overlay: TenantOverlay) throws(AdminProblem) {
    let index = catalog.configuration.blueprint.tenants.tenant(id)
    // What stands beside a declaration that is gone is kept for when it comes back.
    guard index >= 0, catalog.configuration.blueprint.tenants.source(of: index).file >= 0 else { return }
    let declared = catalog.configuration.declaration(of: id, at: index)
    catalog.configuration.declared[id] = declared
    guard let settings = catalog.configuration.settings(ofDeclared: id, with: overlay) else { return }
    let home = settings.home.flatMap { catalog.configuration.reader.shard($0) } ?? -1
    let condition = settings.condition.at(now)
    guard builder.amend(id, condition, home: Int32(home), epoch: settings.epoch) else {
      throw .conflict("epoch_lower", "Epoch \(settings.epoch) is lower than the one in use.")
    }
    changes[id] = condition.change
  }

  /// Has a tenant be what it is by the clock, without remembering anything.
  mutating func refresh(_ id: String) {
    changes[id] = 0
    guard let sight = sight(id) else { return }
    let home = sight.settings.home.flatMap { catalog.configuration.reader.shard($0) } ?? -1
    let index = catalog.configuration.blueprint.tenants.tenant(id)
    let current = index >= 0 ? catalog.configuration.blueprint.tenants.home(of: index) : -1
    let condition = sight.settings.condition
    if builder.amend(id, condition, home: home >= 0 ? Int32(home) : current, epoch: sight.settings.epoch) {
      changes[id] = condition.change
    }
  }

  /// The catalog of what was made here, with the blueprint to be put into use.
  consuming func finish() -> TenantCatalog {
    var catalog = catalog
    let reader = catalog.configuration.reader
    catalog.configuration.blueprint.generation += 1
    catalog.configuration.blueprint.tenants = builder.finish()
    catalog.configuration.blueprint.policies = reader.policies
    catalog.configuration.blueprint.zones = reader.zones
    return catalog
  }
}
