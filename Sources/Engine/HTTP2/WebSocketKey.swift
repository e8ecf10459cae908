import HTTP
import Platform
import Primitives

/// The key that a client of HTTP/1.1 opens a WebSocket with, and what it must be answered (RFC 6455 §4.2.2).
enum WebSocketKey {
  /// Bytes of a key: sixteen in Base64.
  static let count = 24
  /// Bytes of the answer: twenty in Base64.
  static let acceptCount = 28
  private static let suffix: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  /// Writes the value of Sec-WebSocket-Accept for the `count` bytes of a key to the `acceptCount` bytes at `place`.
  static func writeAccept(_ key: UnsafePointer<UInt8>, to place: UnsafeMutablePointer<UInt8>) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { buffer in
      let text = buffer.baseAddress!
      text.update(from: key, count: count)
      (text + count).update(from: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
      let digest = text + 96
      SHA1Digest.write(of: text, count + suffix.utf8CodeUnitCount, to: digest)
      // Twenty bytes make six groups of three and one of two.
      digest[SHA1Digest.count] = 0
      writeBase64(digest, groups: 7, to: place)
      place[acceptCount - 1] = UInt8(ascii: "=")
    }
  }

  private static func writeBase64(_ bytes: UnsafePointer<UInt8>, groups: Int, to place: UnsafeMutablePointer<UInt8>) {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for group in 0..<groups {
      let (p, out) = (bytes + 3 * group, place + 4 * group)
      let word = Int(p[0]) << 16 | Int(p[1]) << 8 | Int(p[2])
      for digit in 0..<4 { out[digit] = alphabet.utf8Start[word >> (18 - 6 * digit) & 63] }
    }
  }

  /// The value of Sec-WebSocket-Key in the lines of a head as it is kept; `nil` when none is as long as a key.
  static func find(_ head: UnsafePointer<UInt8>, _ headCount: Int) -> UnsafePointer<UInt8>? {
    let name: StaticString = "sec-websocket-key:"
    var at = 0
    while at < headCount {
      var end = at
      while end < headCount, head[end] != UInt8(ascii: "\r") { end += 1 }
      if FieldText.begins(head + at, end - at, name) {
        var (start, last) = (at + name.utf8CodeUnitCount, end)
        while start < last, head[start] == UInt8(ascii: " ") || head[start] == UInt8(ascii: "\t") { start += 1 }
        while last > start, head[last - 1] == UInt8(ascii: " ") || head[last - 1] == UInt8(ascii: "\t") { last -= 1 }
        return last - start == count ? head + start : nil
      }
      at = end + 2
    }
    return nil
  }
}
