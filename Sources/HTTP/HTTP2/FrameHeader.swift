import Primitives

/// The types of frames (RFC 9113 §6).
public enum FrameType: UInt8, Sendable, BitwiseCopyable {
  // The raw values are the types on the wire.
  case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
  // RFC 9218 §7.1.
  case priorityUpdate = 16
}

/// Flags of frames (RFC 9113 §6); which of them count depends on the type.
public enum FrameFlag {
  /// DATA, HEADERS: the sender's half of the stream ends.
  public static let endStream: UInt8 = 0x1
  /// SETTINGS, PING: the answer to the peer's.
  public static let acknowledgement: UInt8 = 0x1
  /// HEADERS, CONTINUATION: the field block ends.
  public static let endHeaders: UInt8 = 0x4
  /// DATA, HEADERS: padding follows, its length first.
  public static let padded: UInt8 = 0x8
  /// HEADERS: five bytes of priority come first.
  public static let priority: UInt8 = 0x20
}

/// The nine bytes before each frame (RFC 9113 §4.1).
public struct FrameHeader: Sendable, BitwiseCopyable {
  /// Bytes of a frame header.
  public static let count = 9
  /// The largest payload that every endpoint takes, and the largest we take.
  public static let leastMaximumPayload = 16_384

  /// Bytes of payload.
  public var length: Int
  /// The type; values that `FrameType` lacks are to be ignored.
  public var type: UInt8
  /// The flags.
  public var flags: UInt8
  /// The stream, 0 for the connection.
  public var stream: UInt32

  /// Reads the nine bytes at `p`.
  @inline(__always)
  public init(_ p: UnsafePointer<UInt8>) {
    let word = UInt64(bigEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
    length = Int(word &>> 40)
    type = UInt8(truncatingIfNeeded: word &>> 32)
    flags = UInt8(truncatingIfNeeded: word &>> 24)
    stream = UInt32(truncatingIfNeeded: word & 0x7F_FFFF) << 8 | UInt32(p[8])
  }

  /// Writes a header to the nine bytes at `place`.
  @inline(__always)
  public static func write(
    _ type: FrameType, flags: UInt8, stream: UInt32, length: Int, to place: UnsafeMutablePointer<UInt8>
  ) {
    let word =
      UInt64(truncatingIfNeeded: length) &<< 40 | UInt64(type.rawValue) &<< 32 | UInt64(flags) &<< 24
      | UInt64(stream &>> 8)
    UnsafeMutableRawPointer(place).storeBytes(of: word.bigEndian, as: UInt64.self)
    place[8] = UInt8(truncatingIfNeeded: stream)
  }
}

/// Numbers in the payloads of frames.
enum FramePayload {
  @inline(__always)
  static func word(_ p: UnsafePointer<UInt8>) -> UInt32 {
    UInt32(bigEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt32.self))
  }

  @inline(__always)
  static func write(_ word: UInt32, to place: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(place).storeBytes(of: word.bigEndian, as: UInt32.self)
  }
}
