/// How the end of a message's body is known (RFC 9112 §6.3).
public enum BodyFraming: UInt8, Sendable, BitwiseCopyable {
  /// There is no body; also where its length is given as 0.
  case none
  /// The length is given, and is not 0.
  case length
  /// Chunks, then a trailer section.
  case chunked
  /// The connection's end; responses only.
  case untilClose
}
