import Primitives

/// Writes field blocks of heads and trailers in their HTTP/1.1 form.
///
/// What is between two neighbours only has no meaning in HTTP/2 and is left out (RFC 9113 §8.2.2). A text of n bytes makes
/// a block of at most `room(n)`: compression never adds more than a field's punctuation in HTTP/1.1 takes away.
public struct FieldBlock {
  /// Room for the block of a head of `count` bytes.
  @inlinable public static func room(_ count: Int) -> Int { 2 * count + 64 }

  /// Fields that a head of HTTP/2 never holds.
  @usableFromInline static let dropped: FieldSet = [
    FieldSet(.connection), FieldSet(.keepAlive), FieldSet(.proxyConnection), FieldSet(.te), FieldSet(.upgrade),
    FieldSet(.transferEncoding), FieldSet(.http2Settings),
  ]

  private let start: UnsafeMutablePointer<UInt8>
  private var place: UnsafeMutablePointer<UInt8>
  private let encoder: HPACKEncoder

  /// A block at `place`, which has room for it.
  public init(at place: UnsafeMutablePointer<UInt8>, _ encoder: inout HPACKEncoder) {
    start = place
    self.place = encoder.begin(at: place)
    self.encoder = encoder
  }

  /// Bytes of the block so far.
  public var count: Int { place - start }

  /// Adds `:status`.
  public mutating func add(status: UInt16) { place = encoder.status(status, to: place) }

  /// Adds a field whose line is in `base`, whatever its name.
  @inline(__always)
  public mutating func add(_ field: Field, in base: UnsafePointer<UInt8>) {
    place = encoder.field(
      base + Int(field.name.start), field.name.count, base + Int(field.value.start), field.value.count, to: place)
  }

  /// Adds the fields of well-formed lines `name: value` CRLF, up to `count` bytes or an empty line.
  public mutating func add(lines: UnsafePointer<UInt8>, _ count: Int) {
    var at = 0
    while at &+ 2 < count, lines[at] != Octet.carriageReturn {
      let name = at
      while at < count, lines[at] != Octet.colon { at &+= 1 }
      let nameCount = at &- name
      at &+= 1
      let end = HeadParser.endOfLine(lines, at, count)
      let value = Octet.trimmed(lines, (at, end))
      at = end &+ 2
      guard !FieldBlock.dropped.contains(FieldName.identify(lines + name, nameCount)) else { continue }
      place = encoder.field(lines + name, nameCount, lines + value.start, value.end &- value.start, to: place)
    }
  }
}
