/// Why a stream or a connection of HTTP/2 ends (RFC 9113 §7).
public enum HTTP2ErrorCode: UInt32, Sendable, BitwiseCopyable, CaseIterable {
  /// Nothing went wrong.
  case noError
  /// The peer broke a rule that has no code of its own.
  case protocolError
  /// Something went wrong here.
  case internalError
  /// The peer sent more than its window allows.
  case flowControlError
  /// SETTINGS were not acknowledged in time.
  case settingsTimeout
  /// A frame came for a half of a stream that has ended.
  case streamClosed
  /// A frame has a size its type can't have, or is too large.
  case frameSizeError
  /// The stream was refused before anything was done for it.
  case refusedStream
  /// The stream is no longer wanted.
  case cancel
  /// The field compression can't be kept up.
  case compressionError
  /// A tunnel was broken.
  case connectError
  /// The peer asks for more than it should: floods, resets, stalls.
  case enhanceYourCalm
  /// The connection is not secure enough.
  case inadequateSecurity
  /// HTTP/1.1 is wanted.
  case http11Required
}
