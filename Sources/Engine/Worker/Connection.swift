import HTTP
import Primitives

/// What a connection is for.
enum Role: UInt8, BitwiseCopyable {
  /// A client's.
  case client
  /// To a backend, with an exchange or in its pool.
  case upstream
  /// To a backend, for a health check.
  case probe
  /// No connection at all: its timer is the deadline of its exchange.
  case alarm
}

/// How far a connection is with what it carries.
enum ConnectionPhase: UInt8, BitwiseCopyable {
  /// Client: between requests. Upstream: in its pool.
  case idle
  /// Upstream and probe: waiting for the backend to accept. Client: waiting for its handshake to be through.
  case connecting
  /// Client: part of a request head is in. Upstream: the response head is awaited.
  case head
  /// A body comes in from this side.
  case body
  /// Part of a trailer section is in.
  case trailers
  /// Client: the request is in whole, its answer awaited or under way.
  case waiting
  /// Bytes of an upgraded protocol pass both ways.
  case tunnel
  /// Our half has ended; what still comes is discarded until the peer ends or time is up.
  case lingering
}

/// Facts about a connection, each a bit.
struct ConnectionFlags: OptionSet, BitwiseCopyable {
  let rawValue: UInt32
  /// There is, or may be, something to receive: an edge came and no receive has fallen short since.
  static let readable = ConnectionFlags(rawValue: 1)
  /// The peer told that it has ended its half; what it sent before may still be unread.
  static let peerEnded = ConnectionFlags(rawValue: 2)
  /// The peer's end has been received.
  static let ended = ConnectionFlags(rawValue: 4)
  /// The last send fell short.
  static let blocked = ConnectionFlags(rawValue: 8)
  /// Close once the output has been sent.
  static let closesAfterOutput = ConnectionFlags(rawValue: 16)
  /// Client: a trusted peer.
  static let isTrusted = ConnectionFlags(rawValue: 32)
  /// Upstream: has carried an exchange before this one.
  static let isReused = ConnectionFlags(rawValue: 64)
  /// In the worker's list of connections to look at again.
  static let isReady = ConnectionFlags(rawValue: 128)
  /// Client: over the bound on connections, there only to be told so.
  static let isSurplus = ConnectionFlags(rawValue: 256)
  /// Client: counted as having a request in flight.
  static let isActive = ConnectionFlags(rawValue: 512)
  /// Client: a 100 was sent to find out whether a client that ended its half is still there.
  static let isProbed = ConnectionFlags(rawValue: 1024)
  /// The network told that the connection is broken; what came before may still be unread.
  static let isBroken = ConnectionFlags(rawValue: 2048)
  /// Client: what passes is encrypted.
  static let isSecure = ConnectionFlags(rawValue: 4096)
  /// Client: the connection's first bytes tell whether it speaks HTTP/1.1 or HTTP/2.
  static let choosesProtocol = ConnectionFlags(rawValue: 8192)
  /// Client: speaks HTTP/2; `http2` says how far it is.
  static let isHTTP2 = ConnectionFlags(rawValue: 16384)
  /// Client: a stream of HTTP/2, without a socket of its own.
  static let isStream = ConnectionFlags(rawValue: 32768)
  /// Client: a stream whose request is one of gRPC.
  static let isGRPC = ConnectionFlags(rawValue: 65536)
  /// Client: a stream whose answer's trailers wait in its input.
  static let hasTrailers = ConnectionFlags(rawValue: 131_072)
  /// What HTTP/1.1 does not have.
  static let notHTTP1: ConnectionFlags = [.choosesProtocol, .isHTTP2, .isStream]
  /// Tunnel: our half has ended.
  static let hasEndedSending = ConnectionFlags(rawValue: 1 << 18)
  /// Client: its requests are sent on to the listener that speaks TLS.
  static let redirects = ConnectionFlags(rawValue: 1 << 19)
  /// Client: it is told in each answer to come by TLS only.
  static let isStrict = ConnectionFlags(rawValue: 1 << 20)
  /// Client: its listener speaks HTTP/2 and nothing else.
  static let isHTTP2Only = ConnectionFlags(rawValue: 1 << 21)
  /// Not read until its tenant's bandwidth allows it.
  static let isPaused = ConnectionFlags(rawValue: 1 << 22)
}

/// A socket and what is known of it. An idle connection owns nothing else, unless it speaks HTTP/2.
struct Connection: BitwiseCopyable {
  /// What stands for the socket of a stream: no network knows it.
  static let noSocket = Int32.max
  /// The network's number.
  var socket: Int32
  var role: Role
  var phase: ConnectionPhase
  var flags: ConnectionFlags = []
  /// The exchange it serves, -1 when none.
  var exchange: Int32 = -1
  /// Upstream and probe: the backend's number in the roster.
  var backend: Int32 = -1
  /// Upstream: neighbours in its pool, the most recently used first.
  var poolNext: Int32 = -1
  var poolPrevious: Int32 = -1
  /// Received and not yet used: a partial head, pipelined requests.
  var input = Buffer()
  /// Waits until the peer takes it.
  var output = Buffer()
  var timer = TimerNode()
  /// How far a partial head was looked through.
  var scan = HeadScan()
  /// Client: the peer.
  var address = IPAddress(high: 0, low: 0)
  var port: UInt16 = 0
  /// Bytes the other side last took at once: how much to receive at a time.
  var window: Int32 = Int32(Limit.scratch)
  /// Client: when the first byte of the current head came.
  var headStarted = Instant.distantPast
  /// Client of HTTP/2: the connection's state; owned.
  var http2: UnsafeMutablePointer<HTTP2Session>?
  /// Stream: the slot of its connection, and the stream's place there.
  var parent: Int32 = -1
  var place: Int32 = -1
  /// Client: the tenant among whose connections it is counted, -1 while it is among none's. Upstream: the tenant for whose
  /// request it was opened.
  var tenant: Int32 = -1
  /// Stream whose answer waits for its window: bytes sent since its time began anew.
  var progress: Int32 = 0

  init(socket: Int32, role: Role, phase: ConnectionPhase) {
    self.socket = socket
    self.role = role
    self.phase = phase
  }
}
