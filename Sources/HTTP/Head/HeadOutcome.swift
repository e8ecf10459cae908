/// What came of parsing a head.
public enum HeadOutcome: UInt8, Sendable, BitwiseCopyable {
  /// The head is whole and well-formed.
  case complete
  /// More bytes are needed; those that are there may still become a head.
  case incomplete
  /// Malformed or ambiguous: 400 to a client, 502 for a backend, and the connection closes.
  case bad
  /// The request line is longer than the bound on heads: 414.
  case targetTooLong
  /// The head is longer, or has more fields, than the bounds: 431.
  case tooLarge
  /// Well-formed, but neither HTTP/1.0 nor HTTP/1.1.
  case unsupportedVersion
}
