import Glibc
import Platform
import Primitives
import Synchronization

/// A small blocking HTTP/1.1 server on threads of its own, for what is asked seldom: metrics, probes, sample apps.
///
/// Threads are started as connections come, up to a bound; connections above it wait in the kernel's queue.
final class PlainServer: Sendable {
  /// How much and how long.
  struct Bounds: Sendable {
    /// Connections served at a time; also the bound of threads.
    var connections: Int
    /// Bytes of a request head.
    var headSize = 8 << 10
    /// How long a head may take, and a connection be without one.
    var header = Duration.seconds(5)
    /// How long the next piece of a body, or room for the next piece of an answer, may take.
    var patience = Duration.seconds(5)
    /// Whether requests may have a body; if not, one that does is refused with 413.
    var takesBodies = false
    /// Whether what can't be read is refused with a problem in JSON, instead of a line of text.
    var tellsProblems = false
    /// The mode of Unix sockets.
    var socketMode: UInt32 = 0o666
    /// Sockets that are open already, and for whom.
    var inherited = InheritedSockets()
    var use = InheritedSockets.Use.metrics
    /// Whether connections are left waiting until `resume()`.
    var rests = false
  }

  /// Answers one request; called on any of the server's threads.
  typealias Answer = @Sendable (inout PlainExchange) -> Void
  /// Looks at the head of a request before its body is taken, which is kept then.
  typealias Screen = @Sendable (PlainRequest) -> PlainScreening

  /// How requests are met.
  enum Approach: Sendable {
    /// Their bodies are counted and not kept, and then they are answered.
    case answering(Answer)
    /// Their heads are looked at first.
    case screening(Screen)
  }
  /// The side of TLS that a new connection by TCP has.
  typealias Secure = @Sendable () -> ServerTLS?

  private struct Crew {
    var threads: [Thread] = []
    var idle = 0
    var isStopped = false
  }

  /// Where the server listens; a port 0 asked for is here the one that was given.
  let endpoints: [Endpoint]
  private let listeners: [InheritedSockets.Listener]
  private let rests: Atomic<Bool>
  /// Wakes threads that wait for connections when they are to rest.
  private let restSignal: Waker
  private let leavesPaths = Atomic<Bool>(false)
  private let bounds: Bounds
  private let name: String
  private let conversation: PlainConversation
  private let secure: Secure
  private let stopSignal: Waker
  private let crew = Mutex(Crew())

  /// Binds every endpoint, or none, and starts to serve; `name` is that of its threads.
  init(
    name: String, at endpoints: [Endpoint], bounds: Bounds, secure: @escaping Secure = { nil }, _ approach: Approach
  ) throws(SystemError) {
    precondition(bounds.connections > 0)
    stopSignal = try Waker()
    do {
      restSignal = try Waker()
    } catch {
      stopSignal.close()
      throw error
    }
    do {
      listeners = try PlainServer.listen(on: endpoints, bounds)
    } catch {
      stopSignal.close()
      restSignal.close()
      throw error
    }
    self.endpoints = listeners.map(\.bound)
    rests = Atomic(bounds.rests)
    if bounds.rests { restSignal.wake() }
    self.bounds = bounds
    self.name = name
    self.secure = secure
    conversation = PlainConversation(bounds: bounds, approach: approach)
    let isStarted = crew.withLock { crew in startThread(&crew) }
    if !isStarted {
      stop()
      throw SystemError("pthread_create", EAGAIN)
    }
  }

  /// Ends every thread, breaks off what they serve, and closes the sockets.
  ///
  /// Must be called before the server is let go; a second call does nothing.
  func stop() {
    let threads = crew.withLock { crew in
      let threads = crew.isStopped ? nil : crew.threads
      crew.isStopped = true
      crew.threads = []
      return threads
    }
    guard let threads else { return }
    stopSignal.wake()
    for thread in threads { thread.join() }
    for listener in listeners { PlainServer.close(listener, leavesPath: leavesPaths.load(ordering: .relaxed)) }
    stopSignal.close()
    restSignal.close()
  }

  private static func close(_ listener: InheritedSockets.Listener, leavesPath: Bool) {
    for socket in listener.sockets { Socket.close(socket, resetting: false) }
    if case .unix(let path) = listener.bound, !listener.isForeign, !leavesPath { _ = unlink(path) }
  }

  private static func listen(
    on endpoints: [Endpoint], _ bounds: Bounds
  ) throws(SystemError) -> [InheritedSockets.Listener] {
    var listeners: [InheritedSockets.Listener] = []
    for endpoint in endpoints {
      if let known = bounds.inherited.take(endpoint, for: bounds.use) {
        listeners.append(known)
        continue
      }
      do {
        let socket = try Socket.listen(on: endpoint, mode: bounds.socketMode)
        listeners.append(
          InheritedSockets.Listener(
            use: bounds.use, endpoint: endpoint, bound: bound(endpoint, socket), sockets: [socket], isForeign: false))
      } catch {
        for listener in listeners { close(listener, leavesPath: bounds.rests) }
        throw error
      }
    }
    return listeners
  }

  private static func bound(_ endpoint: Endpoint, _ listener: Int32) -> Endpoint {
    switch endpoint {
    case .tcp(let address, _): .tcp(address, port: Socket.localAddress(of: listener).port)
    case .anyAddress: .anyAddress(port: Socket.localAddress(of: listener).port)
    case .unix: endpoint
    }
  }

  // MARK: - handing over

  /// The listening sockets, for another process.
  var handedListeners: [InheritedSockets.Listener] {
    listeners.map { listener in
      var listener = listener
      listener.use = bounds.use
      return listener
    }
  }

  /// Whether the paths of Unix sockets are left where they are: they are another process's.
  func leavePaths(_ leaves: Bool) { leavesPaths.store(leaves, ordering: .relaxed) }

  /// Leaves connections waiting in the kernel's queue from now on; those that are open are served and closed.
  func rest() {
    rests.store(true, ordering: .releasing)
    restSignal.wake()
  }

  /// Takes connections.
  func resume() {
    rests.store(false, ordering: .releasing)
    restSignal.clear()
  }

  /// Waits until nothing is served, at most `milliseconds`; for one that rests.
  func settle(milliseconds: Int) {
    for _ in 0..<milliseconds / 5 {
      if crew.withLock({ $0.idle == $0.threads.count }) { return }
      Machine.rest(nanoseconds: 5 * .millisecond)
    }
  }

  /// Binds every endpoint, or none, and starts to serve; bodies are counted and not kept.
  convenience init(
    name: String, at endpoints: [Endpoint], bounds: Bounds, answer: @escaping Answer
  ) throws(SystemError) {
    try self.init(name: name, at: endpoints, bounds: bounds, .answering(answer))
  }

  /// One more thread that waits for a connection; the crew is locked.
  private func startThread(_ crew: inout Crew) -> Bool {
    guard !crew.isStopped, let thread = try? Thread(name: name, { self.serve() }) else { return false }
    crew.threads.append(thread)
    crew.idle += 1
    return true
  }

  /// The life of a thread.
  private func serve() {
    while let (socket, peer) = accept() {
      crew.withLock { crew in
        crew.idle -= 1
        if crew.idle == 0, crew.threads.count < bounds.connections { _ = startThread(&crew) }
      }
      converse(PlainChannel(socket: socket, stop: stopSignal), with: peer)
      crew.withLock { $0.idle += 1 }
    }
  }

  private func converse(_ channel: consuming PlainChannel, with peer: PlainPeer) {
    var channel = channel
    if case .address = peer, let tls = secure() {
      guard channel.accept(tls, until: ContinuousClock().now + bounds.header) else { return }
    }
    conversation.run(channel, peer) { self.isFull }
  }

  /// Whether every thread is busy: then connections are not kept between requests.
  private var isFull: Bool { rests.load(ordering: .relaxed) || crew.withLock { $0.idle == 0 } }

  /// Milliseconds between two looks whether a rest is over.
  private static let restLook: Int32 = 5

  /// Waits for a connection; `nil` when the server stops.
  private func accept() -> (socket: Int32, peer: PlainPeer)? {
    let sockets = listeners.flatMap(\.sockets)
    var waited = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    waited.append(pollfd(fd: restSignal.descriptor, events: Int16(POLLIN), revents: 0))
    waited.append(pollfd(fd: stopSignal.descriptor, events: Int16(POLLIN), revents: 0))
    while true {
      let ready = poll(&waited, nfds_t(waited.count), -1)
      if waited.last?.revents != 0, ready > 0 { return nil }
      if rests.load(ordering: .acquiring) {
        _ = poll(&waited[waited.count - 1], 1, PlainServer.restLook)
        continue
      }
      for index in sockets.indices where ready > 0 && waited[index].revents != 0 {
        var peer = SocketAddress.empty
        let socket = Socket.accept(sockets[index], &peer.storage)
        if socket >= 0 { return (socket, PlainPeer(socket, peer)) }
        // No descriptors left: the connection waits, and so do we instead of spinning.
        if Socket.isExhausted { _ = poll(&waited[waited.count - 1], 1, 100) }
      }
    }
  }
}
