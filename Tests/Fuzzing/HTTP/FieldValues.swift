import HTTP
import Primitives

/// Values of Accept and Cookie fields, against slow readers. The input is a cookie's name, `|`, and the value.
enum FieldValues {
  static func run(_ bytes: [UInt8]) throws {
    guard let bar = bytes.firstIndex(of: UInt8(ascii: "|")), bytes.count < 4096 else { return }
    let (name, value) = (Array(bytes[..<bar]), Array(bytes[(bar + 1)...]))
    try cookie(name, value)
    try accept(value)
  }

  private static func cookie(_ name: [UInt8], _ value: [UInt8]) throws {
    guard !name.isEmpty else { return }
    let copy = PaddedCopy(value, tail: "; a=b;")
    let text = PaddedCopy(name)
    let found = CookieField.find(copy.base, ByteRange(0, Int32(value.count)), name: text.base, name.count)
    let pairs = value.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(trimmed)
    let expected = pairs.first { $0.starts(with: name + [UInt8(ascii: "=")]) }?.dropFirst(name.count + 1)
    let bytes = copy.prefix(value.count)[Int(found.start)..<Int(found.end)]
    // An empty value and no value are told apart by where they are: nothing stands before the first.
    try require(found == .none ? expected == nil : expected.map(bytes.elementsEqual) == true, "cookie \(shown(bytes))")
  }

  private static func accept(_ value: [UInt8]) throws {
    let copy = PaddedCopy(value, tail: ",text/html;q=1")
    let found = Accept.prefersHTML(copy.base, ByteRange(0, Int32(value.count)))
    let wishes = elements(value).map(wish)
    let html = quality(wishes, ["text/html": 3, "text/*": 2, "*/*": 1])
    let json = quality(
      wishes, ["application/json": 3, "application/problem+json": 3, "application/*": 2, "*/*": 1])
    try requireEqual(found, html > json, "HTML \(html), JSON \(json)")
  }

  /// The elements of a list; commas in quotes don't end one.
  private static func elements(_ value: [UInt8]) -> [ArraySlice<UInt8>] {
    var isQuoted = false
    return value.split(omittingEmptySubsequences: false) { byte in
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      return byte == UInt8(ascii: ",") && !isQuoted
    }
  }

  /// The type that an element names, and how much it is wanted.
  private static func wish(_ element: ArraySlice<UInt8>) -> (type: String, quality: Double) {
    let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map {
      String(decoding: trimmed($0), as: UTF8.self).lowercased()
    }
    let parameter = parts.dropFirst().first { $0.utf8.starts(with: "q=".utf8) }
    guard let parameter else { return (parts[0], 1) }
    let weight = String(decoding: parameter.utf8.dropFirst(2), as: UTF8.self)
    let isFine = weight.wholeMatch(of: /[01](\.[0-9]{0,3})?/) != nil
    return (parts[0], isFine ? min(1, Double(weight.hasSuffix(".") ? weight + "0" : weight)!) : 0)
  }

  /// The greatest weight among the narrowest ranges that came; 0 without any.
  private static func quality(_ wishes: [(type: String, quality: Double)], _ narrowness: [String: Int]) -> Double {
    guard let narrowest = wishes.compactMap({ narrowness[$0.type] }).max() else { return 0 }
    return wishes.filter { narrowness[$0.type] == narrowest }.map(\.quality).max() ?? 0
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }
    return bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()[...]
  }
}
