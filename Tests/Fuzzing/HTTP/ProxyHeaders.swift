import HTTP
import Primitives

/// PROXY protocol headers of both versions: the parser and a slow one tell the same, and beginnings don't go back.
enum ProxyHeaders {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count <= 4096 else { return }
    let whole = parse(bytes)
    try requireEqual(whole, expected(bytes), "the parsers differ")
    if case .complete(let length, _, _) = whole {
      try require((1...bytes.count).contains(length), "a length of \(length)")
      try requireEqual(parse(Array(bytes.prefix(length))), whole, "what follows makes a difference")
    }
    var last = ProxyHeader.incomplete
    for count in cuts(of: bytes.count) {
      let outcome = parse(Array(bytes.prefix(count)))
      try require(outcome == whole || outcome == .incomplete, "\(outcome) after \(count), \(whole) in the end")
      try require(last == .incomplete || outcome == last, "\(outcome) after \(last)")
      last = outcome
    }
  }

  private static func parse(_ bytes: [UInt8]) -> ProxyHeader {
    let copy = PaddedCopy(bytes)
    return ProxyHeader.parse(copy.base, copy.count)
  }

  private static func expected(_ bytes: [UInt8]) -> ProxyHeader {
    guard let first = bytes.first else { return .incomplete }
    return first == UInt8(ascii: "P") ? text(bytes) : binary(bytes)
  }

  /// Version 1: a line of at most 107 bytes.
  private static func text(_ bytes: [UInt8]) -> ProxyHeader {
    let start = Array("PROXY ".utf8)
    guard bytes.prefix(6).elementsEqual(start.prefix(bytes.count)) else { return .bad }
    guard let end = bytes.prefix(107).firstIndex(of: 10) else { return bytes.count < 107 ? .incomplete : .bad }
    let line = bytes[..<end]
    guard line.count > 6, line.last == 13 else { return .bad }
    let words = line.dropLast().split(separator: 32, omittingEmptySubsequences: false).map {
      $0.map { UnicodeScalar($0) }.reduce(into: "") { $0.unicodeScalars.append($1) }
    }
    let length = end + 1
    if words[1] == "UNKNOWN" { return .complete(length: length, nil, port: 0) }
    guard words.count == 6, let source = address(words[2], words[1]), address(words[3], words[1]) != nil,
      let port = port(words[4]), self.port(words[5]) != nil
    else { return .bad }
    return .complete(length: length, source, port: port)
  }

  private static func address(_ word: String, _ family: String) -> IPAddress? {
    switch family {
    case "TCP4": word.contains(":") ? nil : IPAddress(word)
    case "TCP6": word.contains(":") ? IPAddress(word) : nil
    default: nil
    }
  }

  /// A decimal number without signs and leading zeros.
  private static func port(_ word: String) -> UInt16? { UInt16(word).flatMap { "\($0)" == word ? $0 : nil } }

  /// Version 2: a signature, command, family, length, addresses, and what else there is.
  private static func binary(_ bytes: [UInt8]) -> ProxyHeader {
    let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)
    guard bytes.prefix(12).elementsEqual(signature.prefix(bytes.count)) else { return .bad }
    guard bytes.count >= 16 else { return .incomplete }
    let body = bytes.dropFirst(16).prefix(Int(bytes[14]) * 256 + Int(bytes[15]))
    let length = 16 + Int(bytes[14]) * 256 + Int(bytes[15])
    let addresses: [UInt8: Int] = [0x00: 0, 0x11: 12, 0x21: 36, 0x31: 0]
    guard bytes[12] == 0x20 || bytes[12] == 0x21 else { return .bad }
    let family = bytes[12] == 0x20 ? 0 : bytes[13]
    guard let needed = addresses[family], length - 16 >= needed else { return .bad }
    guard bytes.count >= length else { return .incomplete }
    let places = Array(body)
    func number(_ range: Range<Int>) -> UInt64 { places[range].reduce(0) { $0 << 8 | UInt64($1) } }
    switch family {
    case 0x11:
      return .complete(length: length, IPAddress(v4: UInt32(number(0..<4))), port: UInt16(number(8..<10)))
    case 0x21:
      let source = IPAddress(high: number(0..<8), low: number(8..<16))
      return .complete(length: length, source, port: UInt16(number(32..<34)))
    default: return .complete(length: length, nil, port: 0)
    }
  }
}
