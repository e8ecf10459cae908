/// Writes the parts of a record one after the other: numbers in groups of seven bits, the lowest first (LEB128), texts
/// behind their counts.
struct RecordWriting {
  /// What was written.
  private(set) var bytes: [UInt8] = []

  mutating func append(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  mutating func append(_ text: String?) {
    append(UInt64(text == nil ? 0 : 1))
    if let text { append(text) }
  }

  mutating func append(_ blob: [UInt8]) {
    append(UInt64(blob.count))
    bytes += blob
  }
}

/// Reads the parts of a record one after the other; once one is not there, all that follow are empty.
struct RecordReading {
  private var rest: ArraySlice<UInt8>
  /// Whether all that was asked for was there.
  private(set) var isWhole = true

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// Whether all was read.
  var isAtEnd: Bool { rest.isEmpty }

  mutating func number() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst(), shift < 64 {
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    isWhole = false
    return 0
  }

  mutating func blob() -> ArraySlice<UInt8> {
    let count = number()
    guard count <= UInt64(rest.count) else {
      isWhole = false
      return []
    }
    let blob = rest.prefix(Int(count))
    rest = rest.dropFirst(Int(count))
    return blob
  }

  mutating func text() -> String { String(decoding: blob(), as: UTF8.self) }

  mutating func optionalText() -> String? { number() == 0 ? nil : text() }
}
