/// A run of bytes in somebody's buffer: half-open offsets from its start.
public struct ByteRange: Equatable, Sendable, BitwiseCopyable {
  /// Offset of the first byte.
  public var start: Int32
  /// Offset past the last byte.
  public var end: Int32

  /// The bytes from `start` up to, not including, `end`.
  @inlinable public init(_ start: Int32, _ end: Int32) {
    self.start = start
    self.end = end
  }

  /// No bytes, at offset 0; stands for "absent" where a range is optional.
  @inlinable public static var none: ByteRange { ByteRange(0, 0) }

  /// How many bytes.
  @inlinable public var count: Int { Int(end &- start) }

  /// Whether there are no bytes.
  @inlinable public var isEmpty: Bool { end == start }
}
