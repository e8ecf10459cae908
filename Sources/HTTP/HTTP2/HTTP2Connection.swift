import Primitives

/// One connection of HTTP/2 (RFC 9113): takes bytes and tells what they mean, keeps windows and streams, and frames what
/// is to be sent. It does no I/O.
///
/// Short frames of its own making (SETTINGS, PING, RST_STREAM, WINDOW_UPDATE, GOAWAY) wait in `outbox`: whoever owns the
/// connection empties it after every call. A stream's record stays until the owner gives it back by `release`.
public struct HTTP2Connection: ~Copyable {
  /// Which side of the connection this is.
  public enum Role: Sendable {
    /// Takes requests.
    case server
    /// Sends requests.
    case client
  }

  /// What a client sends first (RFC 9113 §3.4).
  public static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
  /// Bytes that `outbox` holds at most.
  public static let outboxCapacity = 512
  /// The largest window of streams that a GOAWAY allows for (RFC 9113 §6.8).
  static let allStreams: UInt32 = 0x7FFF_FFFF
  /// The payload of the PING that tells when a first GOAWAY has arrived.
  static let shutdownPing: UInt64 = 0x6761_7465_686F_7573
  /// Streams closed last that are remembered.
  static let remembered = 64

  /// Which side this is.
  public let role: Role
  /// Frames that wait to be sent before anything else.
  public let outbox: UnsafeMutablePointer<UInt8>
  /// Bytes in `outbox`.
  public internal(set) var outboxCount = 0
  /// What the peer announced.
  public internal(set) var peer = HTTP2Settings()
  /// Encodes the field blocks that are sent.
  public let encoder: UnsafeMutablePointer<HPACKEncoder>
  /// Whether the connection is over.
  public internal(set) var hasFailed = false
  /// What the peer did too much of, when that is why the connection is over.
  public internal(set) var flood: FloodKind?
  /// Whether the peer was told that no further streams are taken.
  public var isShutDown: Bool { shutdown == .reached }
  /// Whether the peer wanted any stream before others, or after them.
  public internal(set) var hasRanks = false
  /// The highest stream that the peer still takes, as far as it said.
  public internal(set) var lastStream = HTTP2Connection.allStreams

  /// How far an orderly end is.
  enum Shutdown { case none, announced, reached }

  let bounds: HTTP2Bounds
  var shutdown = Shutdown.none
  var decoder = HPACKDecoder(tableSize: 4096)
  var guards: FloodGuards
  var streams: StreamTable
  /// What of the connection's window is left for DATA to the peer, and for DATA from it.
  var sendWindow = HTTP2Settings.defaultWindow
  var receiveWindow = HTTP2Bounds.connectionWindow
  var credit: Int64 = 0
  /// Bytes of the preface that came; all of them for a client.
  var prefaceCount: Int
  /// Whether the peer's first SETTINGS have come.
  public internal(set) var hasSettings = false
  var isAcknowledged = false
  /// Streams that were refused before the peer acknowledged our settings.
  var unawareCount = 0
  /// The highest stream the peer has begun; as a client, the highest of ours.
  var highest: UInt32 = 0
  /// The DATA frame that is coming in: bytes and padding left of it, its stream's place, whether it ends the stream.
  var dataLeft = 0
  var paddingLeft = 0
  var dataPlace: Int32 = -1
  var dataEnds = false
  var block = PartialBlock()
  var closed: ClosedStreams

  /// A connection that starts by saying what it takes.
  public init(_ role: Role, bounds: HTTP2Bounds) {
    self.role = role
    self.bounds = bounds
    guards = FloodGuards(bounds)
    streams = StreamTable(bound: bounds.streams)
    outbox = .allocate(capacity: HTTP2Connection.outboxCapacity)
    encoder = .allocate(capacity: 1)
    encoder.initialize(to: HPACKEncoder())
    closed = ClosedStreams()
    prefaceCount = role == .server ? 0 : HTTP2Connection.preface.utf8CodeUnitCount
    announce()
  }

  deinit {
    outbox.deallocate()
    encoder.deinitialize(count: 1)
    encoder.deallocate()
    closed.deallocate()
    block.memory?.deallocate()
  }

  /// Streams whose records are kept.
  public var streamCount: Int { streams.count }
  /// Places that any stream had so far: for walks over all of them.
  public var placeCount: Int32 { narrow(streams.places) }
  /// The stream at `place`; its `id` is 0 where there is none.
  @inline(__always)
  public func stream(_ place: Int32) -> UnsafeMutablePointer<HTTP2Stream> { streams[place] }

  /// Whether part of a field block has come.
  public var isWithinBlock: Bool { block.stream != 0 }

  /// Takes what was in `outbox`.
  public mutating func emptyOutbox() { outboxCount = 0 }
}

/// A field block that comes in several frames.
struct PartialBlock: BitwiseCopyable {
  var memory: UnsafeMutablePointer<UInt8>?
  var count = 0
  /// The stream, 0 while there is no block.
  var stream: UInt32 = 0
  var endsStream = false
  var continuations = 0

  /// Adds a fragment; false when the block gets longer than `bound`.
  mutating func append(_ p: UnsafePointer<UInt8>, _ length: Int, bound: Int) -> Bool {
    guard count &+ length <= bound else { return false }
    let memory = self.memory ?? .allocate(capacity: bound)
    self.memory = memory
    (memory + count).update(from: p, count: length)
    count &+= length
    return true
  }

  mutating func deallocate() {
    memory?.deallocate()
    memory = nil
  }
}

/// The streams closed last, and why: frames may still be on their way to them.
struct ClosedStreams: BitwiseCopyable {
  enum Reason: UInt64 {
    case ended, resetByPeer, resetByUs
  }

  private let ring: UnsafeMutablePointer<UInt64>
  private var next = 0
  private var oldest: UInt32 = 0

  init() {
    ring = .allocate(capacity: HTTP2Connection.remembered)
    ring.initialize(repeating: 0, count: HTTP2Connection.remembered)
  }

  func deallocate() { ring.deallocate() }

  mutating func note(_ id: UInt32, _ reason: Reason) {
    oldest = max(oldest, UInt32(truncatingIfNeeded: ring[next] >> 2))
    ring[next] = UInt64(id) << 2 | reason.rawValue
    next = (next &+ 1) % HTTP2Connection.remembered
  }

  /// Notes another reason for a stream that may be noted already: it is reset once, whatever still comes for it.
  mutating func change(_ id: UInt32, to reason: Reason) {
    for index in 0..<HTTP2Connection.remembered where UInt32(truncatingIfNeeded: ring[index] >> 2) == id {
      ring[index] = UInt64(id) << 2 | reason.rawValue
      return
    }
    note(id, reason)
  }

  /// Why stream `id` was closed. Streams that are forgotten count as reset by us, which forgives the most; `nil` for
  /// numbers that were never used.
  func reason(_ id: UInt32) -> Reason? {
    for index in 0..<HTTP2Connection.remembered where UInt32(truncatingIfNeeded: ring[index] >> 2) == id {
      return Reason(rawValue: ring[index] & 3)
    }
    return id <= oldest ? .resetByUs : nil
  }
}
