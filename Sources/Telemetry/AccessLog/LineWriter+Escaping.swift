/// What clients sent, made harmless.
///
/// In every format nothing below 0x20, no 0x7F, no C1 control and no byte that is not UTF-8 leaves as it came.
extension LineWriter {
  /// The inside of a JSON string: as RFC 8259 has it, control characters as `\u00XX`, bytes that aren't UTF-8 as `\\xXX`
  /// (a backslash, an x and two digits to who reads the string).
  mutating func append(escapedJSON text: UnsafeBufferPointer<UInt8>) {
    guard let bytes = text.baseAddress else { return }
    var next = 0
    while next < text.count {
      next &+= appendPlain(bytes + next, text.count &- next)
      guard next < text.count else { return }
      let byte = bytes[next]
      if byte >= 0x80 {
        next &+= appendMultibyte(bytes + next, text.count &- next)
      } else {
        append(escaped: byte)
        next &+= 1
      }
    }
  }

  /// The inside of a quoted string of the combined format, as nginx has it: `"`, `\`, controls and all beyond ASCII as
  /// `\xXX`.
  mutating func append(escapedCombined text: UnsafeBufferPointer<UInt8>) {
    guard let bytes = text.baseAddress else { return }
    var next = 0
    while next < text.count {
      next &+= appendPlain(bytes + next, text.count &- next)
      guard next < text.count else { return }
      append("\\x")
      append(hex: bytes[next], isUpper: true)
      next &+= 1
    }
  }

  /// Copies the run of bytes that no format escapes; returns how many they were.
  @inline(__always)
  private mutating func appendPlain(_ bytes: UnsafePointer<UInt8>, _ room: Int) -> Int {
    var run = 0
    while run &+ 8 <= room {
      let word = UnsafeRawPointer(bytes + run).loadUnaligned(as: UInt64.self)
      guard LineWriter.isPlain(word) else { break }
      run &+= 8
    }
    while run < room, LineWriter.isPlain(bytes[run]) { run &+= 1 }
    append(UnsafeBufferPointer(start: bytes, count: run))
    return run
  }

  /// Whether `byte` is printable ASCII other than `"` and `\`.
  @inline(__always) static func isPlain(_ byte: UInt8) -> Bool {
    byte &- 0x20 < 0x5F && byte != 0x22 && byte != 0x5C
  }

  /// Whether all eight bytes are. May say no of eight that are, never yes of eight that aren't.
  @inline(__always) static func isPlain(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let delete = word ^ (ones &* 0x7F)
    let low = word &- (ones &* 0x20)
    let found = low | (quote &- ones) | (backslash &- ones) | (delete &- ones) | word
    return found & (ones &* 0x80) == 0
  }

  private mutating func append(escaped byte: UInt8) {
    switch byte {
    case 0x22: append("\\\"")
    case 0x5C: append("\\\\")
    case 0x0A: append("\\n")
    case 0x0D: append("\\r")
    case 0x09: append("\\t")
    default:
      append("\\u00")
      append(hex: byte)
    }
  }

  /// Copies a character beyond ASCII, or escapes a C1 control or a byte that begins none; returns how many bytes it took.
  private mutating func appendMultibyte(_ bytes: UnsafePointer<UInt8>, _ room: Int) -> Int {
    let length = LineWriter.characterLength(bytes, room)
    if length == 0 {
      append("\\\\x")
      append(hex: bytes[0])
      return 1
    }
    if length == 2, bytes[0] == 0xC2, bytes[1] < 0xA0 {
      append("\\u00")
      append(hex: bytes[1])
    } else {
      append(UnsafeBufferPointer(start: bytes, count: length))
    }
    return length
  }

  /// Bytes of the well-formed UTF-8 character beyond ASCII at `bytes` (Unicode, table 3-7), or 0.
  static func characterLength(_ bytes: UnsafePointer<UInt8>, _ room: Int) -> Int {
    let first = bytes[0]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first <= 0xF4, length <= room else { return 0 }
    let lowest: UInt8 = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80
    let highest: UInt8 = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF
    guard bytes[1] >= lowest, bytes[1] <= highest else { return 0 }
    for place in 2..<max(length, 2) where bytes[place] & 0xC0 != 0x80 { return 0 }
    return length
  }
}
