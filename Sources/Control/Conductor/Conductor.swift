import Configuration
import Engine
import FoundationEssentials
import Glibc
import Persistence
import Platform
import Primitives
import Synchronization
import Telemetry
import Tenancy

/// Starts the data plane and what stands around it, and leads it through reloads to its end.
///
/// Lives on the main thread; only what `Shared` holds is seen by others.
final class Conductor {
  /// What the threads of the metrics server read.
  final class Shared: Sendable {
    let isReady = Atomic<Bool>(false)
    let metricsTenants = Atomic<Int>(500)
    let reload = Mutex(ReloadFacts(isSuccessful: true, lastSuccess: 0))
    let isDraining = Atomic<Bool>(false)
    /// Where clients connect.
    let addresses = Mutex<[Endpoint]>([])
    /// Reloads that are asked for through the admin API.
    let reloads = ReloadDesk()
    /// Upgrades that are asked for through the admin API.
    let upgrades = UpgradeDesk()
    /// Upgrades so far, those of the processes before this one included.
    let upgradeFacts = Mutex(UpgradeFacts())
  }

  /// The signals the conductor answers to.
  static let signals = [SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2]

  let configPath: String
  let notifier = Notifier(environment: ProcessInfo.processInfo.environment)
  let shared = Shared()
  var settings = ProcessSettings()
  /// The folder of what outlives the process, held as long as it runs.
  let state: StateFolder?
  let engine: Engine
  private(set) var server: MetricsServer?
  private(set) var admin: AdminServer?
  let grants: GrantBook?
  /// Who moves tenants; `nil` when nothing is kept.
  let moves: MoveKeeper?
  let auditor: Auditor
  private var writer: RecordWriter?
  let quotas: QuotaKeeper?
  let tenants: LiveTenants
  /// Sockets that were open before this process was.
  let inherited: InheritedSockets
  /// The process whose place this one takes, until it has.
  let predecessor: Predecessor?
  /// Whether sample applications are served, which no other process can take over.
  private var isDemo = false
  /// Whether the process was told to stop while it waited for another to take its place.
  var isStopped = false
  private let overload = OverloadWatch()
  private let descriptors: Int
  private var backends = BackendWatch()
  private var handshakes = HandshakeWatch()

  // MARK: - the commands

  /// Serves until signalled: 0 for a clean stop, 1 when it could not start.
  static func run(configPath: String) -> Int32 {
    Signals.hold(signals)
    // Not kept here: what was loaded at the start must go when a reload takes its place.
    let predecessor: Predecessor?
    do throws(UpgradeFailure) {
      predecessor = try Predecessor.find(ProcessInfo.processInfo.environment)
    } catch {
      say("gatehouse: \(error)")
      return 1
    }
    let opening = StateOpening(lock: predecessor?.lock)
    let loaded = load(configPath, opening: opening, for: predecessor)
    guard let conductor = started(with: loaded, opening, configPath, after: predecessor) else { return 1 }
    return conductor.conduct()
  }

  /// Serves with sample applications at the addresses of the backends.
  static func demo(configPath: String) -> Int32 {
    Signals.hold(signals)
    let opening = StateOpening()
    guard let loaded = load(configPath, opening: opening) else { return 1 }
    var applications: [SampleApplication] = []
    defer { for application in applications { application.stop() } }
    for shard in loaded.blueprint.shards {
      for backend in shard.backends {
        do throws(SystemError) {
          applications.append(try SampleApplication(at: backend.endpoint, named: backend.name))
        } catch {
          say("gatehouse: a sample app server can't listen on \(backend.name): \(error)")
          return 1
        }
      }
    }
    say("\(applications.count) sample app servers stand in for the backends")
    guard let conductor = started(with: loaded, opening, configPath) else { return 1 }
    conductor.isDemo = true
    DemoAdvice.print(for: loaded.blueprint, at: conductor.engine, metrics: conductor.server?.endpoints ?? [])
    return conductor.conduct()
  }

  /// A conductor whose data plane serves; `nil` when that could not be, and it has been said why.
  private static func started(
    with loaded: LoadedConfiguration?, _ opening: StateOpening, _ configPath: String,
    after predecessor: Predecessor? = nil
  ) -> Conductor? {
    guard let loaded else { return nil }
    do {
      let conductor = try Conductor(loaded, opening, configPath, predecessor)
      do {
        try conductor.startAround(loaded.process)
        try conductor.takeOver()
      } catch {
        conductor.engine.abandon()
        throw error
      }
      conductor.becomeReady()
      return conductor
    } catch {
      if let predecessor { predecessor.refuse("\(error)") } else { say("gatehouse: \(error)") }
      return nil
    }
  }

  // MARK: - start

  private init(
    _ configuration: LoadedConfiguration, _ opening: StateOpening, _ configPath: String, _ predecessor: Predecessor?
  ) throws {
    self.configPath = configPath
    self.predecessor = predecessor
    var loaded = configuration
    if let predecessor { loaded.blueprint.generation = predecessor.hello.generation + 1 }
    let environment = ProcessInfo.processInfo.environment
    let file = try KeyFile(path: KeyFile.path(environment: environment, configPath: configPath))
    if file.isNew { say("affinity key made in \(file.path); copy it to other replicas") }
    state = opening.folder
    tenants = try opening.finish()
    quotas = try state.map { try QuotaKeeper(folder: $0) }
    let keepsAudit = !loaded.process.admin.endpoints.isEmpty
    grants = keepsAudit ? try state.map { try GrantBook(folder: $0.path) } : nil
    auditor = Auditor(log: keepsAudit ? try state.map { try AuditLog(folder: $0.path) } : nil)
    descriptors = Machine.raiseDescriptorLimit()
    inherited = InheritedSockets(
      predecessor?.listeners ?? InheritedSockets.activated(environment, process: getpid()))
    if let tickets = predecessor?.secrets?.tickets {
      loaded.blueprint.tickets?.adopt(tickets.map { (bytes: $0.bytes, made: $0.made) })
    }
    engine = try Engine(
      loaded.blueprint, affinityKey: AffinityKey(bytes: file.key), descriptors: descriptors, inherited: inherited,
      hashKeys: predecessor?.secrets?.hashKeys ?? .random, accepts: predecessor == nil)
    // Until this process serves they are the other's.
    if predecessor != nil { engine.leavePaths(true) }
    let (engine, tenants, auditor) = (engine, tenants, auditor)
    moves = try state.map {
      try MoveKeeper(folder: $0.path, engine: engine, placements: tenants, auditor: auditor)
    }
    settings = loaded.process
    quotas?.restore(engine)
    tenants.begin(loaded, engine)
    for address in engine.addresses { say("listening on \(address)") }
    shared.addresses.withLock { $0 = engine.addresses }
    if let finding = auditor.log?.finding { say("AUDIT: \(finding)") }
  }

  /// Starts the servers of metrics and of the admin API, and the writer of access records.
  private func startAround(_ settings: ProcessSettings) throws {
    shared.metricsTenants.store(settings.metricsTenants, ordering: .relaxed)
    if settings.accessLog != .off {
      let file =
        switch settings.accessLog {
        case .file(let path): try AccessLogFile(path: path)
        case .standardOutput, .off: AccessLogFile.standardOutput()
        }
      let writer = RecordWriter(file: file)
      try writer.start(engine, format: AccessLogFormat(rawValue: settings.accessLogFormat.rawValue) ?? .json)
      self.writer = writer
    }
    try overload.start(engine, descriptors: descriptors)
    try startAdmin(settings)
    guard !settings.metrics.isEmpty else { return }
    let engine = engine
    let shared = shared
    let writer = writer
    let (moves, admin) = (moves, admin)
    let server = try MetricsServer(at: settings.metrics, inherited: inherited, rests: predecessor != nil) {
      path, accept in
      Conductor.answer(path, accept, engine, shared, writer, admin, moves)
    }
    for endpoint in server.endpoints { say("metrics on \(endpoint)") }
    self.server = server
  }

  private func startAdmin(_ settings: ProcessSettings) throws(SystemError) {
    guard !settings.admin.endpoints.isEmpty else { return }
    let door = AdminDoor(users: settings.admin.users, grants: grants, auditor: auditor)
    let admin = try AdminServer(
      settings.admin, door: door, auditor: auditor, routes: adminRoutes, inherited: inherited,
      rests: predecessor != nil)
    for endpoint in admin.endpoints { say("admin on \(endpoint)") }
    self.admin = admin
  }

  private func becomeReady() {
    shared.reload.withLock { $0 = ReloadFacts(isSuccessful: true, lastSuccess: Date().timeIntervalSince1970) }
    shared.isReady.store(true, ordering: .releasing)
    say("ready")
    notifier.ready(status: status)
  }

  private var status: String {
    let refusal = shared.reload.withLock { $0.isSuccessful } ? "" : ", the last reload was refused"
    return "generation \(engine.blueprint.generation), \(engine.blueprint.tenants.count) tenants\(refusal)"
  }

  /// Answers a scrape or a probe, on a thread of the metrics server.
  private static func answer(
    _ path: String, _ accept: String?, _ engine: Engine, _ shared: Shared, _ writer: RecordWriter?,
    _ admin: AdminServer?, _ moves: MoveKeeper?
  ) -> MetricsServer.Answer {
    switch path {
    case "/livez": return MetricsServer.Answer(status: 200, text: "ok")
    case "/readyz":
      let isReady = shared.isReady.load(ordering: .acquiring)
      return MetricsServer.Answer(status: isReady ? 200 : 503, text: isReady ? "ready" : "not ready")
    default:
      let format = MetricsFormat(accept: accept)
      // A million tenants are a tenth of a second's work, which no worker may wait for.
      Machine.standBack()
      var snapshot = engine.metrics(mostTenants: shared.metricsTenants.load(ordering: .relaxed))
      snapshot.moves = moves?.counts ?? []
      let body = MetricsText.render(
        snapshot, build: BuildFacts(version: Build.version, swift: Build.swift, openSSL: Build.openSSL),
        process: .current(), reload: shared.reload.withLock { $0 },
        format: format == .openMetrics ? .openMetrics : .prometheus, droppedLines: writer?.droppedLines ?? 0,
        admin: admin?.facts, upgrades: shared.upgradeFacts.withLock { $0 })
      return MetricsServer.Answer(status: 200, contentType: format.contentType, body: body)
    }
  }

  // MARK: - while it serves

  /// Answers signals until the data plane has ended; returns the exit status.
  private func conduct() -> Int32 {
    while true {
      switch nextSignal() {
      case SIGHUP:
        reload()
        // What the old configuration held lies in pieces between what is in use.
        Machine.giveBackMemory()
      case SIGUSR1: writer?.reopen()
      case SIGUSR2:
        switch upgrade(isDemo: isDemo) {
        case .failed: break
        case .stopped:
          stop()
          return 0
        case .handedOver(let successor): return finish(after: successor)
        }
      default:
        stop()
        return 0
      }
    }
  }

  /// Milliseconds between two looks at backends and at folders of certificates; a certificate that has changed is in use
  /// after two of them.
  private static let look = 250

  /// Waits for a signal; meanwhile tells of backends that come and go, and takes up certificates that change.
  private func nextSignal() -> Int32 {
    while true {
      if let signal = Signals.next(of: Conductor.signals, milliseconds: Conductor.look) { return signal }
      notifier.beat()
      for line in backends.changes(in: engine) { say(line) }
      tellCrossings()
      for line in handshakes.lines(about: engine.takeHandshakeFailures(), at: Clock.now()) { say(line) }
      for folder in engine.blueprint.certificateFolders {
        for finding in folder.poll() {
          let (what, outcome) =
            finding.isStaple
            ? ("OCSP answer", "no OCSP answer is shown") : ("certificate", "what was in use before stays")
          say("\(what) not taken: \(finding.path) \(finding.reason); \(outcome)")
        }
      }
    }
  }

  /// Tells of quotas whose soft line was crossed, once each time.
  private func tellCrossings() {
    for crossing in engine.takeCrossings() {
      say(
        "near limit: tenant \(crossing.tenant) has used \(crossing.soft)% of '\(crossing.limit)': \(crossing.used) of "
          + "\(crossing.amount)")
    }
  }

  /// Puts the configuration as it is now into use, or says why not and changes nothing.
  private func reload() {
    shared.reloads.begin()
    notifier.reloading()
    defer { notifier.ready(status: status) }
    tenants.reload { additions in
      let current = engine.blueprint
      switch loadAside(current, additions) {
      case .loaded(let loaded):
        Entrance.complain(loaded.warnings.text)
        return adopt(loaded, after: current)
      case .refused(let report):
        Entrance.complain(report.text)
        refuse(current, report.text)
      case nil: refuse(current, "there is no thread to load the configuration on")
      }
      return nil
    }
  }

  /// Puts a configuration into use; returns it as it is in use then, or `nil` when that could not be.
  private func adopt(_ loaded: LoadedConfiguration, after current: Blueprint) -> LoadedConfiguration? {
    var next = loaded.blueprint
    next.generation = current.generation + 1
    let later = restartOnly(from: current, to: next, loaded.process)
    for change in later { say("reload: \(change) takes effect with the next start") }
    next.workers = current.workers
    next.keepsRecords = writer != nil && next.keepsRecords
    let before = engine.addresses
    do {
      try engine.apply(next)
    } catch {
      say("gatehouse: \(error)")
      refuse(current, "\(error)")
      return nil
    }
    for address in engine.addresses where !before.contains(address) { say("listening on \(address)") }
    shared.addresses.withLock { $0 = engine.addresses }
    settings.metricsTenants = loaded.process.metricsTenants
    shared.metricsTenants.store(loaded.process.metricsTenants, ordering: .relaxed)
    if loaded.process.admin.endpoints == settings.admin.endpoints { admin?.adopt(loaded.process.admin) }
    waitUntilSettled()
    quotas?.restore(engine)
    shared.reload.withLock { $0 = ReloadFacts(isSuccessful: true, lastSuccess: Date().timeIntervalSince1970) }
    say("reloaded generation \(next.generation)")
    shared.reloads.end(
      .done(generation: next.generation, warnings: loaded.warnings.text, atNextStart: later))
    var used = loaded
    used.blueprint = next
    return used
  }

  /// Loads the configuration on a thread that gives way to the workers; `nil` when there is none to be had.
  private func loadAside(_ current: Blueprint, _ additions: TenantAdditions) -> LoadOutcome? {
    let path = configPath
    do throws(SystemError) {
      return try Platform.Thread.aside(named: "loader") {
        Conductor.outcome(path, previous: current, additions: { _ in additions })
      }
    } catch {
      say("gatehouse: \(error)")
      return nil
    }
  }

  private func refuse(_ current: Blueprint, _ reason: String) {
    shared.reload.withLock { $0.isSuccessful = false }
    say("reload refused, generation \(current.generation) stays")
    shared.reloads.end(.refused(reason))
  }

  /// What has changed but is settled at the start.
  private func restartOnly(from old: Blueprint, to new: Blueprint, _ process: ProcessSettings) -> [String] {
    var changes: [String] = []
    if new.workers != old.workers { changes.append("'workers'") }
    if process.metrics != settings.metrics { changes.append("the address of 'metrics'") }
    if process.accessLog != settings.accessLog || process.accessLogFormat != settings.accessLogFormat {
      changes.append("'access-log'")
    }
    if process.state != settings.state { changes.append("'state'") }
    if process.admin.endpoints != settings.admin.endpoints { changes.append("the address of 'admin'") }
    return changes
  }

  private func waitUntilSettled() {
    for _ in 0..<1000 where !engine.isSettled { Machine.rest(nanoseconds: 1_000_000) }
    engine.releaseOldBlueprints()
  }

  // MARK: - the end

  /// Drains, then stops; a second signal stops at once.
  private func stop() {
    say("draining")
    notifier.stopping()
    shared.isReady.store(false, ordering: .releasing)
    shared.isDraining.store(true, ordering: .releasing)
    // What is held goes its way before everything ends.
    moves?.stop()
    engine.drain(for: engine.blueprint.drain)
    while !engine.hasEnded {
      guard let signal = Signals.next(of: Conductor.signals, milliseconds: 20) else { continue }
      if signal == SIGTERM || signal == SIGINT { engine.drain(for: 0) }
    }
    end()
    say("stopped")
  }

  /// Ends what stands around the data plane, which has ended.
  func end() {
    engine.join()
    tellCrossings()
    quotas?.stop()
    overload.stop()
    writer?.stop()
    server?.stop()
    admin?.stop()
    tenants.stop()
  }
}

/// Writes one line to standard error.
func say(_ line: String) { Entrance.complain(line + "\n") }
