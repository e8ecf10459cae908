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

  /// The error in words.
  public var description: String {
    switch self {
    case .listen(let endpoint, let reason): "can't listen on \(endpoint): \(reason)"
    case .system(let reason): reason
    case .tooManyBackends: "more shards or backends than this process can number; restart it"
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
  private var listeners: [[Int32]] = []
  /// Where clients connect, with the ports the kernel chose.
  public private(set) var addresses: [Endpoint] = []

  /// Opens the listeners of `blueprint` and starts its workers.
  ///
  /// - Parameters:
  ///   - affinityKey: signs affinity cookies; the same on all replicas.
  ///   - descriptors: how many the process may open; bounds connections beside the blueprint.
  public init(_ blueprint: Blueprint, affinityKey: AffinityKey, descriptors: Int) throws(EngineError) {
    current = Mutex(blueprint)
    process = ProcessState(affinityKey: affinityKey)
    process.ledger.ensure(capacity: blueprint.tenants.capacity)
    guard let image = BlueprintImage(blueprint, roster: process.roster) else { throw .tooManyBackends }
    do throws(EngineError) {
      try openListeners(count: blueprint.workers)
      for number in 0..<blueprint.workers { try start(number, image, descriptors) }
    } catch {
      closeListeners()
      throw error
    }
  }

  /// Each worker gets listeners of its own; a Unix socket is shared.
  private func openListeners(count: Int) throws(EngineError) {
    listeners = Array(repeating: [], count: count)
    for endpoint in blueprint.listeners {
      var bound = endpoint
      for number in 0..<count {
        if number > 0, case .unix = endpoint {
          listeners[number].append(Socket.duplicate(listeners[0].last!))
          continue
        }
        do throws(SystemError) {
          let socket = try Socket.listen(on: bound)
          listeners[number].append(socket)
          bound = Engine.bound(endpoint, socket)
        } catch {
          throw .listen(endpoint, error.description)
        }
      }
      addresses.append(bound)
    }
  }

  private static func bound(_ endpoint: Endpoint, _ socket: Int32) -> Endpoint {
    let port = Socket.localAddress(of: socket).port
    return switch endpoint {
    case .tcp(let address, _): .tcp(address, port: port)
    case .anyAddress: .anyAddress(port: port)
    case .unix: endpoint
    }
  }

  private func start(_ number: Int, _ image: BlueprintImage, _ descriptors: Int) throws(EngineError) {
    do throws(SystemError) {
      let mailbox = Mailbox()
      let counters = WorkerCounters()
      let records = RecordRing(capacity: Limit.recordRing)
      let waker = try Waker()
      let capacity = min(descriptors, blueprint.bounds.connections + Limit.surplusConnections + Limit.upstreamConnections)
      let start = WorkerStart(
        number: number, process: process, mailbox: mailbox, counters: counters, records: records, image: image,
        listeners: listeners[number], waker: waker, capacity: capacity)
      let thread = try Thread(name: "worker-\(number)") { runWorker(start) }
      workers.append(
        Handle(mailbox: mailbox, counters: counters, records: records, waker: waker, thread: thread))
    } catch {
      throw .system(error.description)
    }
  }

  /// Puts a new blueprint into use: listeners and the number of workers stay as they are.
  ///
  /// Returns at once; `isSettled` tells when every worker uses it.
  public func apply(_ next: Blueprint) throws(EngineError) {
    process.ledger.ensure(capacity: next.tenants.capacity)
    guard let image = BlueprintImage(next, roster: process.roster) else { throw .tooManyBackends }
    next.tenants.refit(process.ledger, from: blueprint.tenants, at: Clock.now())
    current.withLock { $0 = next }
    for worker in workers {
      worker.mailbox.leave(image)
      worker.waker.wake()
    }
  }

  /// Whether every worker uses the newest blueprint.
  public var isSettled: Bool {
    workers.allSatisfy { $0.mailbox.generation.load(ordering: .acquiring) == blueprint.generation }
  }

  /// Stops accepting and lets requests in flight end, for at most `time` nanoseconds.
  public func drain(for time: Int64) {
    let deadline = Clock.now().advanced(by: time).nanoseconds
    for worker in workers {
      worker.mailbox.drainDeadline.store(deadline, ordering: .relaxed)
      worker.waker.wake()
    }
  }

  /// Whether every worker has ended.
  public var hasEnded: Bool { workers.allSatisfy { $0.mailbox.hasEnded.load(ordering: .acquiring) } }

  /// Waits for the workers, which must be draining.
  public func join() {
    for worker in workers { worker.thread.join() }
    closeListeners()
  }

  /// Closes listeners that no worker has got, and removes the paths of Unix sockets.
  private func closeListeners() {
    for socket in listeners.dropFirst(workers.count).joined() { Socket.close(socket, resetting: false) }
    listeners.removeAll()
    for case .unix(let path) in addresses { Socket.removePath(path) }
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
  let image: BlueprintImage
  let listeners: [Int32]
  let waker: Waker
  let capacity: Int
}

/// The life of a worker's thread.
private func runWorker(_ start: WorkerStart) {
  let network: KernelNetwork
  do throws(SystemError) {
    network = try KernelNetwork(listeners: start.listeners, waker: start.waker, roster: start.process.roster)
  } catch {
    fatalError("worker \(start.number): \(error)")
  }
  var worker = Worker(
    network: network, number: start.number, process: start.process, mailbox: start.mailbox, counters: start.counters,
    records: start.records, image: start.image, seed: Machine.randomNumber(), connectionCapacity: start.capacity)
  worker.run()
}
