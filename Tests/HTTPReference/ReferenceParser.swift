import HTTP
import Primitives

/// A slow parser of whole heads, written from the RFCs with arrays and without regard to the one under test.
package struct ReferenceParser {
  /// Which kind of head is read.
  package enum Kind {
    /// A client's request.
    case request
    /// A request that a proxy sends on: its Host may be empty (RFC 9112 §3.2).
    case forwarded
    /// A response, perhaps to HEAD.
    case response(toHead: Bool)
    /// A trailer section behind a status line.
    case trailers
  }

  private let kind: Kind
  private let countBound = 100

  /// A parser of heads of this kind.
  package init(kind: Kind) { self.kind = kind }

  /// The head at the start of `bytes`; nil if it is malformed, ambiguous, unsupported or not whole.
  package func parse(_ bytes: [UInt8]) -> ReferenceHead? {
    var head = ReferenceHead()
    var rest = bytes[...]
    if case .request = kind, rest.starts(with: [13, 10]) { rest = rest.dropFirst(2) }
    var rows: [[UInt8]] = []
    while true {
      guard let end = rest.firstIndex(of: 10), end > rest.startIndex, rest[end - 1] == 13 else { return nil }
      let row = Array(rest[rest.startIndex..<(end - 1)])
      guard row.allSatisfy({ ($0 >= 32 || $0 == 9) && $0 != 127 }) else { return nil }
      rest = rest[(end + 1)...]
      if row.isEmpty, !rows.isEmpty { break }
      rows.append(row)
    }
    head.length = rest.startIndex
    guard rows.count - 1 <= countBound else { return nil }
    for row in rows.dropFirst() {
      guard let line = line(row) else { return nil }
      head.lines.append(line)
    }
    let isFine: Bool
    switch kind {
    case .request: isFine = request(rows[0], &head)
    case .forwarded: isFine = request(rows[0], mayLackHost: true, &head)
    case .response(let toHead): isFine = response(rows[0], toHead, &head)
    case .trailers: isFine = head.lines.allSatisfy { !known.contains(canon($0.name)) }
    }
    return isFine ? head : nil
  }

  /// The trailer section at the start of `bytes` and its length; nil if it is malformed, not whole, or would frame or
  /// route the message.
  package static func trailers(_ bytes: [UInt8]) -> ReferenceHead? {
    // Trailers are a head's field lines: a head of nothing else is read, and what trailers may not say is refused.
    let status = Array("HTTP/1.1 204 \r\n".utf8)
    guard var head = ReferenceParser(kind: .trailers).parse(status + bytes) else { return nil }
    head.length -= status.count
    return head
  }

  private let known = ["content-length", "transfer-encoding", "host"]
  private static let tokenBytes = Set(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

  private func isToken(_ bytes: [UInt8]) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy(ReferenceParser.tokenBytes.contains)
  }

  private func line(_ row: [UInt8]) -> ReferenceHead.Line? {
    guard let colon = row.firstIndex(of: 58), isToken(Array(row[..<colon])) else { return nil }
    var value = row[(colon + 1)...]
    while let first = value.first, first == 32 || first == 9 { value = value.dropFirst() }
    while let last = value.last, last == 32 || last == 9 { value = value.dropLast() }
    let name = Array(row[..<colon])
    let spelling = canon(name)
    if known.contains(spelling) {
      // No look-alikes; and no tab, not even around the value, where it would be legal, but for lengths.
      guard lower(name) == spelling, spelling == "content-length" || !row.contains(9) else { return nil }
    }
    return ReferenceHead.Line(name: name, value: Array(value))
  }

  /// A name in lower case, all its punctuation taken for hyphens.
  private func canon(_ name: [UInt8]) -> String {
    String(lower(name).map { $0.isLetter || $0.isNumber ? $0 : "-" })
  }

  private func lower(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).lowercased() }

  private func values(_ name: String, _ head: ReferenceHead) -> [[UInt8]] {
    head.lines.filter { lower($0.name) == name }.map(\.value)
  }

  private func request(_ row: [UInt8], mayLackHost: Bool = false, _ head: inout ReferenceHead) -> Bool {
    let parts = row.split(separator: 32, omittingEmptySubsequences: false).map(Array.init)
    guard parts.count == 3, isToken(parts[0]), parts[0].count <= 32 else { return false }
    let method = String(decoding: parts[0], as: UTF8.self)
    let target = parts[1]
    guard !target.isEmpty, target.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 35 }), method != "CONNECT" else {
      return false
    }
    guard version(parts[2], &head) else { return false }
    head.first = [parts[0], target]
    let hosts = values("host", head)
    guard hosts.count <= 1, hosts.count == 1 || head.minorVersion == 0 else { return false }
    let hostLine = hosts.first.flatMap { authority(String(decoding: $0, as: UTF8.self)) }
    if !hosts.isEmpty, hostLine == nil, !mayLackHost || hosts != [[]] { return false }
    if target.first != 47, target != [42] || method != "OPTIONS" {
      let text = String(decoding: target, as: UTF8.self)
      let scheme = lower(target).hasPrefix("http://") ? 7 : lower(target).hasPrefix("https://") ? 8 : 0
      guard scheme > 0 else { return false }
      let rest = text.dropFirst(scheme)
      let name = rest.prefix { $0 != "/" && $0 != "?" }
      guard let named = authority(String(name)) else { return false }
      let port = scheme == 7 ? 80 : 443
      if let hostLine {
        guard hostLine.name == named.name, hostLine.port ?? port == named.port ?? port else { return false }
      }
    }
    guard connection(&head), framing(&head) else { return false }
    return true
  }

  private func response(_ row: [UInt8], _ toHead: Bool, _ head: inout ReferenceHead) -> Bool {
    guard row.count >= 12, version(Array(row[..<8]), &head), row[8] == 32 else { return false }
    guard let status = Int(String(decoding: row[9..<12], as: UTF8.self)), (100...599).contains(status),
      row[9..<12].allSatisfy({ $0 >= 48 && $0 <= 57 }), row.count == 12 || row[12] == 32
    else { return false }
    head.first = [Array(row[9..<12]), Array(row.dropFirst(13))]
    guard connection(&head), framing(&head) else { return false }
    let saysNothing = values("content-length", head).isEmpty && head.framing == .none
    if status < 200 || status == 204 {
      guard head.framing == .none, status != 101 || head.minorVersion == 1 else { return false }
    } else if toHead || status == 304 {
      head.framing = .none
    } else if saysNothing {
      head.framing = .untilClose
      head.wantsKeepAlive = false
    }
    return true
  }

  private func version(_ bytes: [UInt8], _ head: inout ReferenceHead) -> Bool {
    guard bytes == Array("HTTP/1.0".utf8) || bytes == Array("HTTP/1.1".utf8) else { return false }
    head.minorVersion = bytes.last == 49 ? 1 : 0
    return true
  }

  private func connection(_ head: inout ReferenceHead) -> Bool {
    var options: [String] = []
    for value in values("connection", head) {
      for element in value.split(separator: 44) {
        let option = String(decoding: element, as: UTF8.self).trimmingBlanks()
        if option.isEmpty { continue }
        guard isToken(Array(option.utf8)) else { return false }
        options.append(option.lowercased())
      }
    }
    guard options.count <= 64 else { return false }
    head.wantsKeepAlive = !options.contains("close") && (head.minorVersion == 1 || options.contains("keep-alive"))
    let kept = ["close", "keep-alive", "upgrade", "host", "content-length", "transfer-encoding"]
    for index in head.lines.indices {
      let name = lower(head.lines[index].name)
      head.lines[index].isNamed = options.contains(name) && !kept.contains(name)
    }
    return true
  }

  private func framing(_ head: inout ReferenceHead) -> Bool {
    let lengths = values("content-length", head)
    let encodings = values("transfer-encoding", head)
    guard lengths.count + encodings.count <= 1 else { return false }
    if let encoding = encodings.first {
      head.framing = .chunked
      return head.minorVersion == 1 && lower(encoding) == "chunked"
    }
    guard let length = lengths.first else { return true }
    guard length.allSatisfy({ $0 >= 48 && $0 <= 57 }), let value = Int64(String(decoding: length, as: UTF8.self))
    else { return false }
    head.contentLength = value
    head.framing = value > 0 ? .length : .none
    return true
  }

  /// The name of a host and perhaps a port; nil if the text is neither.
  package func authority(_ text: String) -> (name: String, port: Int?)? {
    var name = text[...]
    var port: Int?
    let bracket = text.firstIndex(of: "]")
    if let colon = text[(bracket ?? text.startIndex)...].firstIndex(of: ":") {
      name = text[..<colon]
      let digits = text[text.index(after: colon)...]
      if !digits.isEmpty {
        guard let number = Int(digits), String(number) == digits, (1...65535).contains(number) else { return nil }
        port = number
      }
    }
    if name.hasPrefix("["), name.hasSuffix("]"), name.contains(":"), IPAddress(name.dropFirst().dropLast()) != nil {
      return (name.lowercased(), port)
    }
    if name.hasSuffix(".") { name = name.dropLast() }
    guard name.utf8.count <= 255, !name.isEmpty, !name.hasPrefix("."), !name.hasSuffix("."), !name.contains("..")
    else { return nil }
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.".utf8)
    guard name.utf8.allSatisfy(allowed.contains) else { return nil }
    return (name.lowercased(), port)
  }
}

extension String {
  fileprivate func trimmingBlanks() -> String {
    var text = self[...]
    while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
    while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
    return String(text)
  }
}
