/// The query of a target, decoded.
enum AdminQuery {
  /// Members of a query at most.
  static let most = 256

  /// Every value of each name; `nil` when it can't be decoded, or has too many.
  static func values(_ query: String) -> [String: [String]]? {
    var values: [String: [String]] = [:]
    let pairs = query.split(separator: "&")
    guard pairs.count <= most else { return nil }
    for pair in pairs {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decode(parts[0], isForm: true), let value = decode(parts.count > 1 ? parts[1] : "", isForm: true)
      else { return nil }
      values[name, default: []].append(value)
    }
    return values
  }

  /// A text with `%XX` in it, and where it `isForm` with `+` for a blank; `nil` when that is no UTF-8, has a NUL or is cut.
  static func decode(_ text: Substring, isForm: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(isForm && byte == UInt8(ascii: "+") ? 0x20 : byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit), high | low != 0 else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// `text` as a segment of a path or a value of a query.
  static func encode(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        result.unicodeScalars.append(UnicodeScalar(byte))
      default: result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
    return result
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
