/// A source line made fit to be shown: decoded, without control characters, and cut around a place when it is long.
struct Excerpt {
  /// The most characters of a line that are shown.
  static let widest = 160
  /// Characters kept before the place in a line that is cut.
  static let before = 40

  /// The text shown.
  var text = ""
  /// The place's column in the whole line, counted from 1.
  var column = 1
  /// Characters of `text` before the place.
  var caretOffset = 0
  /// Characters of the place, at least 1 and within `text`.
  var caretCount = 1

  /// `line` around the `count` bytes that start at index `start` of it.
  init(_ line: ArraySlice<UInt8>, from start: Int, count: Int) {
    let head = Excerpt.characters(line[line.startIndex..<start])
    let end = max(start, min(line.endIndex, start &+ count))
    column = head + 1
    let cut = head > Excerpt.widest - Excerpt.before ? head - Excerpt.before : 0
    var first = line.startIndex
    if cut > 0 { first = Excerpt.index(cut, in: line) }
    // Four bytes a character are the most that UTF-8 needs.
    let window = line[first..<min(line.endIndex, first + Excerpt.widest * 4)]
    let shown = String(decoding: window, as: UTF8.self).unicodeScalars.prefix(Excerpt.widest).map(Excerpt.visible)
    var result = String.UnicodeScalarView()
    if cut > 0 { result.append("…") }
    result.append(contentsOf: shown)
    if shown.count == Excerpt.widest { result.append("…") }
    caretOffset = head - cut + (cut > 0 ? 1 : 0)
    caretCount = max(
      1, min(Excerpt.characters(line[start..<min(end, start + Excerpt.widest * 4)]), result.count - caretOffset))
    text = String(result)
  }

  /// How many characters these bytes begin.
  private static func characters(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBufferPointer { buffer in
      var count = 0
      for byte in buffer where byte & 0xC0 != 0x80 { count &+= 1 }
      return count
    }
  }

  /// The index of the character number `number` of `bytes`.
  private static func index(_ number: Int, in bytes: ArraySlice<UInt8>) -> Int {
    var left = number
    for index in bytes.indices where bytes[index] & 0xC0 != 0x80 {
      if left == 0 { return index }
      left -= 1
    }
    return bytes.endIndex
  }

  /// `scalar`, unless a terminal would act on it.
  private static func visible(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x09: scalar
    case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: "\u{FFFD}"
    default: scalar
    }
  }
}
