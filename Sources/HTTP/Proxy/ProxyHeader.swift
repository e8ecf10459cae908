public import Primitives

/// What a peer says before anything else of whom it speaks for (PROXY protocol, versions 1 and 2).
public enum ProxyHeader: Equatable, Sendable {
  /// More bytes are needed.
  case incomplete
  /// These bytes are no such header.
  case bad
  /// The header has `length` bytes and names a client, or none: then the peer speaks for itself, or doesn't know.
  case complete(length: Int, IPAddress?, port: UInt16)

  /// Bytes of a header of version 1 at most, its line end included.
  static let longestText = 107

  /// Reads a header at the beginning of `count` bytes.
  public static func parse(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> ProxyHeader {
    guard count > 0 else { return .incomplete }
    return bytes[0] == UInt8(ascii: "P") ? parseText(bytes, count) : parseBinary(bytes, count)
  }

  private static func starts(_ bytes: UnsafePointer<UInt8>, _ count: Int, with words: StaticString) -> Bool {
    (0..<min(count, words.utf8CodeUnitCount)).allSatisfy { bytes[$0] == words.utf8Start[$0] }
  }

  // MARK: - version 1

  private static func parseText(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> ProxyHeader {
    guard starts(bytes, count, with: "PROXY ") else { return .bad }
    guard let end = (0..<min(count, longestText)).first(where: { bytes[$0] == UInt8(ascii: "\n") }) else {
      return count >= longestText ? .bad : .incomplete
    }
    guard end > 6, bytes[end - 1] == UInt8(ascii: "\r") else { return .bad }
    let line = UnsafeBufferPointer(start: bytes, count: end - 1)
    let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    let family = String(decoding: words[1], as: UTF8.self)
    if family == "UNKNOWN" { return .complete(length: end + 1, nil, port: 0) }
    guard words.count == 6, family == "TCP4" || family == "TCP6" else { return .bad }
    guard let source = address(words[2], family), address(words[3], family) != nil, let port = port(words[4]),
      self.port(words[5]) != nil
    else { return .bad }
    return .complete(length: end + 1, source, port: port)
  }

  private static func address(_ word: Slice<UnsafeBufferPointer<UInt8>>, _ family: String) -> IPAddress? {
    guard let address = IPAddress(String(decoding: word, as: UTF8.self)) else { return nil }
    let hasColon = word.contains(UInt8(ascii: ":"))
    return hasColon == (family == "TCP6") ? address : nil
  }

  private static func port(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> UInt16? {
    guard (1...5).contains(word.count), word.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    guard word.count == 1 || word.first != UInt8(ascii: "0") else { return nil }
    return UInt16(String(decoding: word, as: UTF8.self))
  }

  // MARK: - version 2

  private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"

  private static func parseBinary(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> ProxyHeader {
    guard starts(bytes, count, with: signature) else { return .bad }
    guard count >= 16 else { return .incomplete }
    let length = 16 + (Int(bytes[14]) << 8 | Int(bytes[15]))
    let command = bytes[12]
    guard command == 0x20 || command == 0x21 else { return .bad }
    // What follows the addresses (TLVs) is skipped; the addresses of a peer that speaks for itself mean nothing.
    let family = command == 0x20 ? 0 : bytes[13]
    let needed: Int
    switch family {
    case 0x00, 0x31: needed = 0
    case 0x11: needed = 12
    case 0x21: needed = 36
    default: return .bad
    }
    guard length - 16 >= needed else { return .bad }
    guard count >= length else { return .incomplete }
    switch family {
    case 0x11:
      let source = IPAddress(v4: UInt32(number(bytes + 16, 4)))
      return .complete(length: length, source, port: UInt16(number(bytes + 24, 2)))
    case 0x21:
      let source = IPAddress(high: number(bytes + 16, 8), low: number(bytes + 24, 8))
      return .complete(length: length, source, port: UInt16(number(bytes + 48, 2)))
    default: return .complete(length: length, nil, port: 0)
    }
  }

  private static func number(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
  }
}
