/// What the peer's SETTINGS say (RFC 9113 §6.5.2), as far as it matters to what we send.
public struct HTTP2Settings: Sendable, BitwiseCopyable {
  /// The largest window (§6.9.1).
  public static let maximumWindow: Int64 = 1 << 31 - 1
  /// The window before anything is said of it.
  public static let defaultWindow: Int64 = 65_535

  /// Identifiers on the wire.
  enum Identifier {
    static let headerTableSize: UInt16 = 1
    static let enablePush: UInt16 = 2
    static let maxConcurrentStreams: UInt16 = 3
    static let initialWindowSize: UInt16 = 4
    static let maxFrameSize: UInt16 = 5
    static let maxHeaderListSize: UInt16 = 6
    /// RFC 8441 §3.
    static let enableConnectProtocol: UInt16 = 8
    /// RFC 9218 §2.1.
    static let noPriorities: UInt16 = 9
  }

  /// Bytes of the table that the peer decodes with.
  public internal(set) var headerTableSize = 4096
  /// Streams that we may have open at once; as a client.
  public internal(set) var maxConcurrentStreams: Int64 = .max
  /// The window of each new stream for what we send.
  public internal(set) var initialWindow = HTTP2Settings.defaultWindow
  /// The largest payload we may send.
  public internal(set) var maxFrame = FrameHeader.leastMaximumPayload
  /// Bytes of fields that the peer takes; advice.
  public internal(set) var maxHeaderList: Int64 = .max
  /// Whether the peer, a server, takes extended CONNECT.
  public internal(set) var takesExtendedConnect = false

  init() {}

  /// Takes one setting over; tells how it breaks a rule, if it does.
  mutating func apply(_ identifier: UInt16, _ value: UInt32, fromClient: Bool) -> HTTP2ErrorCode {
    switch identifier {
    case Identifier.headerTableSize: headerTableSize = Int(value)
    case Identifier.enablePush: return value > 1 || (value == 1 && !fromClient) ? .protocolError : .noError
    case Identifier.maxConcurrentStreams: maxConcurrentStreams = Int64(value)
    case Identifier.initialWindowSize:
      guard Int64(value) <= HTTP2Settings.maximumWindow else { return .flowControlError }
      initialWindow = Int64(value)
    case Identifier.maxFrameSize:
      guard (1 << 14..<1 << 24).contains(value) else { return .protocolError }
      maxFrame = Int(value)
    case Identifier.maxHeaderListSize: maxHeaderList = Int64(value)
    case Identifier.enableConnectProtocol:
      // Once said, it can't be taken back (RFC 8441 §3).
      guard value <= 1, !(takesExtendedConnect && value == 0) else { return .protocolError }
      takesExtendedConnect = value == 1
    default: break
    }
    return .noError
  }
}
