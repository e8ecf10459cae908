import Primitives

/// What one connection of HTTP/2 may ask for. Every wait, table and count of it has its bound here.
public struct HTTP2Bounds: Sendable, BitwiseCopyable {
  /// Streams open at once, 1 ... 1,000.
  public var streams = 128
  /// Resets, the peer's and those it provokes, in `resetPeriod`.
  public var resets: Int64 = 100
  /// The span of `resets`, in nanoseconds.
  public var resetPeriod: Int64 = 10 * .second
  /// Bytes of a field section: names, values, and 32 for each field (RFC 9113 §10.5.1).
  public var headerSize = 32 << 10
  /// Fields of a section, and crumbs of its cookies.
  public var headerCount = 128

  /// The defaults of the language.
  public init() {}

  /// Bytes of a request body that a stream may send before they are taken.
  static let streamWindow: Int64 = 256 << 10
  /// Bytes that all streams of a connection may send before they are taken.
  static let connectionWindow: Int64 = 1 << 20
  /// Bytes of a field block that are put together from frames; beyond `headerSize` only to keep the decoder in step.
  var blockBytes: Int { 2 * headerSize + FrameHeader.leastMaximumPayload }
  /// CONTINUATION frames of one field block.
  static let continuations = 32
  /// A section whose size is this many times the bound is no mistake.
  static let bombFactor = 16
  /// Streams beyond `streams` that a peer may begin before it acknowledges that bound; further ones count as resets that
  /// it provokes.
  static let unawareStreams = 1_000
  /// PING, SETTINGS, PRIORITY and unknown frames, of each kind, in `floodPeriod`.
  static let controlFrames: Int64 = 500
  /// DATA frames without data that end nothing, in `floodPeriod`.
  static let emptyFrames: Int64 = 100
  /// WINDOW_UPDATE frames in `floodPeriod`, beside those that DATA sent to the peer explains.
  static let windowUpdates: Int64 = 2_000
  /// WINDOW_UPDATE frames that one DATA frame sent to the peer explains.
  static let updatesPerData: Int64 = 4
  /// The span over which frames of a kind are counted.
  static let floodPeriod: Int64 = 10 * .second
}
