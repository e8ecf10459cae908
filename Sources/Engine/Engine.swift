import Platform
public import Primitives
import Synchronization
public import Tenancy

/// Why the data plane could not be started or changed.
public enum EngineError: Error, CustomStringConvertible {
  /// A listener can't be opened.
  case listen(Endpoint, String)
  /// The kernel refuses a thread, a poller or the like.
  case system(String)
  /// More shards or backends than the process can number.
  case tooManyBackends
  /// A worker has not taken any of the latest blueprints.
  case stuckWorker

  /// The error in words.
  public var description: String {
    switch self {
    case .listen(let endpoint, let reason): "can't listen on \(endpoint): \(reason)"
    case .system(let reason): reason
    case .tooManyBackends: "more shards or backends than this process can number; restart it"
    case .stuckWorker: "a worker is stuck; restart this process"
    }
  }
}

/// The data plane: workers, what they share, and the listeners.
///
/// Used by one control thread. Workers take a new blueprint between two turns of their loops; requests in flight keep
/// what was decided for them.
public final class Engine: @unchecked Sendable {
  // Unchecked: `listeners` and `workers` are set up in `init` and taken down by the control thread; what workers see is
  // atomic or immutable.
  /// One worker, as the control thread sees it.
  struct Handle {
    let mailbox: Mailbox
    let counters: WorkerCounters
    let records: RecordRing
    let waker: Waker
    let thread: Thread
  }

  let process: ProcessState
  private let current: Mutex<Blueprint>
  /// The blueprint in use; any thread may ask.
  public var blueprint: Blueprint { current.withLock { $0 } }
  private(set) var workers: [Handle] = []
  /// Images that a worker may still use, the newest last: held here, so that it is never a worker that frees one.
  let images = Mutex<[BlueprintImage]>([])
  /// Which tenants the scrapes tell of.
  let series = Mutex(TenantSeries())
  private(set) var listeners: [OpenListener] = []
  /// Sockets that another process has opened, for listeners that want their addresses.
  private let inherited: InheritedSockets
  /// Requests in flight in the process before this one, by tenant, which count here as well.
  let elsewhere = Mutex<[TenantIndex: Int32]>([:])
  /// Whether the paths of Unix sockets are another process's by now.
  var leavesPaths = false
  /// Where clients connect, with the ports the kernel chose. For the control thread.
  public var addresses: [Endpoint] { listeners.map(\.bound) }

  /// Opens the listeners of `blueprint` and starts its workers.
  ///
  /// - Parameters:
  ///   - affinityKey: signs affinity cookies; the same on all replicas.
  ///   - descriptors: how many the process may open; bounds connections beside the blueprint.
  ///   - inherited: sockets that are open already.
  ///   - hashKeys: those of the process whose counts are to be gone on with.
  ///   - accepts: whether clients are accepted; if not, `beginAccepting()` has to follow.
  public init(
    _ blueprint: Blueprint, affinityKey: AffinityKey, descriptors: Int,
    inherited: InheritedSockets = InheritedSockets(),
    hashKeys: HashKeys = .random, accepts: Bool = true
  ) throws(EngineError) {
    current = Mutex(blueprint)
    self.inherited = inherited
    process = ProcessState(affinityKey: affinityKey, hashKeys: hashKeys)
    process.ledger.ensure(capacity: blueprint.tenants.capacity)
    guard let image = BlueprintImage(blueprint, roster: process.roster) else { throw .tooManyBackends }
    images.withLock { $0 = [image] }
    listeners = try listeners(for: blueprint.listeners, workers: blueprint.workers)
    noteSecurePort()
    do throws(EngineError) {
      for number in 0..<blueprint.workers { try start(number, image, descriptors, accepts: accepts) }
      try awaitStart()
    } catch {
      abandon()
      throw error
    }
  }

  /// Ends all workers at once, and leaves nothing behind: a start has failed.
  public func abandon() {
    drain(for: 0)
    join()
  }

  /// Waits until every worker runs its loop.
  private func awaitStart() throws(EngineError) {
    while !isSettled {
      for worker in workers {
        if let failure = worker.mailbox.failure.withLock({ $0 }) { throw .system(failure) }
      }
      Machine.rest(nanoseconds: 200 * .microsecond)
    }
  }

  /// One endpoint of the blueprint, where it is really bound, and the socket of each worker.
  struct OpenListener {
    var endpoint: Endpoint
    var bound: Endpoint
    /// One for each worker at least.
    var sockets: [Int32]
    /// What the blueprint in use says of it.
    var settings: Listener
    /// Whether the path of a Unix socket is somebody else's to remove.
    var isForeign = false

    /// The port; 0 when there is none.
    var port: UInt16 {
      switch bound {
      case .tcp(_, let port), .anyAddress(let port): port
      case .unix: 0
      }
    }

    /// What worker `number` is told of it.
    func socket(of number: Int) -> ListenerSocket { ListenerSocket(sockets[number], settings) }
  }

  /// What worker `number` listens on: a socket of each listener, then those that are more than there are workers.
  private func sockets(of number: Int) -> [ListenerSocket] {
    let count = blueprint.workers
    let more = listeners.flatMap { listener in
      stride(from: number + count, to: listener.sockets.count, by: count).map { listener.socket(of: $0) }
    }
    return listeners.map { $0.socket(of: number) } + more
  }

  /// A listener of sockets that are open already: workers beyond their number share them.
  private static func adopt(_ known: InheritedSockets.Listener, _ settings: Listener, count: Int) -> OpenListener {
    var listener = OpenListener(
      endpoint: settings.endpoint, bound: known.bound, sockets: known.sockets, settings: settings)
    listener.isForeign = known.isForeign
    while listener.sockets.count < count {
      listener.sockets.append(Socket.duplicate(known.sockets[listener.sockets.count % known.sockets.count]))
    }
    return listener
  }

  /// Opens a socket of its own for each worker; that of a Unix endpoint is shared.
  private static func open(_ settings: Listener, count: Int) throws(EngineError) -> OpenListener {
    let endpoint = settings.endpoint
    var listener = OpenListener(endpoint: endpoint, bound: endpoint, sockets: [], settings: settings)
    for number in 0..<count {
      if number > 0, case .unix = endpoint {
        listener.sockets.append(Socket.duplicate(listener.sockets[0]))
        continue
      }
      do throws(SystemError) {
        let socket: Int32
        if case .unix = endpoint {
          socket = try Socket.listen(on: endpoint)
        } else {
          socket = try Socket.listen(on: listener.bound, sharedWithOthers: number > 0)
        }
        listener.sockets.append(socket)
        listener.bound = bound(endpoint, socket)
      } catch {
        close(listener)
        throw .listen(endpoint, error.description)
      }
    }
    return listener
  }

  private static func close(_ listener: OpenListener) {
    for socket in listener.sockets { Socket.close(socket, resetting: false) }
    // A path that could not be bound is another's.
    if case .unix(let path) = listener.endpoint, !listener.sockets.isEmpty, !listener.isForeign {
      Socket.removePath(path)
    }
  }

  /// The listeners that `wanted` asks for: those that are open already, and new ones.
  private func listeners(for wanted: [Listener], workers count: Int) throws(EngineError) -> [OpenListener] {
    var fresh: [OpenListener] = []
    var all: [OpenListener] = []
    for settings in wanted {
      if var known = listeners.first(where: { $0.endpoint == settings.endpoint }) {
        known.settings = settings
        all.append(known)
        continue
      }
      if let known = inherited.take(settings.endpoint, for: .clients) {
        all.append(Engine.adopt(known, settings, count: count))
        continue
      }
      do throws(EngineError) {
        let listener = try Engine.open(settings, count: count)
        fresh.append(listener)
        all.append(listener)
      } catch {
        for listener in fresh { Engine.close(listener) }
        throw error
      }
    }
    return all
  }

  /// Tells workers where requests are sent on to.
  private func noteSecurePort() {
    let secure = listeners.first { $0.settings.tls != nil && $0.port != 0 }
    process.securePort.store(secure?.port ?? 443, ordering: .relaxed)
  }

  private static func bound(_ endpoint: Endpoint, _ socket: Int32) -> Endpoint {
    let port = Socket.localAddress(of: socket).port
    return switch endpoint {
    case .tcp(let address, _): .tcp(address, port: port)
    case .anyAddress: .anyAddress(port: port)
    case .unix: endpoint
    }
  }

  private func start(
    _ number: Int, _ image: BlueprintImage, _ descriptors: Int, accepts: Bool
  ) throws(EngineError) {
    do throws(SystemError) {
      let counters = WorkerCounters()
      let records = RecordRing(capacity: Limit.recordRing)
      let waker = try Waker()
      let mailbox = Mailbox { waker.wake() }
      let capacity =
        min(
          descriptors, blueprint.bounds.connections + Limit.surplusConnections + Limit.upstreamConnections)
        + Limit.streams
      // By mail: what a thread is started with lives as long as the thread.
      mailbox.leave(image, listeners: nil)
      let start = WorkerStart(
        number: number, process: process, mailbox: mailbox, counters: counters, records: records,
        listeners: accepts ? sockets(of: number) : [], waker: waker, capacity: capacity)
      let thread = try Thread(name: "worker-\(number)") { runWorker(start) }
      workers.append(
        Handle(mailbox: mailbox, counters: counters, records: records, waker: waker, thread: thread))
    } catch {
      throw .system(error.description)
    }
  }

  /// Puts a new blueprint into use: listeners come and go, the number of workers stays as it is.
  ///
  /// Returns at once; `isSettled` tells when every worker uses it.
  public func apply(_ next: Blueprint) throws(EngineError) {
    // So that a worker tells any rule of a bucket from its own.
    guard lag < TokenBucket.revisions - 1 else { throw .stuckWorker }
    process.ledger.ensure(capacity: next.tenants.capacity)
    guard let image = BlueprintImage(next, roster: process.roster) else { throw .tooManyBackends }
    let known = listeners
    let wanted = try listeners(for: next.listeners, workers: workers.count)
    listeners = wanted
    noteSecurePort()
    process.ledger.refit(from: blueprint.tenants, to: next.tenants, at: Clock.now())
    image.policies.refitShared(at: Clock.now())
    current.withLock { $0 = next }
    images.withLock { $0.append(image) }
    for (number, worker) in workers.enumerated() {
      worker.mailbox.leave(image, listeners: sockets(of: number))
      worker.waker.wake()
    }
    // The workers close the sockets that are not among these; a path nobody listens on is removed.
    for listener in known where !wanted.contains(where: { $0.endpoint == listener.endpoint }) && !listener.isForeign {
      if case .unix(let path) = listener.endpoint { Socket.removePath(path) }
    }
  }

  /// Puts a blueprint into use that differs from the one in use by its tenants, and by policies added for them, alone:
  /// for a worker it is next to nothing to take.
  public func applyTenants(of next: Blueprint) throws(EngineError) {
    guard lag < TokenBucket.revisions - 1, let newest = images.withLock({ $0.last }) else { throw .stuckWorker }
    process.ledger.ensure(capacity: next.tenants.capacity)
    let image = BlueprintImage(next, tenantsBesides: newest, roster: process.roster)
    process.ledger.refit(from: blueprint.tenants, to: next.tenants, at: Clock.now())
    image.policies.refitShared(at: Clock.now())
    current.withLock { $0 = next }
    images.withLock { $0.append(image) }
    for worker in workers {
      worker.mailbox.leave(image, listeners: nil)
      worker.waker.wake()
    }
  }

  /// Whether every worker uses the newest blueprint.
  public var isSettled: Bool { lag == 0 }

  /// Blueprints that the last worker has yet to take.
  private var lag: UInt64 {
    workers.map { blueprint.generation - $0.mailbox.generation.load(ordering: .acquiring) }.max() ?? 0
  }

  /// Frees the blueprints that no worker uses any more. For the control thread, once `isSettled`.
  public func releaseOldBlueprints() {
    let oldest = workers.map { $0.mailbox.generation.load(ordering: .acquiring) }.min() ?? 0
    // Freed outside the lock: others ask for the newest.
    let old = images.withLock { images in
      let old = images.filter { $0.blueprint.generation < oldest }
      images.removeAll { $0.blueprint.generation < oldest }
      return old
    }
    _ = old
  }

  /// Stops accepting and lets requests in flight end, for at most `time` nanoseconds.
  public func drain(for time: Int64) {
    let deadline = Clock.now().advanced(by: time).nanoseconds
    for worker in workers {
      worker.mailbox.drainDeadline.store(deadline, ordering: .relaxed)
      worker.waker.wake()
    }
  }

  /// Has the workers accept who connects, if they were started without.
  public func beginAccepting() {
    guard let image = images.withLock({ $0.last }) else { return }
    for (number, worker) in workers.enumerated() {
      worker.mailbox.leave(image, listeners: sockets(of: number))
      worker.waker.wake()
    }
  }

  /// Whether every worker has ended.
  public var hasEnded: Bool { workers.allSatisfy { $0.mailbox.hasEnded.load(ordering: .acquiring) } }

  /// Waits for the workers, which must be draining.
  public func join() {
    for worker in workers { worker.thread.join() }
    removePaths()
  }

  /// Removes the paths of Unix sockets, which the workers have closed.
  private func removePaths() {
    for listener in listeners where !listener.isForeign && !leavesPaths {
      if case .unix(let path) = listener.bound { Socket.removePath(path) }
    }
    listeners.removeAll()
  }

  /// Hands the access records that wait to `body`, in the order in which their requests ended; returns how many there
  /// were. For one reader thread.
  public func drainRecords(_ body: (AccessRecordView) -> Void) -> Int {
    var count = 0
    while true {
      var oldest: (ring: RecordRing, view: AccessRecordView, end: Int64)?
      for worker in workers {
        guard let view = worker.records.first else { continue }
        let end = view.record.time + view.record.duration
        if oldest.map({ end < $0.end }) ?? true { oldest = (worker.records, view, end) }
      }
      guard let oldest else { return count }
      body(oldest.view)
      oldest.ring.removeFirst()
      count += 1
    }
  }
}

/// What a worker's thread is started with.
struct WorkerStart: Sendable {
  let number: Int
  let process: ProcessState
  let mailbox: Mailbox
  let counters: WorkerCounters
  let records: RecordRing
  let listeners: [ListenerSocket]
  let waker: Waker
  let capacity: Int
}

/// The life of a worker's thread.
private func runWorker(_ start: WorkerStart) {
  guard let image = start.mailbox.take() else { preconditionFailure("a worker is started without a blueprint") }
  let network: KernelNetwork
  do throws(SystemError) {
    network = try KernelNetwork(listeners: start.listeners, waker: start.waker, roster: start.process.roster)
  } catch {
    start.mailbox.failure.withLock { $0 = "worker \(start.number): \(error)" }
    start.mailbox.hasEnded.store(true, ordering: .releasing)
    return
  }
  // Consumed: this function lives as long as the thread, the image must not.
  var worker = Worker(
    network: network, number: start.number, process: start.process, mailbox: start.mailbox, counters: start.counters,
    records: start.records, image: consume image, seed: Machine.randomNumber(), connectionCapacity: start.capacity)
  worker.listenerProtocols = start.listeners.map(\.settings.protocols)
  worker.run()
}
