import Primitives

/// What Content-Length and Transfer-Encoding say.
struct FramingFields {
  var isWellFormed = true
  var isChunked = false
  var hasLength = false
  var length: Int64 = 0

  static var malformed: FramingFields { FramingFields(isWellFormed: false) }
}

extension HeadParser {
  /// Reads Content-Length and Transfer-Encoding: at most one of them, once, with one plain value (RFC 9112 §6.1, §6.2).
  ///
  /// Look-alikes count: somebody behind us might take them for the field, so a head with one is malformed.
  mutating func readFraming(_ base: UnsafePointer<UInt8>, minorVersion: UInt8) -> FramingFields {
    let hasLength = section.seen.contains(.contentLength)
    let hasEncoding = section.seen.contains(.transferEncoding)
    guard hasLength || hasEncoding else { return FramingFields() }
    guard !(hasLength && hasEncoding), !section.repeated.contains(.contentLength),
      !section.repeated.contains(.transferEncoding),
      let field = field(hasLength ? .contentLength : .transferEncoding)
    else { return .malformed }
    let (p, count) = (base + Int(field.value.start), field.value.count)
    if hasLength {
      guard let length = HeadParser.readLength(p, count) else { return .malformed }
      hasUnusualLength = (count > 1 && p[0] == UInt8(ascii: "0")) || !hasPlainBlanks(base, field)
      return FramingFields(hasLength: true, length: length)
    }
    guard hasPlainBlanks(base, field) else { return .malformed }
    guard minorVersion == 1, Octet.matches(p, count, "chunked") else { return .malformed }
    return FramingFields(isChunked: true)
  }

  /// Whether only spaces stand around the value: a tab there is legal, but not blank to every reader. One who reads past it
  /// takes a request for another host's, or does not see a coding; a length is passed on without it.
  func hasPlainBlanks(_ base: UnsafePointer<UInt8>, _ field: Field) -> Bool {
    for index in (field.name.end &+ 1)..<field.value.start where base[Int(index)] != Octet.space { return false }
    for index in field.value.end..<(field.line.end &- 2) where base[Int(index)] != Octet.space { return false }
    return true
  }

  /// A length of digits only; nil above `Int64.max`, too.
  static func readLength(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    var start = 0
    while start < count &- 1, p[start] == UInt8(ascii: "0") { start &+= 1 }
    guard count > 0, count &- start <= 19 else { return nil }
    var length: UInt64 = 0
    for index in start..<count {
      let digit = p[index] &- 0x30
      guard digit <= 9 else { return nil }
      // Nineteen digits stay below 10^19 < 2^64.
      length = length &* 10 &+ UInt64(digit)
    }
    return Int64(exactly: length)
  }
}
