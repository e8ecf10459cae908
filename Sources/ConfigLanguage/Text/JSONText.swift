/// JSON written piece by piece; the caller sees to it that pieces are nested well.
public struct JSONText {
  /// What was written.
  public private(set) var text = ""
  private var needsComma = false

  /// Nothing written.
  public init() {}

  /// Opens an object, as a member `name` or, without one, as an item.
  public mutating func beginObject(_ name: String? = nil) { begin(name, "{") }
  /// Closes an object.
  public mutating func endObject() { end("}") }
  /// Opens a list, as a member `name` or, without one, as an item.
  public mutating func beginList(_ name: String? = nil) { begin(name, "[") }
  /// Closes a list.
  public mutating func endList() { end("]") }

  /// Writes the member `name`, a string.
  public mutating func field(_ name: String, _ value: String) {
    label(name)
    text += JSONText.quoted(value)
    needsComma = true
  }

  /// Writes the member `name`, a whole number.
  public mutating func field(_ name: String, _ value: some BinaryInteger) {
    label(name)
    text += String(value)
    needsComma = true
  }

  /// Writes the member `name`, true or false.
  public mutating func field(_ name: String, _ value: Bool) {
    label(name)
    text += value ? "true" : "false"
    needsComma = true
  }

  /// Writes a string as an item of a list.
  public mutating func item(_ value: String) {
    label(nil)
    text += JSONText.quoted(value)
    needsComma = true
  }

  /// `value` in quotes, with what JSON wants escaped (RFC 8259, 7).
  public static func quoted(_ value: String) -> String {
    var result = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private mutating func begin(_ name: String?, _ bracket: String) {
    label(name)
    text += bracket
    needsComma = false
  }

  private mutating func end(_ bracket: String) {
    text += bracket
    needsComma = true
  }

  private mutating func label(_ name: String?) {
    if needsComma { text += "," }
    if let name { text += JSONText.quoted(name) + ":" }
  }
}
