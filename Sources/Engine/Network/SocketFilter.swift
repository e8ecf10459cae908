import Platform
import Primitives

/// A listening socket and how clients are spoken to there.
struct ListenerSocket: Sendable {
  var socket: Int32
  /// How clients are spoken to there.
  var settings: Listener

  init(_ socket: Int32, _ settings: Listener = Listener(.anyAddress(port: 0))) {
    self.socket = socket
    self.settings = settings
  }

  /// Whether a peer must say first whom it speaks for.
  func announces(_ peer: IPAddress) -> Bool {
    !settings.announcers.isEmpty && settings.announcers.contains { $0.contains(peer) }
  }
}

/// What stands between a socket and the engine: a peer's word on whom it speaks for, and TLS.
///
/// The engine's number of a filtered socket has a bit set, so that nothing need be looked up for any other; so has the
/// token that the poller knows it by, which names the descriptor and how often it was filtered before.
struct SocketFilter: BitwiseCopyable {
  /// How far a filtered socket is.
  enum Phase: UInt8, BitwiseCopyable {
    /// Nothing is filtered.
    case unused
    /// The peer is to say whom it speaks for.
    case announcing
    /// A connect is under way.
    case connecting
    /// A handshake is under way.
    case opening
    /// Bytes of the engine pass.
    case open
    /// The handshake failed.
    case failed
  }

  /// Set in the engine's number of a filtered socket.
  static let socketBit: Int32 = 1 << 30
  /// Set in the poller's token of a filtered socket; a slab's handles and listeners' tokens never have it.
  static let tokenBit: UInt64 = 1 << 31

  var phase = Phase.unused
  /// A receive can only go on once something can be sent.
  var receiveNeedsOutput = false
  /// A send can only go on once something has come.
  var sendNeedsInput = false
  /// The handshake has begun.
  var hasBegun = false
  /// The handshake is among those that wait for a certificate.
  var isSuspended = false
  /// The end of our half is still to be sent.
  var endNeedsOutput = false
  /// The peer said for whom it speaks: `address` and `port`.
  var hasAddress = false
  var port: UInt16 = 0
  var announcementCount: UInt16 = 0
  /// Grows each time the descriptor's filter is taken away.
  var generation: UInt32 = 0
  /// The engine's token.
  var token: UInt64 = 0
  /// The connection's side of TLS; `nil` passes bytes as they are.
  var channel: TLSChannel?
  /// What a backend is told once it has accepted, before anything else; owned.
  var announcement: UnsafeMutablePointer<UInt8>?
  /// The client that the peer speaks for.
  var address = IPAddress(high: 0, low: 0)

  /// Whether the engine's number `socket` is that of a filtered one.
  @inline(__always)
  static func isOn(_ socket: Int32) -> Bool { socket & socketBit != 0 }

  /// The descriptor behind the engine's number.
  static func descriptor(_ socket: Int32) -> Int32 { socket & ~socketBit }
}
