import Primitives

/// A response's head, as places in the buffer it was parsed in.
public struct ResponseHead: Sendable, BitwiseCopyable {
  /// The status, 100 ... 599.
  public var status: UInt16 = 0
  /// HTTP/1.`minorVersion`: 0 or 1.
  public var minorVersion: UInt8 = 1
  /// How the end of the body is known; `none` for 1xx, 204, 304 and answers to HEAD.
  public var framing = BodyFraming.none
  /// Whether the server leaves the connection open after this response.
  public var wantsKeepAlive = false
  /// Whether the status is 101 (Switching Protocols).
  public var isUpgrade = false
  /// The reason phrase; may be empty.
  public var reason = ByteRange.none
  /// Offset of the first field line.
  public var lineEnd: Int32 = 0
  /// Bytes of the head, with the empty line that ends it.
  public var length = 0
  /// The value of Content-Length, also where there is no body (HEAD, 304); 0 without one.
  public var contentLength: Int64 = 0
  /// How many field lines there are.
  public var fieldCount = 0
  /// The known names among the fields, look-alikes included.
  public var seen: FieldSet = []
  /// The known names that came more than once.
  public var repeated: FieldSet = []

  /// A head of nothing.
  public init() {}
}
