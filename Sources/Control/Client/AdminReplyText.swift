/// The bytes of an answer.
struct AdminReplyText {
  /// The answer; `nil` while it is not whole.
  private(set) var reply: AdminClient.Reply?

  /// Reads what has come so far; `isWhole` tells that nothing will follow.
  init(_ bytes: ArraySlice<UInt8>, isWhole: Bool = false) {
    guard let end = AdminReplyText.endOfHead(bytes) else { return }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3)) else {
      return
    }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { return }
      fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    let body = bytes[end...]
    let length = fields["content-length"].flatMap { Int($0) } ?? (status == 204 ? 0 : isWhole ? body.count : -1)
    guard length >= 0, body.count >= length else { return }
    reply = AdminClient.Reply(status: status, body: Array(body.prefix(length)), etag: fields["etag"])
  }

  /// Where the body begins.
  private static func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
    let end = Array("\r\n\r\n".utf8)
    var place = bytes.startIndex
    while place + 4 <= bytes.endIndex, place - bytes.startIndex < 64 << 10 {
      if bytes[place] == end[0], bytes[place..<(place + 4)].elementsEqual(end) { return place + 4 }
      place += 1
    }
    return nil
  }
}
