import Primitives

@testable import Engine

/// The world of one worker: connections in memory, a clock that only moves when it is told to.
final class FuzzWorld {
  /// Listens to what the worker does to connections to backends.
  var origin: any FuzzOrigin
  var now = Instant(nanoseconds: 1_000 * .second)
  /// What the last wait would have waited for.
  private(set) var deadline = Instant.distantFuture
  /// Whether the last wait had nothing to tell.
  private(set) var isQuiet = false
  private(set) var links: [Int32: FuzzLink] = [:]
  private var changed: [FuzzLink] = []
  private var waiting: [FuzzLink] = []
  private var freeDescriptor: Int32 = 10
  /// The most bytes one send takes.
  let sendBound: Int

  init(origin: any FuzzOrigin, sendBound: Int) {
    self.origin = origin
    self.sendBound = sendBound
  }

  /// Lets a client connect.
  func connect() -> FuzzLink {
    let link = FuzzLink(isClient: true)
    waiting.append(link)
    return link
  }

  /// Tells the worker of a change to a connection.
  func tell(_ link: FuzzLink, _ kinds: NetworkEventKinds) {
    link.kinds.formUnion(kinds)
    if !link.isListed {
      link.isListed = true
      changed.append(link)
    }
  }

  fileprivate func open(_ link: FuzzLink, _ token: UInt64) -> Int32 {
    freeDescriptor += 1
    link.token = token
    links[freeDescriptor] = link
    return freeDescriptor
  }

  fileprivate func accept(_ token: UInt64) -> Int32? {
    guard !waiting.isEmpty else { return nil }
    let link = waiting.removeFirst()
    let socket = open(link, token)
    if !link.incoming.isEmpty || link.hasEnded { tell(link, .readable) }
    return socket
  }

  fileprivate func connectOrigin(_ token: UInt64) -> Int32 {
    let link = FuzzLink(isClient: false)
    let socket = open(link, token)
    tell(link, .writable)
    return socket
  }

  fileprivate func link(_ socket: Int32) -> FuzzLink {
    guard let link = links[socket] else { fatalError("descriptor \(socket) is not open") }
    return link
  }

  fileprivate func close(_ socket: Int32, resetting: Bool) {
    let link = link(socket)
    links[socket] = nil
    link.isClosed = true
    link.isAborted = resetting
    if !link.isClient { origin.closed(link, self) }
  }

  fileprivate func wait(until deadline: Instant) -> [NetworkEvent] {
    self.deadline = deadline
    var events: [NetworkEvent] = []
    if !waiting.isEmpty { events.append(NetworkEvent(token: 0, kinds: .connectionsWait)) }
    for link in changed {
      link.isListed = false
      if !link.isClosed { events.append(NetworkEvent(token: link.token, kinds: link.kinds)) }
      link.kinds = []
    }
    changed.removeAll()
    isQuiet = events.isEmpty && deadline > now
    return events
  }
}

/// One connection: what is on its way to the worker, and what the worker has sent.
final class FuzzLink {
  let isClient: Bool
  fileprivate(set) var token: UInt64 = 0
  fileprivate var kinds: NetworkEventKinds = []
  fileprivate var isListed = false
  /// Bytes the worker has not received yet.
  var incoming: ArraySlice<UInt8> = []
  /// The peer has ended its half.
  var hasEnded = false
  /// The peer has reset the connection.
  var isReset = false
  /// All that the worker has sent.
  fileprivate(set) var sent: [UInt8] = []
  /// The worker has ended its half.
  fileprivate(set) var workerEnded = false
  fileprivate(set) var isClosed = false
  /// The worker has closed it so that its peer sees no end in order.
  fileprivate(set) var isAborted = false
  /// Every other send says that it would block, when sends are bounded.
  fileprivate var isFull = false

  init(isClient: Bool) { self.isClient = isClient }
}

/// Who answers at the other end of connections to backends.
protocol FuzzOrigin: AnyObject {
  /// The worker has sent more on `link`.
  func received(_ link: FuzzLink, _ world: FuzzWorld)
  /// The worker has closed `link`.
  func closed(_ link: FuzzLink, _ world: FuzzWorld)
}

/// The seam over a `FuzzWorld`.
struct FuzzNetwork: ~Copyable, Network {
  let world: FuzzWorld
  private var events: [NetworkEvent] = []

  init(_ world: FuzzWorld) { self.world = world }

  var now: Instant { world.now }
  mutating func refreshClock() {}
  func wallClock() -> Int64 { world.now.nanoseconds + 1_790_000_000 * .second }

  mutating func wait(until deadline: Instant) -> Int {
    events = world.wait(until: deadline)
    return events.count
  }

  func event(_ index: Int) -> NetworkEvent { events[index] }

  mutating func accept(_ listener: Int, token: UInt64, peer: inout IPAddress, port: inout UInt16) -> OpenOutcome {
    guard let socket = world.accept(token) else { return .none }
    peer = IPAddress(v4: 0x7F00_0001)
    port = 40_000
    return .opened(socket)
  }

  mutating func setAccepting(_ isAccepting: Bool) {}
  mutating func closeListeners() {}
  var listenerCount: Int { 1 }

  mutating func connect(to backend: Int32, token: UInt64) -> OpenOutcome { .opened(world.connectOrigin(token)) }

  mutating func isConnected(_ socket: Int32) -> Bool { true }

  mutating func receive(_ socket: Int32, into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TransferOutcome {
    precondition(capacity > 0)
    let link = world.link(socket)
    if link.isReset { return .failed }
    guard !link.incoming.isEmpty else { return link.hasEnded ? .end : .wouldBlock }
    let piece = link.incoming.prefix(capacity)
    for (index, byte) in piece.enumerated() { into[index] = byte }
    link.incoming = link.incoming.dropFirst(piece.count)
    return .bytes(piece.count)
  }

  mutating func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome {
    send(socket, bytes, count, bytes, 0)
  }

  mutating func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    let link = world.link(socket)
    precondition(firstCount >= 0 && secondCount >= 0 && firstCount + secondCount > 0 && !link.workerEnded)
    if link.isReset { return .failed }
    if link.isFull {
      link.isFull = false
      world.tell(link, .writable)
      return .wouldBlock
    }
    let whole = Array(UnsafeBufferPointer(start: first, count: firstCount))
    let both = whole + UnsafeBufferPointer(start: second, count: secondCount)
    let piece = both.prefix(world.sendBound)
    link.isFull = piece.count < both.count
    if link.isFull { world.tell(link, .writable) }
    link.sent += piece
    if !link.isClient { world.origin.received(link, world) }
    return .bytes(piece.count)
  }

  mutating func endSending(_ socket: Int32) { world.link(socket).workerEnded = true }

  mutating func close(_ socket: Int32, resetting: Bool) {
    world.close(socket, resetting: resetting)
  }
}
