import Platform

/// A listening socket and how clients are spoken to there.
struct ListenerSocket: Sendable {
  var socket: Int32
  /// The server's side of TLS; `nil` speaks in clear.
  var tls: ServerTLS?

  init(_ socket: Int32, tls: ServerTLS? = nil) {
    self.socket = socket
    self.tls = tls
  }
}

/// What stands between a socket and the engine: TLS.
///
/// The engine's number of a filtered socket has a bit set, so that nothing need be looked up for any other; so has the
/// token that the poller knows it by, which names the descriptor and how often it was filtered before.
struct SocketFilter: BitwiseCopyable {
  /// How far a filtered socket is.
  enum Phase: UInt8, BitwiseCopyable {
    /// Nothing is filtered.
    case unused
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

  var phase: Phase
  /// A receive can only go on once something can be sent.
  var receiveNeedsOutput: Bool
  /// A send can only go on once something has come.
  var sendNeedsInput: Bool
  /// The end of our half is still to be sent.
  var endNeedsOutput: Bool
  /// Grows each time the descriptor's filter is taken away.
  var generation: UInt32
  /// The engine's token.
  var token: UInt64
  var channel: TLSChannel?

  /// Whether the engine's number `socket` is that of a filtered one.
  @inline(__always)
  static func isOn(_ socket: Int32) -> Bool { socket & socketBit != 0 }

  /// The descriptor behind the engine's number.
  static func descriptor(_ socket: Int32) -> Int32 { socket & ~socketBit }
}
