import Platform
import Primitives

/// The seam over the kernel: epoll, edge-triggered, and the system call at once.
struct KernelNetwork: Network, ~Copyable {
  private static let listenerBit: UInt64 = 1 << 63
  private static let wakerToken: UInt64 = .max
  private let poller: Poller
  private var listeners: [Int32]
  private let waker: Waker
  private let roster: Roster
  private(set) var now: Instant

  /// A network of these listening sockets, which it closes, woken by `waker`.
  init(listeners: [Int32], waker: Waker, roster: Roster) throws(SystemError) {
    let fresh = try Poller()
    guard fresh.addListener(waker.descriptor, token: KernelNetwork.wakerToken) else { throw SystemError("epoll_ctl") }
    for (number, socket) in listeners.enumerated() {
      guard fresh.addListener(socket, token: KernelNetwork.listenerBit | UInt64(number)) else {
        throw SystemError("epoll_ctl")
      }
    }
    poller = fresh
    self.listeners = listeners
    self.waker = waker
    self.roster = roster
    now = Clock.now()
  }

  mutating func refreshClock() { now = Clock.now() }

  func wallClock() -> Int64 { Clock.wall() }

  mutating func wait(until deadline: Instant) -> Int {
    let count = poller.wait(milliseconds: milliseconds(until: deadline))
    now = Clock.now()
    return count
  }

  private func milliseconds(until deadline: Instant) -> Int32 {
    if deadline == .distantFuture { return -1 }
    let rest = deadline - now
    return rest <= 0 ? 0 : Int32(min((rest + .millisecond - 1) / .millisecond, 60_000))
  }

  func event(_ index: Int) -> NetworkEvent {
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
    return NetworkEvent(token: token, kinds: kinds)
  }

  mutating func accept(_ listener: Int, token: UInt64, peer: inout IPAddress, port: inout UInt16) -> OpenOutcome {
    var address = SocketAddress.empty
    let socket = Socket.accept(listeners[listener], &address.storage)
    guard socket >= 0 else {
      if Socket.wouldBlock { return .none }
      return Socket.isExhausted ? .exhausted : .failed
    }
    guard poller.add(socket, token: token) else {
      Socket.close(socket, resetting: false)
      return .exhausted
    }
    peer = address.address
    port = address.port
    return .opened(socket)
  }

  mutating func setAccepting(_ isAccepting: Bool) {
    for (number, socket) in listeners.enumerated() {
      poller.setListening(socket, token: KernelNetwork.listenerBit | UInt64(number), isAccepting)
    }
  }

  var listenerCount: Int { listeners.count }

  mutating func closeListeners() {
    for socket in listeners {
      // A duplicate that lives on elsewhere would keep it in the poller.
      poller.remove(socket)
      Socket.close(socket, resetting: false)
    }
    listeners.removeAll()
  }

  mutating func replaceListeners(_ sockets: [Int32]) {
    for socket in listeners { poller.remove(socket) }
    for socket in listeners where !sockets.contains(socket) { Socket.close(socket, resetting: false) }
    listeners = sockets
    for (number, socket) in sockets.enumerated() {
      _ = poller.addListener(socket, token: KernelNetwork.listenerBit | UInt64(number))
    }
  }

  mutating func connect(to backend: Int32, token: UInt64) -> OpenOutcome {
    let socket = Socket.connect(to: roster.address(of: backend))
    guard socket >= 0 else { return Socket.isExhausted ? .exhausted : .failed }
    guard poller.add(socket, token: token) else {
      Socket.close(socket, resetting: false)
      return .exhausted
    }
    return .opened(socket)
  }

  mutating func isConnected(_ socket: Int32) -> Bool { Socket.error(of: socket) == 0 }

  mutating func receive(_ socket: Int32, into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TransferOutcome {
    outcome(Socket.receive(socket, into, capacity), zero: .end)
  }

  mutating func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome {
    outcome(Socket.send(socket, bytes, count), zero: .wouldBlock)
  }

  mutating func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    outcome(Socket.send(socket, first, firstCount, second, secondCount), zero: .wouldBlock)
  }

  @inline(__always)
  private func outcome(_ count: Int, zero: TransferOutcome) -> TransferOutcome {
    if count > 0 { return .bytes(count) }
    if count == 0 { return zero }
    return Socket.wouldBlock ? .wouldBlock : .failed
  }

  mutating func endSending(_ socket: Int32) { Socket.endSending(socket) }

  mutating func close(_ socket: Int32, resetting: Bool) { Socket.close(socket, resetting: resetting) }
}
