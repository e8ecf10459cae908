import Primitives

/// A request's head, as places in the buffer it was parsed in.
public struct RequestHead: Sendable, BitwiseCopyable {
  /// The method.
  public var method = Method.other
  /// HTTP/1.`minorVersion`: 0 or 1.
  public var minorVersion: UInt8 = 1
  /// Whether the target came with scheme and authority.
  public var isAbsoluteForm = false
  /// How the end of the body is known.
  public var framing = BodyFraming.none
  /// Whether the client leaves the connection open for another request.
  public var wantsKeepAlive = false
  /// Whether the client waits for 100 (Continue) before its body; only where there is one, and in HTTP/1.1.
  public var expectsContinue = false
  /// Whether the client asks for one protocol other than a kind of HTTP, in HTTP/1.1, without a body.
  public var wantsUpgrade = false
  /// The method's bytes, at most 32.
  public var methodText = ByteRange.none
  /// The target as received.
  public var target = ByteRange.none
  /// The target's path and query, `/a?b`; `*` for the server as a whole. Of an absolute form what follows the authority:
  /// a query alone stands for one of `/`, and nothing for `/`, or for `*` if the method is OPTIONS (RFC 9112 §3.2.4).
  public var path = ByteRange.none
  /// The value of Host, well-formed; of an absolute form without Host (HTTP/1.0) its authority; empty without both.
  public var host = ByteRange.none
  /// How many bytes of the parser's `hostName` are the normalised host; 0 without one.
  public var hostNameCount: Int32 = 0
  /// Offset of the first field line.
  public var lineEnd: Int32 = 0
  /// Bytes of the head, with an empty line skipped before it and the one that ends it.
  public var length = 0
  /// The value of Content-Length; 0 without one.
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
