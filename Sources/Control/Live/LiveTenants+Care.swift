import Configuration
import Engine
import Persistence
import Platform
import Primitives
import Tenancy

/// What has to be done for tenants without anybody asking.
extension LiveTenants {
  /// Nanoseconds between two looks.
  private static let rest: Int64 = 50 * .millisecond
  /// Conditions that end at the same time and are changed together.
  private static let mostDue = 1_000

  /// Looks after the tenants until `stop()`.
  func start() throws(SystemError) {
    let thread = try Platform.Thread(name: "tenants") { [self] in
      while !isStopping.load(ordering: .acquiring) {
        if nextDeadline.load(ordering: .relaxed) <= LiveTenants.wallTime() { endConditions() }
        compact()
        Machine.rest(nanoseconds: LiveTenants.rest)
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Changes no tenant any more, and ends the thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    thread.withLock { $0 }?.join()
  }

  /// Keeps nothing while `body` runs, and nothing ever again if that is true; requests in flight go by the tenants as they
  /// are.
  func handOver(_ body: () -> Bool) -> Bool {
    snapshots.withLock { _ in
      state.withLock { _ in
        guard body() else { return false }
        isStopping.store(true, ordering: .releasing)
        return true
      }
    }
  }

  // MARK: - states that end

  /// Ends the conditions whose time has come.
  private func endConditions() {
    let (due, kept) = state.withLock { state in
      let now = LiveTenants.wallTime()
      let due = Array(state.deadlines.lazy.filter { $0.value <= now }.map(\.key).prefix(LiveTenants.mostDue))
      if due.isEmpty { nextDeadline.store(state.deadlines.values.min() ?? .max, ordering: .relaxed) }
      return (due, due.filter { state.catalog?.rows[$0] != nil })
    }
    guard !due.isEmpty else { return }
    if !kept.isEmpty {
      do throws(AdminProblem) {
        _ = try make(kept.map { LiveTenants.expiry(of: $0) })
      } catch {
        say("the states of \(kept.count) tenants end by the clock, but that can't be kept: \(error.detail)")
      }
    }
    refresh(due)
  }

  private static func expiry(of tenant: String) -> TenantEdit {
    TenantEdit(tenant: tenant, action: "tenant.expire", actor: "gatehouse", reason: "its time has come") {
      (sight: TenantSight?) throws(AdminProblem) -> LiveTenant? in
      // What is seen of it is what holds by the clock.
      guard let sight, let row = sight.row else { return sight?.row }
      switch row {
      case .whole: return .whole(sight.settings)
      case .overlay(var overlay):
        guard overlay.until > 0, overlay.until <= LiveTenants.wallTime() else { return row }
        overlay.state = .active
        overlay.until = 0
        return .overlay(overlay)
      }
    }
  }

  /// Ends the conditions of those for which nothing is kept, or can be now.
  private func refresh(_ tenants: [String]) {
    state.withLock { state in
      let now = LiveTenants.wallTime()
      let due = tenants.filter { (state.deadlines[$0] ?? .max) <= now }
      guard !due.isEmpty, let catalog = state.catalog, let engine = state.engine else { return }
      var draft = TenantDraft(catalog, now: now)
      for tenant in due { draft.refresh(tenant) }
      use(draft, &state, engine)
    }
  }

  // MARK: - snapshots

  /// Writes a snapshot when the journal has become long; changes go on meanwhile.
  private func compact() { snapshots.withLock { _ in writeSnapshot() } }

  private func writeSnapshot() {
    let begun = state.withLock { state -> (SnapshotWriter, TenantCatalog)? in
      guard let catalog = state.catalog, state.journal?.isLong == true, !isStopping.load(ordering: .relaxed) else {
        return nil
      }
      do throws(PersistenceError) {
        guard let snapshot = try state.journal?.beginSnapshot() else { return nil }
        return (snapshot, catalog)
      } catch {
        state.journal?.postponeSnapshot()
        say("tenants: no snapshot: \(error)")
        return nil
      }
    }
    guard let (snapshot, catalog) = begun else { return }
    do throws(PersistenceError) {
      try TenantJournal.write(catalog, to: snapshot)
      try state.withLock { state throws(PersistenceError) in try state.journal?.end(snapshot, of: catalog) }
    } catch {
      state.withLock { $0.journal?.postponeSnapshot() }
      say("tenants: no snapshot: \(error)")
    }
  }
}
