/// What became of the next bytes that a peer sent.
public struct HTTP2Event: Sendable, BitwiseCopyable {
  /// What happened.
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// Nothing more can be made of what is there; `consumed` bytes are done with.
    case needsMore
    /// Something was taken that nobody needs to know of.
    case progress
    /// Server: a stream begins. The text holds its request head, or says why there is none.
    case request
    /// Server: a stream was begun and reset at once, for its request is malformed. Nothing is kept of it.
    case malformed
    /// Client: the head of a response, interim or final, is in the text.
    case response
    /// A piece of a body lies `start` bytes on, `count` bytes of it.
    case data
    /// The trailer section of a stream is in the text; the stream ends with it.
    case trailers
    /// A stream is over before its time: the peer reset it, or it was reset for the peer's fault.
    case reset
    /// More may be sent than before: on one stream, or on all when `place` is -1.
    case windowOpened
    /// The peer takes no further streams than those up to `lastStream`.
    case goAway
    /// Everybody who was told of the end knows now: no stream comes any more.
    case shutdownReached
    /// The connection is over; what waits to be sent says why.
    case failed
  }

  /// What happened.
  public var kind: Kind
  /// Bytes of input that are done with.
  public var consumed: Int
  /// The stream's place, -1 when it is about none.
  public var place: Int32 = -1
  /// Where a piece of a body starts in the input, and its bytes.
  public var start = 0
  /// Bytes of the piece.
  public var count = 0
  /// Whether the peer's half of the stream ends with this.
  public var endsStream = false
  /// Why a stream or the connection ends.
  public var code = HTTP2ErrorCode.noError
  /// Whether a stream is over because the peer broke a rule, and not because it says so.
  public var isFault = false

  init(_ kind: Kind, consumed: Int, place: Int32 = -1) {
    self.kind = kind
    self.consumed = consumed
    self.place = place
  }
}
