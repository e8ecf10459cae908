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
    add(lines: lines, count, dropping: HPACKEncoder.dropped)
  }

  /// Adds the head of a request as `HeadParser` takes it: its line, Host and fields.
  ///
  /// `takesTrailers` says to the server that trailers are wanted, which some ask for; `opensWebSocket` makes an upgrade to
  /// WebSocket an extended CONNECT (RFC 8441 §5).
  public mutating func add(
    request head: UnsafePointer<UInt8>, _ count: Int, isSecure: Bool, takesTrailers: Bool, opensWebSocket: Bool = false
  ) {
    var at = 0
    while at < count, head[at] != Octet.space { at &+= 1 }
    if opensWebSocket { addConnect() } else { addMethod(head, at) }
    let path = at &+ 1
    at = path
    while at < count, head[at] != Octet.space { at &+= 1 }
    addIndexed(isSecure ? 7 : 6)
    if at &- path == 1, head[path] == UInt8(ascii: "/") {
      addIndexed(4)
    } else {
      add(named: 4, head + path, at &- path)
    }
    at = min(count, HeadParser.endOfLine(head, at, count) &+ 2)
    addAuthority(head + at, count &- at)
    if takesTrailers {
      let (name, value): (StaticString, StaticString) = ("te              ", "trailers                ")
      add(name.utf8Start, 2, value.utf8Start, 8)
    }
    var dropped = HPACKEncoder.dropped.union(FieldSet(.host))
    if opensWebSocket { dropped.insert(.secWebSocketKey) }
    add(lines: head + at, count &- at, dropping: dropped)
  }

  private mutating func addConnect() {
    // Behind each of them sixteen bytes are readable.
    let method: StaticString = "CONNECT                 "
    let (name, value): (StaticString, StaticString) = (":protocol                ", "websocket               ")
    add(named: 2, method.utf8Start, 7)
    add(name.utf8Start, 9, value.utf8Start, 9)
  }

  private mutating func addMethod(_ p: UnsafePointer<UInt8>, _ count: Int) {
    switch Method.identify(p, count) {
    case .get: addIndexed(2)
    case .post: addIndexed(3)
    default: add(named: 2, p, count)
    }
  }

  /// Adds the value of Host, which a well-formed head has, as `:authority`.
  private mutating func addAuthority(_ lines: UnsafePointer<UInt8>, _ count: Int) {
    var at = 0
    while at &+ 5 < count {
      let end = HeadParser.endOfLine(lines, at, count)
      if Octet.matches(lines + at, 5, "host:") {
        let value = Octet.trimmed(lines, (at &+ 5, end))
        if value.end > value.start { add(named: 1, lines + value.start, value.end &- value.start) }
        return
      }
      at = end &+ 2
    }
  }

  private mutating func add(lines: UnsafePointer<UInt8>, _ count: Int, dropping dropped: FieldSet) {
    var at = 0
    while at &+ 2 < count, lines[at] != Octet.carriageReturn {
      let name = at
      while at < count, lines[at] != Octet.colon { at &+= 1 }
      let nameCount = at &- name
      at &+= 1
      let end = HeadParser.endOfLine(lines, at, count)
      let value = Octet.trimmed(lines, (at, end))
      at = end &+ 2
      guard !dropped.contains(FieldName.identify(lines + name, nameCount)) else { continue }
      add(lines + name, nameCount, lines + value.start, value.end &- value.start)
    }
  }
}
