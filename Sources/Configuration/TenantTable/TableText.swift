/// What the bytes of a table's line may be, and how they are shown.
enum TableText {
  /// The first run of bytes that may not stand in a table: a control byte other than TAB, or what is not UTF-8.
  static func firstFault(_ line: UnsafeBufferPointer<UInt8>) -> (at: Int, message: String)? {
    var at = 0
    while at < line.count {
      let byte = line[at]
      if byte < 0x80 {
        if (byte < 0x20 && byte != 0x09) || byte == 0x7F { return (at, "control byte 0x\(hex(byte))") }
        at += 1
      } else {
        let length = scalarLength(line, at)
        if length == 0 { return (at, "byte 0x\(hex(byte)) is not UTF-8") }
        at += length
      }
    }
    return nil
  }

  /// Bytes of the well-formed UTF-8 scalar at `at` (Unicode 15, table 3-7), or 0.
  private static func scalarLength(_ line: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
    func follows(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
      at + offset < line.count && range.contains(line[at + offset])
    }
    switch line[at] {
    case 0xC2...0xDF: return follows(1) ? 2 : 0
    case 0xE0: return follows(1, 0xA0...0xBF) && follows(2) ? 3 : 0
    case 0xED: return follows(1, 0x80...0x9F) && follows(2) ? 3 : 0
    case 0xE1...0xEF: return follows(1) && follows(2) ? 3 : 0
    case 0xF0: return follows(1, 0x90...0xBF) && follows(2) && follows(3) ? 4 : 0
    case 0xF1...0xF3: return follows(1) && follows(2) && follows(3) ? 4 : 0
    case 0xF4: return follows(1, 0x80...0x8F) && follows(2) && follows(3) ? 4 : 0
    default: return 0
    }
  }

  /// Text fit for a terminal: control bytes other than TAB and what is not UTF-8 become U+FFFD.
  static func shown(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let isPlain = text.unicodeScalars.allSatisfy { $0 == "\t" || $0.properties.generalCategory != .control }
    if isPlain { return text }
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar != "\t" && scalar.properties.generalCategory == .control
      shown.append(isControl ? "\u{FFFD}" : scalar)
    }
    return String(shown)
  }

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return digits.count == 1 ? "0" + digits : digits
  }
}
