import Primitives

/// What a field of a section is to its head.
enum FieldRole {
  /// It passes as a line.
  case line
  /// Part of the cookies.
  case cookie
  /// The host.
  case host
  /// The length.
  case contentLength
  /// How much the stream is wanted; it passes as a line.
  case priority
  /// It makes the section malformed.
  case forbidden
}

extension HeadText {
  /// What a well-formed field is: those of one connection are forbidden (RFC 9113 §8.2.2), `te` but for `trailers`.
  @inline(__always)
  static func role(
    _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int
  ) -> FieldRole {
    switch nameCount {
    case 2 where ByteComparison.areEqual(name, 2, "te"):
      return ByteComparison.areEqual(value, valueCount, "trailers") ? .line : .forbidden
    case 4 where ByteComparison.areEqual(name, 4, "host"): return .host
    case 6 where ByteComparison.areEqual(name, 6, "cookie"): return .cookie
    case 7 where ByteComparison.areEqual(name, 7, "upgrade"): return .forbidden
    case 8 where ByteComparison.areEqual(name, 8, "priority"): return .priority
    case 10 where ByteComparison.areEqual(name, 10, "connection"): return .forbidden
    case 10 where ByteComparison.areEqual(name, 10, "keep-alive"): return .forbidden
    case 14 where ByteComparison.areEqual(name, 14, "content-length"): return .contentLength
    case 14 where ByteComparison.areEqual(name, 14, "http2-settings"): return .forbidden
    case 16 where ByteComparison.areEqual(name, 16, "proxy-connection"): return .forbidden
    case 17 where ByteComparison.areEqual(name, 17, "transfer-encoding"): return .forbidden
    default: return .line
    }
  }

  /// Whether a name is a token without capital letters (RFC 9113 §8.2.1).
  @inline(__always)
  static func isName(_ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard count > 0 else { return false }
    var at = 0
    while at < count {
      let outside = ByteBlock(p + at).outsideLowercaseName.first
      at &+= outside
      if at >= count { return true }
      guard outside < 16 else { continue }
      guard Octet.isToken(p[at]), p[at] &- 0x41 >= 26 else { return false }
      at &+= 1
    }
    return true
  }

  /// Whether a value can stand in a line: no controls but HTAB, no blanks at its ends (RFC 9113 §8.2.1).
  @inline(__always)
  static func isValue(_ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard count > 0 else { return true }
    return !Octet.isBlank(p[0]) && !Octet.isBlank(p[count &- 1]) && HeadParser.endOfLine(p, 0, count) == count
  }

  /// Makes a line of the field just decoded behind the text: the name is there, its value two bytes behind it.
  @inline(__always)
  mutating func keepLine(_ nameCount: Int, _ valueCount: Int) {
    let end = count &+ nameCount
    bytes[end] = Octet.colon
    bytes[end &+ 1] = Octet.space
    count = end &+ 2 &+ valueCount
    endLine()
  }

  @inline(__always)
  mutating func endLine() {
    bytes[count] = Octet.carriageReturn
    bytes[count &+ 1] = Octet.lineFeed
    count &+= 2
  }

  @inline(__always)
  mutating func append(_ text: StaticString) {
    (bytes + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    count &+= text.utf8CodeUnitCount
  }

  @inline(__always)
  mutating func append(_ p: UnsafePointer<UInt8>, _ range: ByteRange) {
    (bytes + count).update(from: p + Int(range.start), count: range.count)
    count &+= range.count
  }

  /// Keeps a crumb of the cookies, which are one field in HTTP/1.1 (RFC 9113 §8.2.3).
  mutating func keepCrumb(_ value: UnsafePointer<UInt8>, _ valueCount: Int) {
    if cookieCount > 0 {
      cookies[cookieCount] = UInt8(ascii: ";")
      cookies[cookieCount &+ 1] = Octet.space
      cookieCount &+= 2
    }
    (cookies + cookieCount).update(from: value, count: valueCount)
    cookieCount &+= valueCount
  }

  mutating func writeCookies() {
    guard cookieCount > 0 else { return }
    append("cookie: ")
    append(cookies, ByteRange(0, narrow(cookieCount)))
    endLine()
  }
}
