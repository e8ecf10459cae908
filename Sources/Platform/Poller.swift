import CLinux

/// What the poller may tell of a descriptor.
public struct PollerBits {
  /// Bytes, an end, or connections to accept.
  public static let readable = linux_epoll_in
  /// Room to send.
  public static let writable = linux_epoll_out
  /// The peer ended its half.
  public static let peerEnded = linux_epoll_rdhup
  /// Both halves have ended.
  public static let hungUp = linux_epoll_hup
  /// The socket is broken.
  public static let broken = linux_epoll_err
}

/// The kernel's event queue (epoll), edge-triggered: a socket is registered once and never touched again.
public struct Poller: ~Copyable {
  /// Events taken in one wait.
  public static let batch = 256
  private let descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>

  /// An empty queue.
  public init() throws(SystemError) {
    descriptor = linux_epoll_create()
    events = .allocate(capacity: Poller.batch)
    if descriptor < 0 { throw SystemError("epoll_create") }
  }

  deinit {
    events.deallocate()
    _ = close(descriptor)
  }

  /// Registers a connection for everything, edge-triggered; false when the kernel refuses.
  public func add(_ socket: Int32, token: UInt64) -> Bool {
    let bits = linux_epoll_in | linux_epoll_out | linux_epoll_rdhup | linux_epoll_et
    return linux_epoll_add(descriptor, socket, bits, token) == 0
  }

  /// Registers a listener or a wake-up descriptor, level-triggered.
  public func addListener(_ socket: Int32, token: UInt64) -> Bool {
    linux_epoll_add(descriptor, socket, linux_epoll_in, token) == 0
  }

  /// Stops or resumes telling of a listener.
  public func setListening(_ socket: Int32, token: UInt64, _ isListening: Bool) {
    _ = linux_epoll_modify(descriptor, socket, isListening ? linux_epoll_in : 0, token)
  }

  /// Forgets a descriptor.
  public func remove(_ socket: Int32) { _ = linux_epoll_remove(descriptor, socket) }

  /// Waits at most `milliseconds` (-1: for ever); returns how many events came.
  public func wait(milliseconds: Int32) -> Int {
    Int(max(0, epoll_wait(descriptor, events, Int32(Poller.batch), milliseconds)))
  }

  /// The token of an event.
  public func token(_ index: Int) -> UInt64 { linux_event_token(events + index) }

  /// What happened (`PollerBits`).
  public func bits(_ index: Int) -> UInt32 { linux_event_bits(events + index) }
}
