import Primitives

/// One field line of a head, as places in the buffer it was parsed in.
public struct Field: Sendable, BitwiseCopyable {
  /// The whole line with its CRLF.
  public var line: ByteRange
  /// The name.
  public var name: ByteRange
  /// The value, without the blanks around it.
  public var value: ByteRange
  /// Which known name it is.
  public var id: FieldName
  /// Whether a `Connection` field of the same head names it; never set for Host and the framing fields.
  public var isNamedByConnection: Bool
  /// Whether the name holds an underscore or other punctuation than hyphens, so that `id` may be a look-alike:
  /// such a field is never read as what `id` says, only removed as that.
  public var hasUnderscore: Bool

  /// A field line at these places.
  @inlinable public init(line: ByteRange, name: ByteRange, value: ByteRange, id: FieldName, hasUnderscore: Bool) {
    self.line = line
    self.name = name
    self.value = value
    self.id = id
    self.hasUnderscore = hasUnderscore
    isNamedByConnection = false
  }
}
