import Balancing
import Primitives
import Synchronization
import Tenancy

/// What the workers of a process share: made once, it outlives every reload.
final class ProcessState: Sendable {
  /// Buckets and counts of requests in flight, by tenant.
  let ledger = TenantLedger()
  /// Shards and backends by number.
  let roster: Roster
  /// Signs affinity cookies.
  let affinityKey: AffinityKey
  /// The port of the first listener that speaks TLS.
  let securePort = Atomic<UInt16>(443)
  /// Handshakes that failed, to be told of.
  let handshakes = HandshakeFailures()
  /// Whether `overload` is for want of descriptors.
  let isShortOfDescriptors = Atomic<Bool>(false)
  /// Client connections of all workers.
  let connections = Atomic<Int>(0)

  /// What few requests need to know: one word, so that all others look once. What the process no longer does, for want of
  /// something (`OverloadLevel`), and above it whether requests of any tenant are held.
  let alert = Atomic<UInt8>(0)
  /// The bit of `alert` that tells of holds.
  static let holdsAlert: UInt8 = 0x80
  /// Tenants whose requests are held.
  let holds = HoldRegistry()
  /// Where workers leave each other word, by number; a worker registers before any other can know of it.
  private(set) nonisolated(unsafe) var mailboxes: UnsafeMutablePointer<Mailbox?>

  init(affinityKey: AffinityKey, hashKeys: HashKeys = .random) {
    roster = Roster(hashKeys)
    self.affinityKey = affinityKey
    mailboxes = .allocate(capacity: Limit.workers)
    mailboxes.initialize(repeating: nil, count: Limit.workers)
  }

  deinit {
    mailboxes.deinitialize(count: Limit.workers)
    mailboxes.deallocate()
  }

  /// What the process no longer does, for want of something.
  var overload: OverloadLevel {
    get { OverloadLevel(rawValue: alert.load(ordering: .relaxed) & ~ProcessState.holdsAlert) ?? .none }
    set {
      // Two threads may set their parts at once.
      var known = alert.load(ordering: .relaxed)
      var isSet = false
      while !isSet {
        let next = known & ProcessState.holdsAlert | newValue.rawValue
        (isSet, known) = alert.weakCompareExchange(expected: known, desired: next, ordering: .relaxed)
      }
    }
  }

  /// Says whether requests of any tenant are held.
  func setHolds(_ areThere: Bool) {
    if areThere {
      alert.bitwiseOr(ProcessState.holdsAlert, ordering: .relaxed)
    } else {
      alert.bitwiseAnd(~ProcessState.holdsAlert, ordering: .relaxed)
    }
  }

  /// Lets the other workers reach worker `number`.
  func register(_ mailbox: Mailbox, of number: Int) { mailboxes[number] = mailbox }
}

/// What the control thread asks of one worker, read between its turns.
final class Mailbox: Sendable {
  /// The newest blueprint that waits to be taken, retained.
  private let image = Mutex<BlueprintImage?>(nil)
  /// The listening sockets to go on with, when they have changed.
  private let listeners = Mutex<[ListenerSocket]?>(nil)
  /// What there is news of, a bit each: spares the locks, and all other looks.
  private let news = Atomic<UInt8>(0)
  private static let imageNews: UInt8 = 1
  private static let holdNews: UInt8 = 2
  /// When a drain that began must end; 0 while there is none.
  let drainDeadline = Atomic<Int64>(0)
  /// Blueprints taken so far, by generation: the newest that the worker uses.
  let generation = Atomic<UInt64>(0)
  /// When the control thread asked the worker to look up, 0 once it did; and for how long that question waited.
  let askedAt = Atomic<Int64>(0)
  let lag = Atomic<Int64>(0)
  /// Turns of the loop that have ended.
  let turns = Atomic<UInt64>(0)
  /// Whether connections that wait between two requests have time for one more when a drain begins.
  let drainsGently = Atomic<Bool>(false)
  /// Whether the drain has begun: nothing is accepted any more.
  let isDraining = Atomic<Bool>(false)
  /// Why the worker could not start, if it could not.
  let failure = Mutex<String?>(nil)
  /// Whether the worker has ended.
  let hasEnded = Atomic<Bool>(false)
  /// What became of its requests that waited, decided by other workers.
  private let grants = Mutex<[Grant]>([])
  private let grantCount = Atomic<Int>(0)
  /// Wakes the worker.
  private let wake: @Sendable () -> Void

  /// A mailbox whose worker `wake` wakes.
  init(wake: @escaping @Sendable () -> Void = {}) { self.wake = wake }

  /// Leaves word of a request of this worker's that waited. Bounded by the requests that wait.
  func deliver(_ grant: Grant) {
    let isFirst = grants.withLock { grants in
      grants.append(grant)
      grantCount.store(grants.count, ordering: .relaxed)
      return grants.count == 1
    }
    if isFirst { wake() }
  }

  /// Whether there is word of such requests.
  @inline(__always)
  var hasGrants: Bool { grantCount.load(ordering: .relaxed) > 0 }

  /// Takes what other workers left.
  func takeGrants(into list: inout [Grant]) {
    grants.withLock { grants in
      list.append(contentsOf: grants)
      grants.removeAll(keepingCapacity: true)
      grantCount.store(0, ordering: .relaxed)
    }
  }

  /// Leaves a blueprint for the worker, and the sockets to listen on if they have changed; a blueprint that waited is
  /// dropped.
  func leave(_ next: BlueprintImage, listeners sockets: [ListenerSocket]?) {
    image.withLock { $0 = next }
    if let sockets { listeners.withLock { $0 = sockets } }
    news.bitwiseOr(Mailbox.imageNews, ordering: .releasing)
  }

  /// Tells the worker that a hold has begun or gone on.
  func tellOfHolds() {
    news.bitwiseOr(Mailbox.holdNews, ordering: .releasing)
    wake()
  }

  /// Whether there is news of anything.
  @inline(__always)
  var hasNews: Bool { news.load(ordering: .relaxed) != 0 }

  /// Whether there is news of holds; takes it.
  func takeHoldNews() -> Bool {
    news.bitwiseAnd(~Mailbox.holdNews, ordering: .acquiringAndReleasing).oldValue & Mailbox.holdNews != 0
  }

  /// Takes the listening sockets that wait, if any do.
  func takeListeners() -> [ListenerSocket]? {
    listeners.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
  }

  /// Takes the blueprint that waits, if one does.
  func take() -> BlueprintImage? {
    guard hasNews,
      news.bitwiseAnd(~Mailbox.imageNews, ordering: .acquiringAndReleasing).oldValue & Mailbox.imageNews != 0
    else { return nil }
    return image.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
  }
}
