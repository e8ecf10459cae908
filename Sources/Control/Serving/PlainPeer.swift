import Platform
import Primitives

/// Who is at the other end of a plain server's connection.
enum PlainPeer: Sendable, Equatable {
  /// A process of this user, through a Unix socket.
  case user(UInt32)
  /// A machine, by TCP.
  case address(IPAddress)
  /// The kernel doesn't say.
  case unknown

  /// The peer of an accepted socket, whose address the kernel told.
  init(_ socket: Int32, _ address: SocketAddress) {
    if let user = Socket.peerUser(of: socket) {
      self = .user(user)
    } else {
      self = address.port == 0 ? .unknown : .address(address.address)
    }
  }
}
