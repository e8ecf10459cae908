import Primitives

extension HeadParser {
  /// How long a method may be.
  static let methodBound = 32

  /// Reads the request line (RFC 9112 §3) into a fresh `request`; checks everything but the authority in the target.
  mutating func readRequestLine(_ base: UnsafePointer<UInt8>, _ limit: Int) -> HeadOutcome {
    var head = RequestHead()
    var at = 0
    if limit > 0, base[0] == Octet.carriageReturn {
      guard limit > 1 else { return .incomplete }
      guard base[1] == Octet.lineFeed else { return .bad }
      at = 2
    }
    let start = at
    while at < limit, Octet.isToken(base[at]) { at &+= 1 }
    guard at &- start <= HeadParser.methodBound else { return .bad }
    guard at < limit else { return .incomplete }
    guard at > start, base[at] == Octet.space else { return .bad }
    head.methodText = ByteRange(narrow(start), narrow(at))
    head.method = Method.identify(base + start, at &- start)
    at &+= 1
    let target = at
    while at < limit {
      let outside = ByteBlock(base + at).outsideTarget
      if !outside.isEmpty {
        at &+= outside.first
        break
      }
      at &+= 16
    }
    guard at < limit else { return .incomplete }
    guard base[at] == Octet.space else { return .bad }
    head.target = ByteRange(narrow(target), narrow(at))
    guard HeadParser.findPath(base, &head) else { return .bad }
    at &+= 1
    let outcome = HeadParser.readVersion(base + at, limit &- at, &head.minorVersion)
    guard outcome == .complete else { return outcome }
    at &+= 8
    guard at < limit else { return .incomplete }
    guard base[at] == Octet.carriageReturn else { return .bad }
    guard at &+ 1 < limit else { return .incomplete }
    guard base[at &+ 1] == Octet.lineFeed else { return .bad }
    guard head.minorVersion <= 1 else { return .unsupportedVersion }
    head.lineEnd = narrow(at &+ 2)
    request = head
    return .complete
  }

  /// Finds path and authority of the target by its form (RFC 9112 §3.2); false when it has none of the three we take.
  @inline(__always)
  private static func findPath(_ base: UnsafePointer<UInt8>, _ head: inout RequestHead) -> Bool {
    guard !head.target.isEmpty, head.method != .connect else { return false }
    if base[Int(head.target.start)] == UInt8(ascii: "/") {
      head.path = head.target
      return true
    }
    return findUnusualPath(base, &head)
  }

  @inline(never)
  private static func findUnusualPath(_ base: UnsafePointer<UInt8>, _ head: inout RequestHead) -> Bool {
    let (p, count) = (base + Int(head.target.start), head.target.count)
    if p[0] == UInt8(ascii: "*") {
      head.path = head.target
      return count == 1 && head.method == .options
    }
    var at = 0
    if count > 7, Octet.matches(p, 7, "http://") {
      at = 7
    } else if count > 8, Octet.matches(p, 8, "https://") {
      at = 8
    } else {
      return false
    }
    let authority = at
    while at < count, p[at] != UInt8(ascii: "/"), p[at] != UInt8(ascii: "?") { at += 1 }
    guard at > authority else { return false }
    head.isAbsoluteForm = true
    head.host = ByteRange(head.target.start &+ narrow(authority), head.target.start &+ narrow(at))
    head.path = ByteRange(head.host.end, head.target.end)
    return true
  }

  /// Reads `HTTP/1.` and a minor digit; any other version of the form `HTTP/D.D` gives the minor version 255.
  @inline(__always)
  static func readVersion(_ p: UnsafePointer<UInt8>, _ count: Int, _ minor: inout UInt8) -> HeadOutcome {
    if count >= 8 {
      let word = UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
      let digit = UInt8(truncatingIfNeeded: word >> 56) &- 0x30
      // `HTTP/1.`, the first byte lowest.
      if word << 8 == 0x2E31_2F50_5454_4800, digit <= 1 {
        minor = digit
        return .complete
      }
    }
    return readUnusualVersion(p, count, &minor)
  }

  @inline(never)
  private static func readUnusualVersion(
    _ p: UnsafePointer<UInt8>, _ count: Int, _ minor: inout UInt8
  ) -> HeadOutcome {
    let form: StaticString = "HTTP/0.0"
    for index in 0..<8 {
      guard index < count else { return .incomplete }
      let isDigit = index == 5 || index == 7
      guard isDigit ? p[index] &- 0x30 <= 9 : p[index] == form.utf8Start[index] else { return .bad }
    }
    minor = 255
    return .complete
  }

  /// Reads the status line (RFC 9112 §4) into a fresh `response`.
  mutating func readStatusLine(_ base: UnsafePointer<UInt8>, _ limit: Int) -> HeadOutcome {
    var head = ResponseHead()
    let outcome = HeadParser.readVersion(base, limit, &head.minorVersion)
    guard outcome == .complete else { return outcome }
    guard head.minorVersion <= 1 else { return .unsupportedVersion }
    for at in 8..<12 {
      guard at < limit else { return .incomplete }
      guard at == 8 ? base[at] == Octet.space : base[at] &- 0x30 <= 9 else { return .bad }
      if at > 8 { head.status = head.status &* 10 &+ UInt16(base[at] &- 0x30) }
    }
    guard head.status >= 100, head.status <= 599 else { return .bad }
    guard limit > 12 else { return .incomplete }
    // The space before an empty reason is often left out.
    guard base[12] == Octet.space || base[12] == Octet.carriageReturn else { return .bad }
    let start = base[12] == Octet.space ? 13 : 12
    let end = HeadParser.endOfLine(base, start, limit)
    guard end < limit else { return .incomplete }
    guard base[end] == Octet.carriageReturn else { return .bad }
    guard end &+ 1 < limit else { return .incomplete }
    guard base[end &+ 1] == Octet.lineFeed else { return .bad }
    head.reason = ByteRange(narrow(start), narrow(end))
    head.lineEnd = narrow(end &+ 2)
    response = head
    return .complete
  }
}
