import Configuration
import Engine
import Persistence
import Platform
import Primitives
import Synchronization
import Tenancy

/// The only way in which tenants change while the process runs.
///
/// Has the tenants made by the API and what stands beside the declarations of others. A change is checked, kept down to the
/// disk, put into use, and answered once all workers use it. Changes that come while another is under way are done
/// together: one write, one new directory. Reloads hold the same lock.
final class LiveTenants: Sendable {
  /// Requests that wait at most.
  static let mostWaiting = 4_096
  /// Edits that are done together at most, beside a request that has more by itself.
  static let mostTogether = 1_024
  /// How long a change waits for the workers.
  static let patience: Int64 = 1 * .second
  /// Nanoseconds between two looks at workers that are about to take a change.
  private static let look: Int64 = 50 * .microsecond

  /// What belongs to whoever holds the lock.
  struct State: ~Copyable {
    /// `nil` before the start.
    var catalog: TenantCatalog?
    /// What was kept, until the start.
    var kept: (rows: RowTable, history: TenantHistory)
    /// `nil` when nothing is kept.
    var journal: TenantJournal?
    var engine: Engine?
    /// Tenants whose condition changes by itself, and when.
    var deadlines: [String: Int64] = [:]
    /// Whether a failure was told.
    var hasFailed = false
  }

  let state: Mutex<State>
  /// Held while a snapshot is written.
  let snapshots = Mutex(())
  /// What the API reads from.
  private let published = Mutex<TenantCatalog?>(nil)
  private let waiting = Mutex<[TenantRequest]>([])
  private let order = Mutex(TenantOrder())
  /// The next moment at which a condition changes by itself, or earlier; milliseconds since 1970.
  let nextDeadline = Atomic<Int64>(.max)
  let isStopping = Atomic<Bool>(false)
  let thread: Mutex<Platform.Thread?> = Mutex(nil)

  /// Reads what is kept in `folder`; `nil` keeps nothing.
  init(folder: StateFolder?) throws(PersistenceError) {
    var rows = RowTable()
    var history = TenantHistory()
    var journal: TenantJournal?
    if let folder { journal = try TenantJournal(folder: folder.path, rows: &rows, history: &history) }
    state = Mutex(State(catalog: nil, kept: (rows, history), journal: journal, engine: nil))
  }

  /// What time it is, in milliseconds since 1970.
  static func wallTime() -> Int64 { Clock.wall() / .millisecond }

  // MARK: - configurations

  /// What a configuration is to be loaded with at the start.
  func additions() -> TenantAdditions { state.withLock { LiveTenants.additions($0.catalog?.rows ?? $0.kept.rows) } }

  private static func additions(_ rows: RowTable) -> TenantAdditions {
    var additions = TenantAdditions(now: wallTime())
    additions.overlays = rows.overlays
    additions.forEachTenant = { body in
      rows.forEach { tenant, row in
        if case .whole(let settings)? = LiveTenant(bytes: row) { body(tenant, settings) }
      }
    }
    return additions
  }

  /// Takes up the configuration that `engine` was started with.
  func begin(_ configuration: LoadedConfiguration, _ engine: Engine) {
    state.withLock { state in
      state.engine = engine
      state.catalog = TenantCatalog(rows: state.kept.rows, history: state.kept.history, configuration: configuration)
      state.kept = (RowTable(), TenantHistory())
      adopt(&state)
    }
  }

  /// Has a configuration loaded and put into use while no tenant changes: `body` is given what it is to be loaded with, and
  /// returns the one that is in use when it has put another in its place.
  func reload(_ body: (TenantAdditions) -> LoadedConfiguration?) {
    state.withLock { state in
      guard let configuration = body(LiveTenants.additions(state.catalog?.rows ?? RowTable())) else { return }
      state.catalog?.configuration = configuration
      adopt(&state)
    }
  }

  /// Goes by a new configuration.
  private func adopt(_ state: inout State) {
    state.deadlines.removeAll()
    if let directory = state.catalog?.configuration.blueprint.tenants {
      directory.forEachChange { state.deadlines[directory.name(of: $0)] = $1 }
    }
    nextDeadline.store(state.deadlines.values.min() ?? .max, ordering: .relaxed)
    publish(state.catalog)
  }

  private func publish(_ catalog: TenantCatalog?) {
    // The one before ends outside the lock: it may be large.
    let old = published.withLock { published in
      let old = published
      published = catalog
      return old
    }
    _ = old
  }

  // MARK: - reading

  /// What is known now; a change that is under way is not in it.
  func catalog() throws(AdminProblem) -> TenantCatalog {
    guard let catalog = published.withLock({ $0 }) else { throw AdminProblem(503, "starting", "The proxy starts.") }
    return catalog
  }

  /// What holds for a tenant; `nil` when there is none.
  func sight(_ id: String) throws(AdminProblem) -> TenantSight? { try catalog().sight(id, now: LiveTenants.wallTime()) }

  /// The names of tenants behind `name`, and whether there are more.
  func page(
    after name: String?, limit: Int, of catalog: TenantCatalog, _ fits: (String) -> Bool
  ) -> (names: [String], hasMore: Bool) {
    let directory = catalog.configuration.blueprint.tenants
    let order = order.withLock { order in
      order.follow(directory)
      return order
    }
    return order.page(after: name, limit: limit, in: directory, fits)
  }

  /// Where a tenant lives.
  func placement(of tenant: String) -> (shard: String?, epoch: UInt64)? {
    guard let configuration = try? catalog().configuration else { return nil }
    let directory = configuration.blueprint.tenants
    let index = directory.tenant(tenant)
    guard index >= 0 else { return nil }
    return (configuration.reader.shardName(Int(directory.home(of: index))), directory.epoch(of: index))
  }

  // MARK: - changing

  /// Makes edits, all or none, and returns once all workers go by them.
  func make(_ edits: [TenantEdit], isDryRun: Bool = false) throws(AdminProblem) -> [TenantEditOutcome] {
    let request = TenantRequest(edits, isDryRun: isDryRun)
    let hasRoom = waiting.withLock { waiting in
      guard waiting.count < LiveTenants.mostWaiting else { return false }
      waiting.append(request)
      return true
    }
    guard hasRoom else { throw AdminProblem(503, "busy", "Too many changes wait.") }
    let result = state.withLock { state in
      // Whoever comes first does the work of all that wait by then.
      while request.result == nil { commit(take(), &state) }
      return request.result
    }
    switch result {
    case .success(let outcomes)?: return outcomes
    case .failure(let problem)?: throw problem
    case nil: preconditionFailure("a request was not dealt with")
    }
  }

  /// The requests to be done next: plain ones together, any other alone.
  private func take() -> [TenantRequest] {
    waiting.withLock { waiting in
      guard let first = waiting.first else { return [] }
      let count = first.isPlain ? waiting.prefix(LiveTenants.mostTogether).prefix(while: \.isPlain).count : 1
      let taken = Array(waiting.prefix(count))
      waiting.removeFirst(count)
      return taken
    }
  }

  private func commit(_ requests: [TenantRequest], _ state: inout State) {
    guard let catalog = state.catalog, let engine = state.engine, !isStopping.load(ordering: .relaxed) else {
      return fail(requests, AdminProblem(503, "draining", "The proxy starts or stops."))
    }
    guard isSettled(engine) else {
      return fail(requests, AdminProblem(503, "workers_stuck", "A worker has not taken the change before."))
    }
    var draft = TenantDraft(catalog, now: LiveTenants.wallTime())
    var good: [(TenantRequest, [TenantEditOutcome])] = []
    for request in requests {
      do throws(AdminProblem) {
        good.append((request, try make(request, in: &draft)))
      } catch {
        request.result = .failure(error)
      }
    }
    let isDryRun = requests.contains(where: \.isDryRun)
    // Of a request that goes alone all edits must be good.
    if !draft.entries.isEmpty, !good.isEmpty, !isDryRun {
      do throws(AdminProblem) {
        try keep(draft.entries, &state)
      } catch {
        return fail(good.map(\.0), error)
      }
      use(draft, &state, engine)
    }
    for (request, outcomes) in good { request.result = .success(outcomes) }
  }

  private func fail(_ requests: [TenantRequest], _ problem: AdminProblem) {
    for request in requests { request.result = .failure(problem) }
  }

  /// Makes all edits of a request; tells everything that is wrong with them, if something is.
  private func make(
    _ request: TenantRequest, in draft: inout TenantDraft
  ) throws(AdminProblem) -> [TenantEditOutcome] {
    if request.edits.count == 1 { return [try draft.make(request.edits[0])] }
    var outcomes: [TenantEditOutcome] = []
    var problems: [(String, AdminProblem)] = []
    for edit in request.edits {
      do throws(AdminProblem) {
        outcomes.append(try draft.make(edit))
      } catch {
        problems.append((edit.tenant, error))
      }
    }
    if problems.isEmpty { return outcomes }
    throw AdminProblem(aboutTenants: problems)
  }

  /// Keeps changes down to the disk.
  private func keep(_ entries: [HistoryEntry], _ state: inout State) throws(AdminProblem) {
    guard let catalog = state.catalog, state.journal != nil else {
      throw .conflict("no_state", "The configuration has no 'state', where changes are kept.")
    }
    do throws(PersistenceError) {
      try state.journal?.commit(entries, after: catalog)
      if state.hasFailed { say("changes of tenants are kept again") }
      state.hasFailed = false
    } catch {
      if !state.hasFailed { say("changes of tenants can't be kept: \(error)") }
      state.hasFailed = true
      throw AdminProblem(error.isFull ? 507 : 503, "state_unwritable", "Nothing was changed: \(error).")
    }
  }

  /// Puts what was drafted into use and waits for the workers.
  func use(_ draft: consuming TenantDraft, _ state: inout State, _ engine: Engine) {
    let changes = draft.changes
    let catalog = draft.finish()
    do throws(EngineError) {
      try engine.applyTenants(of: catalog.configuration.blueprint)
    } catch {
      // It is kept, and comes into use with the next change or reload.
      say("gatehouse: \(error)")
    }
    state.catalog = catalog
    for (tenant, change) in changes {
      state.deadlines[tenant] = change > 0 ? change : nil
      if change > 0, change < nextDeadline.load(ordering: .relaxed) { nextDeadline.store(change, ordering: .relaxed) }
    }
    publish(catalog)
    if !isSettled(engine) { say("a worker does not take a change of tenants") }
    engine.releaseOldBlueprints()
  }

  /// Whether all workers use the newest blueprint, soon at least.
  private func isSettled(_ engine: Engine) -> Bool {
    let end = Clock.now().advanced(by: LiveTenants.patience)
    while !engine.isSettled {
      guard Clock.now() < end else { return false }
      Machine.rest(nanoseconds: LiveTenants.look)
    }
    return true
  }
}
