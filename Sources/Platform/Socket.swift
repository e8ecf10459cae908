public import CLinux
public import Primitives

/// A failed system call.
public struct SystemError: Error, CustomStringConvertible, Equatable {
  /// What was tried.
  public var call: String
  /// The kernel's error number.
  public var number: Int32

  /// The failure of `call` with the current `errno`.
  public init(_ call: String, _ number: Int32 = linux_errno()) {
    self.call = call
    self.number = number
  }

  /// The call and the kernel's words.
  public var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// Non-blocking sockets: the system calls of the data plane, one line each, and how listeners are made.
public enum Socket {
  /// Connections the kernel holds for a listener until they are accepted.
  public static let backlog: Int32 = 4096

  /// Opens one of several listeners of this process that share a TCP port (`SO_REUSEPORT`), the first after making
  /// sure that nobody else listens there.
  public static func listen(on endpoint: Endpoint, sharedWithOthers isShared: Bool) throws(SystemError) -> Int32 {
    if !isShared { close(try listen(on: endpoint), resetting: false) }
    return try open(endpoint, isShared: true)
  }

  /// Opens a listener of its own.
  ///
  /// A Unix path left over from a process that is gone is replaced; it has `mode`, whatever the umask: by default who may
  /// reach the path may connect.
  public static func listen(on endpoint: Endpoint, mode: UInt32 = 0o666) throws(SystemError) -> Int32 {
    try open(endpoint, isShared: false, mode: mode)
  }

  private static func open(
    _ endpoint: Endpoint, isShared: Bool, mode: UInt32 = 0o666
  ) throws(SystemError) -> Int32 {
    guard var address = SocketAddress(endpoint) else { throw SystemError("socket path", ENAMETOOLONG) }
    let family = Int32(address.storage.ss_family)
    let socket = linux_socket(family, Int32(SOCK_STREAM.rawValue))
    guard socket >= 0 else { throw SystemError("socket") }
    if family == AF_UNIX {
      removeStale(endpoint, &address)
    } else {
      _ = linux_set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1)
      if isShared { _ = linux_set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1) }
      _ = linux_set_option(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
      var isOnly: Int32 = 1
      if case .anyAddress = endpoint { isOnly = 0 }
      if family == AF_INET6 { _ = linux_set_option(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, isOnly) }
    }
    let length = address.length
    let isBound = withUnsafePointer(to: &address.storage) { linux_bind(socket, $0, length) } == 0
    // Before anybody can connect.
    if isBound, case .unix(let path) = endpoint { _ = chmod(path, mode) }
    guard isBound, CLinux.listen(socket, backlog) == 0 else {
      let error = SystemError("bind")
      _ = CLinux.close(socket)
      throw error
    }
    return socket
  }

  private static func removeStale(_ endpoint: Endpoint, _ address: inout SocketAddress) {
    // A plain file refuses connections as a dead socket does, and is none of ours.
    guard case .unix(let path) = endpoint, linux_is_socket(path) != 0 else { return }
    let probe = linux_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue))
    defer { _ = CLinux.close(probe) }
    let length = address.length
    if withUnsafePointer(to: &address.storage, { linux_connect(probe, $0, length) }) != 0, linux_errno() == ECONNREFUSED
    {
      _ = unlink(path)
    }
  }

  /// The address a socket is bound to.
  public static func localAddress(of socket: Int32) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    _ = linux_getsockname(socket, &storage, &length)
    return SocketAddress(storage: storage, length: length)
  }

  /// The user at the other end of a Unix connection, as it was when it connected; `nil` for other sockets.
  public static func peerUser(of socket: Int32) -> UInt32? {
    var user: UInt32 = 0
    return linux_peer_user(socket, &user) == 0 ? user : nil
  }

  /// Accepts one connection, or returns -1 and leaves `errno`.
  public static func accept(_ listener: Int32, _ peer: inout sockaddr_storage) -> Int32 {
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return linux_accept(listener, &peer, &length)
  }

  /// Starts a TCP or Unix connection; returns the socket, or -1 and leaves `errno`.
  public static func connect(to address: UnsafePointer<SocketAddress>) -> Int32 {
    let family = Int32(address.pointee.storage.ss_family)
    let socket = linux_socket(family, Int32(SOCK_STREAM.rawValue))
    guard socket >= 0 else { return -1 }
    if family != AF_UNIX { _ = linux_set_option(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
    let status = linux_connect(socket, UnsafeRawPointer(address), address.pointee.length)
    if status == 0 || linux_errno() == EINPROGRESS { return socket }
    let number = linux_errno()
    _ = CLinux.close(socket)
    linux_set_errno(number)
    return -1
  }

  /// The pending error of a socket, 0 if there is none.
  public static func error(of socket: Int32) -> Int32 { linux_socket_error(socket) }

  /// Receives; as `recv(2)`.
  public static func receive(_ socket: Int32, _ into: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
    linux_recv(socket, into, capacity)
  }

  /// Copies what could be received, which stays where it is.
  public static func peek(_ socket: Int32, _ into: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
    linux_peek(socket, into, capacity)
  }

  /// Sends without SIGPIPE; as `send(2)`.
  public static func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    linux_send(socket, bytes, count)
  }

  /// Sends two runs in one call; as `sendmsg(2)`.
  public static func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> Int {
    linux_send_two(socket, first, firstCount, second, secondCount)
  }

  /// Ends our half.
  public static func endSending(_ socket: Int32) { _ = shutdown(socket, Int32(SHUT_WR)) }

  /// Closes; with `resetting` the peer sees a reset.
  public static func close(_ socket: Int32, resetting: Bool) {
    if resetting { _ = linux_linger_reset(socket) }
    _ = CLinux.close(socket)
  }

  /// Whether the current `errno` says "not now".
  public static var wouldBlock: Bool { linux_errno() == EAGAIN }

  /// Whether the current `errno` says that no further socket can be had.
  public static var isExhausted: Bool {
    switch linux_errno() {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM: true
    default: false
    }
  }

  /// Whether the current `errno` says that this call failed for a reason of one peer, or of none.
  public static var isPassing: Bool {
    switch linux_errno() {
    case ECONNABORTED, EINTR, EPROTO, EPERM: true
    default: false
    }
  }
}

extension Socket {
  /// A second descriptor of the same socket.
  public static func duplicate(_ socket: Int32) -> Int32 { linux_fcntl_int(socket, F_DUPFD_CLOEXEC, 0) }

  /// Sets the mode of a Unix listener's path.
  public static func setMode(of path: String, _ mode: UInt32) { _ = chmod(path, mode) }

  /// Removes the path of a Unix listener that is closed.
  public static func removePath(_ path: String) { _ = unlink(path) }
}
