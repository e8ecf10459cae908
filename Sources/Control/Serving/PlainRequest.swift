/// One request as a plain server sees it.
public struct PlainRequest: Sendable, Equatable {
  /// How the body's end is known.
  enum Framing: Equatable {
    case none
    case length(Int64)
    case chunked
  }

  /// The method, as sent.
  public var method: String
  /// The target up to `?`.
  public var path: String
  /// The target after `?`, empty if there is none.
  public var query: String
  /// Bytes of the body, framing not counted.
  public var bodyCount: Int64 = 0
  /// The body, where the server keeps bodies.
  var body: [UInt8] = []
  /// Who sent it.
  var peer = PlainPeer.unknown
  private var fields: [[String]] = []
  private(set) var framing = Framing.none
  private(set) var minorVersion = 1

  /// The values of a field, its name in lower case, joined as RFC 9110, section 5.3 says; `nil` when it is absent.
  public func field(_ name: String) -> String? {
    let values = fields.filter { $0[0] == name }.map { $0[1] }
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// The value of `name` in the query, not decoded.
  public func parameter(_ name: String) -> String? {
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0] == name { return String(parts[1]) }
    }
    return nil
  }

  /// Whether the client may send another request on the connection.
  var keepsAlive: Bool {
    let options = (field("connection") ?? "").lowercased().split(separator: ",")
    let says = { (word: String) in options.contains { $0.drop(while: { $0 == " " }).hasPrefix(word) } }
    return minorVersion == 0 ? says("keep-alive") : !says("close")
  }

  /// Whether the client waits for `100 Continue` before it sends the body.
  var expectsContinue: Bool {
    framing != .none && minorVersion == 1 && field("expect")?.lowercased() == "100-continue"
  }
}

extension PlainRequest {
  /// Reads a whole head, its final empty line included; `nil` when it is malformed.
  init?(head: ArraySlice<UInt8>) {
    let lines = PlainRequest.lines(of: head)
    guard let lines, let first = lines.first else { return nil }
    let words = first.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", words[1].hasPrefix("/"),
      !words[0].isEmpty, words[0].utf8.allSatisfy(PlainRequest.isTokenByte)
    else { return nil }
    let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    method = String(words[0])
    path = String(target[0])
    query = target.count > 1 ? String(target[1]) : ""
    minorVersion = words[2] == "HTTP/1.1" ? 1 : 0
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
      let name = line[..<colon]
      guard name.utf8.allSatisfy(PlainRequest.isTokenByte) else { return nil }
      let value = line[line.index(after: colon)...].drop(while: PlainRequest.isBlank)
      let end = value.lastIndex(where: { !PlainRequest.isBlank($0) }).map(value.index(after:)) ?? value.startIndex
      fields.append([name.lowercased(), String(value[..<end])])
    }
    guard let framing = PlainRequest.framing(field("content-length"), field("transfer-encoding")) else { return nil }
    self.framing = framing
  }

  /// The lines of a head, without the empty one; `nil` on a control byte that may not be there or on what is not UTF-8.
  private static func lines(of head: ArraySlice<UInt8>) -> [Substring]? {
    var previous: UInt8 = 0
    for byte in head {
      if (byte == 0x0A) != (previous == 0x0D) { return nil }
      if byte < 0x20, byte != 0x09, byte != 0x0D, byte != 0x0A { return nil }
      previous = byte
    }
    guard let text = String(validating: head, as: UTF8.self) else { return nil }
    var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    guard lines.count > 2, lines.popLast() == "", lines.popLast() == "" else { return nil }
    return lines
  }

  private static func framing(_ length: String?, _ coding: String?) -> Framing? {
    if let coding { return length == nil && coding.lowercased() == "chunked" ? .chunked : nil }
    guard let length else { return Framing.none }
    guard !length.isEmpty, length.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let count = Int64(length) else { return nil }
    return count == 0 ? Framing.none : .length(count)
  }

  private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x5E...0x7A, 0x7C, 0x7E, 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }
}
