import Platform
import Primitives

/// What a network tells of one socket, by the token it was registered with.
struct NetworkEvent: BitwiseCopyable {
  /// The token of the socket: the slab handle of its connection, or a listener's number.
  var token: UInt64
  /// What happened.
  var kinds: NetworkEventKinds
}

/// What may have happened to a socket since it was last asked.
struct NetworkEventKinds: OptionSet, BitwiseCopyable {
  let rawValue: UInt8
  /// There are bytes, an end or an error to receive.
  static let readable = NetworkEventKinds(rawValue: 1)
  /// A send that fell short may go on; a connect came to its end.
  static let writable = NetworkEventKinds(rawValue: 2)
  /// The peer has ended its half.
  static let peerEnded = NetworkEventKinds(rawValue: 4)
  /// The connection is broken: nothing can be sent any more.
  static let broken = NetworkEventKinds(rawValue: 8)
  /// Another thread called (`Waker`).
  static let woken = NetworkEventKinds(rawValue: 16)
  /// Connections wait at the listener whose number is the token.
  static let connectionsWait = NetworkEventKinds(rawValue: 32)
}

/// How a receive or a send ended.
enum TransferOutcome {
  /// This many bytes, more than none. A receive shorter than asked means that there was no more.
  case bytes(Int)
  /// This many bytes, more than none, although there is more: an end or a failure, or bytes (receive only).
  case piece(Int)
  /// The other side has ended its half (receive only).
  case end
  /// Nothing can be moved now; an event will tell when.
  case wouldBlock
  /// The connection is broken.
  case failed
}

/// How far the handshake of a connection is.
enum HandshakeEnd {
  /// There is none, or it is through.
  case none
  /// It has not come to its end.
  case underWay
  /// It has failed.
  case failed(TLSFailure)
}

/// How an accept or a connect ended.
enum OpenOutcome {
  /// The new socket; a connecting one tells by `writable` or `broken` when it is through.
  case opened(Int32)
  /// No connection waits to be accepted.
  case none
  /// The process may hold no further socket (EMFILE, ENFILE, ENOBUFS, ENOMEM).
  case exhausted
  /// Refused at once, or unreachable.
  case failed
}

/// The one seam between the data plane and the world: sockets, readiness and time.
///
/// Sockets are edge-triggered: an event comes once for each change, and what is left unread by choice must be read
/// when the choice ends. Every call returns at once but `wait`. Statically dispatched: Engine is generic over it.
protocol Network: ~Copyable {
  /// The time of the last `wait`, or of the last `refreshClock`.
  var now: Instant { get }
  /// Reads the clock anew.
  mutating func refreshClock()
  /// Nanoseconds since 1970, for dates and cookies; may jump.
  func wallClock() -> Int64
  /// Waits for events, at the latest until `deadline`; returns how many there are.
  mutating func wait(until deadline: Instant) -> Int
  /// The event at `index`, below what `wait` returned.
  func event(_ index: Int) -> NetworkEvent
  /// Takes one connection of listener number `listener`, registers it with `token`, and tells its peer's address.
  mutating func accept(_ listener: Int, token: UInt64, peer: inout IPAddress, port: inout UInt16) -> OpenOutcome
  /// Stops or resumes telling of connections that wait at any listener. Told again and again while they wait.
  mutating func setAccepting(_ isAccepting: Bool)
  /// Closes the listeners; their numbers mean nothing any more.
  mutating func closeListeners()
  /// Listens on these sockets from now on, which are the network's to close; closes those that are not among them.
  mutating func replaceListeners(_ sockets: [ListenerSocket])
  /// How many listeners there are.
  var listenerCount: Int { get }
  /// Starts to connect to the backend with this number in the process's roster.
  mutating func connect(to backend: Int32, token: UInt64) -> OpenOutcome
  /// Starts to connect to a backend that is told these bytes before anything else, a handshake included.
  mutating func connect(to backend: Int32, token: UInt64, saying header: UnsafeBufferPointer<UInt8>) -> OpenOutcome
  /// Our address on a connection; port 0 where it has none.
  func localAddress(_ socket: Int32) -> (address: IPAddress, port: UInt16)
  /// Whether a socket whose connect came to its end is connected.
  mutating func isConnected(_ socket: Int32) -> Bool
  /// Moves at most `capacity` bytes that came on `socket` to `into`.
  mutating func receive(_ socket: Int32, into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TransferOutcome
  /// Sends as many of `count` bytes as fit now.
  mutating func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome
  /// Sends as many bytes of two runs, the first then the second, as fit now.
  mutating func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome
  /// Ends our half of the connection.
  mutating func endSending(_ socket: Int32)
  /// Closes; with `resetting` the peer sees a reset rather than an end.
  mutating func close(_ socket: Int32, resetting: Bool)
  /// Whether an accepted socket is not yet through with what goes before its first byte, such as a handshake; once it
  /// is, that is told as `readable`, and before that nothing but `broken`.
  func isOpening(_ socket: Int32) -> Bool
  /// Whether what passes on the socket is encrypted.
  func isSecure(_ socket: Int32) -> Bool
  /// How far the handshake of a socket is.
  func handshakeEnd(_ socket: Int32) -> HandshakeEnd
  /// Whether a handshake that is through took up an earlier session.
  func isResumed(_ socket: Int32) -> Bool
  /// The name that a client's handshake asked for, in lower case; empty when there is none.
  func serverName(_ socket: Int32) -> UnsafeBufferPointer<UInt8>
  /// The `Strict-Transport-Security` line of a client's listener; empty when it has none.
  func strictTransport(_ socket: Int32) -> UnsafeBufferPointer<UInt8>
  /// The protocol that a handshake agreed on (ALPN); empty when it did on none.
  func negotiatedProtocol(_ socket: Int32) -> UnsafeBufferPointer<UInt8>
  /// Who a client has proved to be by a certificate, in the handshake; empty when it showed none.
  func clientNames(_ socket: Int32) -> CertificateNames
  /// Replaces the peer's address by that of the client it speaks for, if it said so.
  func takeAnnounced(_ socket: Int32, peer: inout IPAddress, port: inout UInt16)
  /// Whether requests of listener number `listener` are to be sent on to the one that speaks TLS.
  func redirects(_ listener: Int) -> Bool
}

extension Network where Self: ~Copyable {
  mutating func replaceListeners(_ sockets: [ListenerSocket]) {}
  mutating func connect(to backend: Int32, token: UInt64, saying header: UnsafeBufferPointer<UInt8>) -> OpenOutcome {
    .failed
  }
  func localAddress(_ socket: Int32) -> (address: IPAddress, port: UInt16) { (IPAddress(high: 0, low: 0), 0) }
  func isOpening(_ socket: Int32) -> Bool { false }
  func isSecure(_ socket: Int32) -> Bool { false }
  func handshakeEnd(_ socket: Int32) -> HandshakeEnd { .none }
  func isResumed(_ socket: Int32) -> Bool { false }
  func serverName(_ socket: Int32) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: nil, count: 0) }
  func negotiatedProtocol(_ socket: Int32) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: nil, count: 0) }
  func clientNames(_ socket: Int32) -> CertificateNames { .none }
  func strictTransport(_ socket: Int32) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: nil, count: 0) }
  func takeAnnounced(_ socket: Int32, peer: inout IPAddress, port: inout UInt16) {}
  func redirects(_ listener: Int) -> Bool { false }

  /// Whether a handshake agreed on HTTP/2.
  func hasAgreedOnHTTP2(_ socket: Int32) -> Bool {
    let name = negotiatedProtocol(socket)
    return name.count == 2 && name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
  }
}
