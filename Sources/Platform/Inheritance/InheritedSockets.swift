import CLinux
public import Primitives
import Synchronization

/// Listening sockets that another process has opened; each is taken once, by its address.
public final class InheritedSockets: Sendable {
  /// Who listens.
  public enum Use: UInt8, Sendable, CaseIterable {
    /// The data plane.
    case clients
    /// The server of metrics.
    case metrics
    /// The admin API.
    case admin
  }

  /// The sockets of one address.
  public struct Listener: Sendable, Equatable {
    /// Who listened; `nil` is for whoever has the address.
    public var use: Use?
    /// The address as the configuration says it.
    public var endpoint: Endpoint
    /// The address as it is, with the port that the kernel chose.
    public var bound: Endpoint
    /// The sockets: several share a port, each with a queue of its own.
    public var sockets: [Int32]
    /// Whether a Unix socket's path is looked after by somebody else.
    public var isForeign: Bool

    /// The sockets of one address.
    public init(use: Use?, endpoint: Endpoint, bound: Endpoint, sockets: [Int32], isForeign: Bool) {
      self.use = use
      self.endpoint = endpoint
      self.bound = bound
      self.sockets = sockets
      self.isForeign = isForeign
    }
  }

  private let listeners: Mutex<[Listener]>

  /// These sockets.
  public init(_ listeners: [Listener] = []) { self.listeners = Mutex(listeners) }

  /// The sockets of an address that nobody has taken before.
  public func take(_ endpoint: Endpoint, for use: Use) -> Listener? {
    listeners.withLock { listeners in
      let place = listeners.firstIndex { known in
        if let owner = known.use { return owner == use && known.endpoint == endpoint }
        return InheritedSockets.areSame(known.bound, endpoint)
      }
      return place.map { listeners.remove(at: $0) }
    }
  }

  /// Takes all that nobody wanted.
  public func takeRest() -> [Listener] {
    listeners.withLock { listeners in
      defer { listeners.removeAll() }
      return listeners
    }
  }

  private static func areSame(_ one: Endpoint, _ other: Endpoint) -> Bool { plain(one) == plain(other) }

  /// Every address of the machine is `[::]` for whoever asks the socket.
  private static func plain(_ endpoint: Endpoint) -> Endpoint {
    if case .anyAddress(let port) = endpoint { return .tcp(IPAddress(high: 0, low: 0), port: port) }
    return endpoint
  }
}

extension InheritedSockets {
  /// The first descriptor of socket activation (`SD_LISTEN_FDS_START`).
  private static let firstDescriptor: Int32 = 3
  /// Sockets of socket activation at most.
  private static let mostActivated = 1024

  /// The sockets that a service manager has opened for this process (`sd_listen_fds(3)`); none when they are another's.
  public static func activated(_ environment: [String: String], process: Int32) -> [Listener] {
    guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == process,
      let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), (1...mostActivated).contains(count)
    else { return [] }
    return (0..<count).compactMap { place in
      let descriptor = firstDescriptor + Int32(place)
      guard linux_is_listening(descriptor) != 0, linux_adopt_socket(descriptor) == 0 else { return nil }
      let address = Socket.localAddress(of: descriptor)
      guard let bound = address.endpoint else { return nil }
      if address.path == nil { _ = linux_set_option(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
      return Listener(use: nil, endpoint: bound, bound: bound, sockets: [descriptor], isForeign: true)
    }
  }
}
