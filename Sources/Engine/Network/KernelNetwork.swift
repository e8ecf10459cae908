import Platform
import Primitives

/// The seam over the kernel: epoll, edge-triggered, and the system call at once.
struct KernelNetwork: Network, ~Copyable {
  private static let listenerBit: UInt64 = 1 << 63
  private static let wakerToken: UInt64 = .max
  private let poller: Poller
  private var listeners: [ListenerSocket]
  private let waker: Waker
  private let roster: Roster
  private(set) var now: Instant
  /// Sockets that more happens on than bytes that pass, by descriptor.
  let filters: UnsafeMutablePointer<SocketFilter>
  /// The latest TLS session with each backend, by number.
  let sessions: UnsafeMutablePointer<TLSSessionSlot>
  /// Where the records of one send are gathered.
  let batch: UnsafeMutablePointer<TLSBatch>
  /// Events of the last wait that the poller told.
  private var polled = 0
  /// Handshakes that wait for a certificate, by the poller's token.
  let suspended = SuspendedHandshakes()

  /// A network of these listening sockets, which it closes, woken by `waker`.
  init(listeners: [ListenerSocket], waker: Waker, roster: Roster) throws(SystemError) {
    let fresh = try Poller()
    guard fresh.addListener(waker.descriptor, token: KernelNetwork.wakerToken) else { throw SystemError("epoll_ctl") }
    for (number, listener) in listeners.enumerated() {
      guard fresh.addListener(listener.socket, token: KernelNetwork.listenerBit | UInt64(number)) else {
        throw SystemError("epoll_ctl")
      }
    }
    poller = fresh
    self.listeners = listeners
    self.waker = waker
    self.roster = roster
    now = Clock.now()
    filters = ZeroedMemory.reserve(SocketFilter.self, count: Limit.descriptors)
    sessions = ZeroedMemory.reserve(TLSSessionSlot.self, count: Limit.backends)
    batch = TLSBatch.make()
  }

  deinit {
    ZeroedMemory.release(filters, count: Limit.descriptors)
    for number in 0..<roster.count where roster.tls(of: Int32(number)) != nil { sessions[number].clear() }
    ZeroedMemory.release(sessions, count: Limit.backends)
    TLSBatch.free(batch)
  }

  mutating func refreshClock() { now = Clock.now() }

  func wallClock() -> Int64 { Clock.wall() }

  mutating func wait(until deadline: Instant) -> Int {
    polled = poller.wait(milliseconds: milliseconds(until: deadline))
    now = Clock.now()
    return suspended.isEmpty ? polled : polled + suspended.resume()
  }

  private func milliseconds(until deadline: Instant) -> Int32 {
    if deadline == .distantFuture { return -1 }
    let rest = deadline - now
    return rest <= 0 ? 0 : Int32(min((rest + .millisecond - 1) / .millisecond, 60_000))
  }

  func event(_ index: Int) -> NetworkEvent {
    guard index < polled else { return resumedEvent(suspended.resumed[index - polled]) }
    let token = poller.token(index)
    if token == KernelNetwork.wakerToken {
      waker.clear()
      return NetworkEvent(token: token, kinds: .woken)
    }
    let bits = poller.bits(index)
    var kinds: NetworkEventKinds = []
    if bits & PollerBits.readable != 0 { kinds.insert(.readable) }
    if bits & PollerBits.writable != 0 { kinds.insert(.writable) }
    if bits & PollerBits.peerEnded != 0 { kinds.insert(.peerEnded) }
    if bits & (PollerBits.hungUp | PollerBits.broken) != 0 { kinds.insert(.broken) }
    if token & KernelNetwork.listenerBit != 0 {
      return NetworkEvent(token: token & ~KernelNetwork.listenerBit, kinds: .connectionsWait)
    }
    if token & SocketFilter.tokenBit != 0 { return filteredEvent(token, kinds) }
    return NetworkEvent(token: token, kinds: kinds)
  }

  mutating func accept(_ listener: Int, token: UInt64, peer: inout IPAddress, port: inout UInt16) -> OpenOutcome {
    var address = SocketAddress.empty
    let socket = Socket.accept(listeners[listener].socket, &address.storage)
    guard socket >= 0 else {
      if Socket.wouldBlock { return .none }
      return Socket.isExhausted ? .exhausted : .failed
    }
    peer = address.address
    port = address.port
    let announces = listeners[listener].announces(peer)
    guard let tls = listeners[listener].settings.tls else {
      guard announces else { return register(socket, telling: token) }
      return addFilter(to: socket, token: token, .announcing, nil)
    }
    guard let channel = TLSChannel(accepting: socket, tls, waker: waker) else { return refuse(socket) }
    return addFilter(to: socket, token: token, announces ? .announcing : .opening, channel)
  }

  /// Has the poller tell of a new socket by `told`.
  func register(_ socket: Int32, telling told: UInt64) -> OpenOutcome {
    poller.add(socket, token: told) ? .opened(socket) : refuse(socket)
  }

  /// Closes a new socket that there is no room for.
  func refuse(_ socket: Int32) -> OpenOutcome {
    Socket.close(socket, resetting: false)
    return .exhausted
  }

  mutating func setAccepting(_ isAccepting: Bool) {
    for (number, listener) in listeners.enumerated() {
      poller.setListening(listener.socket, token: KernelNetwork.listenerBit | UInt64(number), isAccepting)
    }
  }

  var listenerCount: Int { listeners.count }

  func redirects(_ listener: Int) -> Bool { listeners[listener].settings.redirects }

  mutating func closeListeners() {
    for listener in listeners {
      // A duplicate that lives on elsewhere would keep it in the poller.
      poller.remove(listener.socket)
      Socket.close(listener.socket, resetting: false)
    }
    listeners.removeAll()
  }

  mutating func replaceListeners(_ next: [ListenerSocket]) {
    for listener in listeners { poller.remove(listener.socket) }
    for listener in listeners where !next.contains(where: { $0.socket == listener.socket }) {
      Socket.close(listener.socket, resetting: false)
    }
    listeners = next
    for (number, listener) in next.enumerated() {
      _ = poller.addListener(listener.socket, token: KernelNetwork.listenerBit | UInt64(number))
    }
  }

  mutating func connect(to backend: Int32, token: UInt64) -> OpenOutcome { connect(to: backend, token, saying: nil) }

  mutating func connect(
    to backend: Int32, token: UInt64, saying header: UnsafeBufferPointer<UInt8>
  ) -> OpenOutcome { connect(to: backend, token, saying: header) }

  private mutating func connect(
    to backend: Int32, _ token: UInt64, saying header: UnsafeBufferPointer<UInt8>?
  ) -> OpenOutcome {
    let socket = Socket.connect(to: roster.address(of: backend))
    guard socket >= 0 else { return Socket.isExhausted ? .exhausted : .failed }
    guard let tls = roster.tls(of: backend) else {
      guard let header else { return register(socket, telling: token) }
      return addFilter(to: socket, token: token, .connecting, nil, saying: header)
    }
    let channel = tls.name.withUnsafeBufferPointer { name in
      TLSChannel(
        connecting: socket, tls.client, name: name.count > 1 ? name.baseAddress : nil, isAddress: tls.isAddress,
        sessions: sessions + Int(backend))
    }
    guard let channel else { return refuse(socket) }
    return addFilter(to: socket, token: token, .connecting, channel, saying: header)
  }

  mutating func isConnected(_ socket: Int32) -> Bool {
    if SocketFilter.isOn(socket) { return !isOpening(socket) }
    return Socket.error(of: socket) == 0
  }

  mutating func receive(_ socket: Int32, into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TransferOutcome {
    if SocketFilter.isOn(socket) { return receiveFiltered(socket, into, capacity) }
    return outcome(Socket.receive(socket, into, capacity), zero: .end)
  }

  mutating func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome {
    if SocketFilter.isOn(socket) { return sendFiltered(socket, bytes, count, bytes, 0) }
    return outcome(Socket.send(socket, bytes, count), zero: .wouldBlock)
  }

  mutating func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    if SocketFilter.isOn(socket) { return sendFiltered(socket, first, firstCount, second, secondCount) }
    return outcome(Socket.send(socket, first, firstCount, second, secondCount), zero: .wouldBlock)
  }

  @inline(__always)
  func outcome(_ count: Int, zero: TransferOutcome) -> TransferOutcome {
    if count > 0 { return .bytes(count) }
    if count == 0 { return zero }
    return Socket.wouldBlock ? .wouldBlock : .failed
  }

  mutating func endSending(_ socket: Int32) {
    if SocketFilter.isOn(socket) { return endSendingFiltered(socket) }
    Socket.endSending(socket)
  }

  mutating func close(_ socket: Int32, resetting: Bool) {
    if SocketFilter.isOn(socket) { return closeFiltered(socket, resetting: resetting) }
    Socket.close(socket, resetting: resetting)
  }
}
