import Primitives

extension HPACKEncoder {
  /// Fields that no head of HTTP/2 holds: what is between two neighbours only (RFC 9113 §8.2.2).
  private static let dropped: FieldSet = [
    FieldSet(.connection), FieldSet(.keepAlive), FieldSet(.proxyConnection), FieldSet(.te), FieldSet(.upgrade),
    FieldSet(.transferEncoding), FieldSet(.http2Settings),
  ]

  /// Adds the fields of well-formed lines `name: value` CRLF, up to `count` bytes or an empty line, without those that
  /// mean nothing in HTTP/2.
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
      guard !HPACKEncoder.dropped.contains(FieldName.identify(lines + name, nameCount)) else { continue }
      add(lines + name, nameCount, lines + value.start, value.end &- value.start)
    }
  }
}
