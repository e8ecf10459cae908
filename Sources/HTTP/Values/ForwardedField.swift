public import Primitives

/// The Forwarded field of requests (RFC 7239): a chain of those whom a request passed, each an element of pairs.
public enum ForwardedField {
  /// Elements of a chain at most, of all its fields together.
  public static let elementBound = 64

  /// How many elements a value holds; `nil` when it is malformed. Strict: no blanks but around commas, no parameter twice
  /// in an element, and `for` and `by` name nodes (§6).
  public static func count(_ p: UnsafePointer<UInt8>, _ value: ByteRange) -> Int? {
    var reader = ForwardedReader(p, Int(value.start), Int(value.end))
    return reader.readElements()
  }

  /// Writes an element of our own: who the client is (`nil` says unknown), which host it asked for, and how.
  ///
  /// The host is well-formed: a name or address and perhaps a port.
  public static func write(
    for client: IPAddress?, host: UnsafeBufferPointer<UInt8>, isSecure: Bool, to writer: inout ByteWriter
  ) {
    writer.append("for=")
    switch client {
    case nil: writer.append("unknown")
    case let address? where address.isV4: writer.append(address)
    case let address?:
      writer.append("\"[")
      writer.append(address)
      writer.append("]\"")
    }
    if let start = host.baseAddress, host.count > 0 {
      let isToken = host.allSatisfy(Octet.isToken)
      writer.append(isToken ? ";host=" : ";host=\"")
      writer.append(start, host.count)
      if !isToken { writer.append(byte: UInt8(ascii: "\"")) }
    }
    writer.append(isSecure ? ";proto=https" : ";proto=http")
  }
}

/// Reads a value from its start to its end.
private struct ForwardedReader {
  /// Parameters of an element at most.
  private static let pairBound = 16
  /// The parameters that RFC 7239 §5 knows, by bit.
  private static let known: [StaticString] = ["for", "by", "host", "proto"]

  let p: UnsafePointer<UInt8>
  var at: Int
  let end: Int
  /// The known parameters of the element so far.
  var seen = 0

  init(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) {
    self.p = p
    at = start
    self.end = end
  }

  /// The elements, which commas part; empty ones between commas count for nothing (RFC 9110 §5.6.1).
  mutating func readElements() -> Int? {
    var count = 0
    while true {
      while at < end, Octet.isBlank(p[at]) { at &+= 1 }
      if at < end, p[at] != UInt8(ascii: ",") {
        guard readElement() else { return nil }
        count &+= 1
        guard count <= ForwardedField.elementBound else { return nil }
        while at < end, Octet.isBlank(p[at]) { at &+= 1 }
      }
      guard at < end else { return count }
      guard p[at] == UInt8(ascii: ",") else { return nil }
      at &+= 1
    }
  }

  /// Pairs, which semicolons part.
  private mutating func readElement() -> Bool {
    seen = 0
    for _ in 0..<ForwardedReader.pairBound {
      // A pair may be missing (§4).
      if at < end, Octet.isToken(p[at]) {
        guard readPair() else { return false }
      }
      guard at < end, p[at] == UInt8(ascii: ";") else { return true }
      at &+= 1
    }
    return false
  }

  private mutating func readPair() -> Bool {
    let name = at
    while at < end, Octet.isToken(p[at]) { at &+= 1 }
    let nameCount = at &- name
    guard at < end, p[at] == UInt8(ascii: "=") else { return false }
    at &+= 1
    let isQuoted = at < end && p[at] == UInt8(ascii: "\"")
    let start = isQuoted ? at &+ 1 : at
    guard isQuoted ? skipQuoted() : skipToken() else { return false }
    let stop = isQuoted ? at &- 1 : at
    guard let kind = ForwardedReader.known.firstIndex(where: { Octet.matches(p + name, nameCount, $0) }) else {
      return true
    }
    guard seen >> kind & 1 == 0 else { return false }
    seen |= 1 << kind
    return kind > 1 || isNode(start, stop)
  }

  private mutating func skipToken() -> Bool {
    let start = at
    while at < end, Octet.isToken(p[at]) { at &+= 1 }
    return at > start
  }

  /// Skips a quoted string (RFC 9110 §5.6.4).
  private mutating func skipQuoted() -> Bool {
    at &+= 1
    while at < end {
      let byte = p[at]
      at &+= 1
      if byte == UInt8(ascii: "\"") { return true }
      if byte == UInt8(ascii: "\\") {
        guard at < end else { return false }
        at &+= 1
      }
    }
    return false
  }

  /// Whether the bytes from `start` to `stop` name a node (§6): an address, `unknown` or an obfuscated name, and perhaps a
  /// port. What is escaped is none of these.
  private func isNode(_ start: Int, _ stop: Int) -> Bool {
    guard stop > start else { return false }
    var port = stop
    if p[start] == UInt8(ascii: "[") {
      var close = start
      while close < stop, p[close] != UInt8(ascii: "]") { close &+= 1 }
      guard close < stop, let address = IPAddress(p + start + 1, close &- start &- 1) else { return false }
      // In brackets stands version 6, though it may hold one of version 4.
      let hasColon = (start &+ 1..<close).contains { p[$0] == Octet.colon }
      guard hasColon || !address.isV4 else { return false }
      port = close &+ 1
    } else {
      port = start
      while port < stop, p[port] != Octet.colon { port &+= 1 }
      let isAddress = IPAddress(p + start, port &- start) != nil
      let isUnknown = Octet.matches(p + start, port &- start, "unknown")
      guard isAddress || isUnknown || isObfuscated(start, port) else { return false }
    }
    guard port < stop else { return true }
    guard p[port] == Octet.colon else { return false }
    return isObfuscated(port &+ 1, stop) || isPort(port &+ 1, stop)
  }

  private func isPort(_ start: Int, _ stop: Int) -> Bool {
    (1...5).contains(stop &- start) && (start..<stop).allSatisfy { p[$0] &- 0x30 < 10 }
  }

  private func isObfuscated(_ start: Int, _ stop: Int) -> Bool {
    guard stop &- start > 1, p[start] == UInt8(ascii: "_") else { return false }
    return (start &+ 1..<stop).allSatisfy { index in
      let byte = p[index]
      let isMark = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      return isMark || byte &- 0x30 < 10 || Octet.lower(byte) &- 0x61 < 26
    }
  }
}
