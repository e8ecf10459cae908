import HTTP
import Primitives

/// Values of Forwarded, against a reader made of regular expressions.
enum Forwardings {
  static func run(_ bytes: [UInt8]) throws {
    // What the parser of heads lets through: no controls but tabs; blanks at the ends are gone.
    guard bytes.count < 2048, !bytes.contains(where: { ($0 < 0x20 && $0 != 9) || $0 == 0x7F }) else { return }
    let copy = PaddedCopy(bytes, tail: "\",for=1.2.3.4;")
    let found = ForwardedField.count(copy.base, ByteRange(0, Int32(bytes.count)))
    try requireEqual(found, expected(bytes), shown(bytes))
  }

  /// How many elements there are, `nil` for a value that is malformed.
  private static func expected(_ bytes: [UInt8]) -> Int? {
    guard let parts = split(bytes, at: ",") else { return nil }
    let elements = parts.map(trimmed).filter { !$0.isEmpty }
    guard elements.count <= ForwardedField.elementBound, elements.allSatisfy(isElement) else { return nil }
    return elements.count
  }

  /// The pieces between separators that no quotes hold; `nil` when quotes are left open.
  private static func split(_ bytes: [UInt8], at separator: Unicode.Scalar) -> [[UInt8]]? {
    var (pieces, isQuoted, isEscaped): ([[UInt8]], Bool, Bool) = ([[]], false, false)
    for byte in bytes {
      if isEscaped {
        isEscaped = false
      } else if isQuoted, byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if !isQuoted, byte == UInt8(ascii: separator) {
        pieces.append([])
        continue
      }
      pieces[pieces.count - 1].append(byte)
    }
    return isQuoted ? nil : pieces
  }

  private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    let isBlank: (UInt8) -> Bool = { $0 == 32 || $0 == 9 }
    return Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }

  private static func isElement(_ bytes: [UInt8]) -> Bool {
    guard let pairs = split(bytes, at: ";"), pairs.count <= 16 else { return false }
    var names: [String] = []
    for pair in pairs where !pair.isEmpty {
      // One character for each byte.
      let text = String(String.UnicodeScalarView(pair.map { Unicode.Scalar($0) }))
      guard let match = text.wholeMatch(of: pairForm) else { return false }
      let name = String(match.1).lowercased()
      let quoted = match.3.map(String.init)
      if ["for", "by"].contains(name), !isNode(quoted ?? String(match.2!)) { return false }
      if ["for", "by", "host", "proto"].contains(name) { names.append(name) }
    }
    return Set(names).count == names.count
  }

  nonisolated(unsafe) private static let pairForm =
    /([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\[\u{1}-\u{FF}])*)")/
    .matchingSemantics(.unicodeScalar)
  nonisolated(unsafe) private static let nodeForm =
    /(?:\[([^\]]*)\]|([^:\[]*))(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]+))?/.matchingSemantics(.unicodeScalar)
  nonisolated(unsafe) private static let hiddenForm = /_[0-9A-Za-z._-]+/.matchingSemantics(.unicodeScalar)

  private static func isNode(_ text: String) -> Bool {
    guard let match = text.wholeMatch(of: nodeForm) else { return false }
    if let six = match.1 { return six.unicodeScalars.contains(":") && IPAddress(String(six)) != nil }
    let name = String(match.2!)
    if name.unicodeScalars.contains(":") { return false }
    return IPAddress(name) != nil || name.lowercased() == "unknown" || name.wholeMatch(of: hiddenForm) != nil
  }
}
