/// Cuts the text of one file into lines of words.
///
/// Takes any bytes. What can't be a word is reported and left out; every call moves on, so the whole is linear.
struct Lexer {
  /// The most words of one line.
  static let mostWords = 4096
  /// The most bytes of one word, before and after variables are filled in.
  static let longestWord = 16 << 10

  private let bytes: [UInt8]
  private let file: Int
  private let environment: [String: String]
  private let diagnostics: DiagnosticCollector
  private var position = 0

  /// A lexer at the start of `bytes`, which are those of file number `file`.
  init(_ bytes: [UInt8], file: Int, environment: [String: String], diagnostics: DiagnosticCollector) {
    self.bytes = bytes
    self.file = file
    self.environment = environment
    self.diagnostics = diagnostics
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The words of the next line that has some; `nil` at the end of the file.
  mutating func nextLine() -> [Word]? {
    var words: [Word] = []
    while position < bytes.count {
      switch bytes[position] {
      case 0x0A:
        position += 1
        if !words.isEmpty { return words }
      case 0x20, 0x09: position += 1
      case 0x0D where isLineEnd(position + 1): position += 1
      case UInt8(ascii: "#"): skipLine()
      default:
        guard words.count < Lexer.mostWords else {
          diagnostics.error("a line may have \(Lexer.mostWords) words", at: range(position, position + 1))
          skipLine()
          continue
        }
        words.append(bytes[position] == UInt8(ascii: "\"") ? quotedWord() : bareWord())
      }
    }
    return words.isEmpty ? nil : words
  }

  /// The range of the last byte of the file, or of nothing in an empty one.
  var end: SourceRange { range(max(0, bytes.count - 1), bytes.count) }

  private func range(_ start: Int, _ end: Int) -> SourceRange {
    SourceRange(file: file, start: start, count: end - start)
  }

  private func isLineEnd(_ index: Int) -> Bool { index >= bytes.count || bytes[index] == 0x0A }

  private func isBlank(_ index: Int) -> Bool {
    isLineEnd(index) || bytes[index] == 0x20 || bytes[index] == 0x09 || (bytes[index] == 0x0D && isLineEnd(index + 1))
  }

  private mutating func skipLine() {
    while !isLineEnd(position) { position += 1 }
  }

  /// Moves past what is left of a word, and gives that word up.
  private mutating func giveUp(from start: Int) -> Word {
    while !isBlank(position) { position += 1 }
    return .broken(at: range(start, position))
  }

  /// A word that ends at the next blank.
  private mutating func bareWord() -> Word {
    let start = position
    while !isBlank(position) { position += 1 }
    let word = bytes[start..<position]
    if let quote = word.firstIndex(of: UInt8(ascii: "\"")) {
      diagnostics.error(
        "a quote may only begin a word", at: range(quote, quote + 1), suggestion: "put the whole word in quotes")
      return .broken(at: range(start, position))
    }
    return finish(Array(word), start: start, isQuoted: false)
  }

  /// A word in quotes, in which `\"` and `\\` stand for a quote and a backslash.
  private mutating func quotedWord() -> Word {
    let start = position
    var text: [UInt8] = []
    position += 1
    while !isLineEnd(position), bytes[position] != UInt8(ascii: "\"") {
      if bytes[position] == UInt8(ascii: "\\"), !isLineEnd(position + 1) {
        let escaped = bytes[position + 1]
        if escaped != UInt8(ascii: "\""), escaped != UInt8(ascii: "\\") {
          diagnostics.error(
            #"only \" and \\ are escapes"#, at: range(position, position + 2),
            suggestion: #"write '\\' for a backslash"#)
        }
        position += 1
      }
      text.append(bytes[position])
      position += 1
    }
    guard !isLineEnd(position) else {
      diagnostics.error("the quote is not closed on its line", at: range(start, start + 1))
      // What follows the first blank is read as words again, so that a brace at the end still opens its block.
      position = start
      return giveUp(from: start)
    }
    position += 1
    if !isBlank(position) {
      diagnostics.error("a blank is missing after the quote", at: range(position, position + 1))
      return giveUp(from: start)
    }
    return finish(text, start: start, isQuoted: true)
  }

  /// Checks the bytes of a word that began at `start`, and fills in variables.
  private func finish(_ text: [UInt8], start: Int, isQuoted: Bool) -> Word {
    let place = range(start, position)
    guard text.count <= Lexer.longestWord else {
      diagnostics.error("a word may have \(Lexer.longestWord) bytes, this one has \(text.count)", at: place)
      return .broken(at: place)
    }
    if let control = text.first(where: { $0 < 0x20 || $0 == 0x7F }) {
      let name = String(control, radix: 16, uppercase: true)
      diagnostics.error("control character 0x\(control < 16 ? "0" : "")\(name) in a word", at: place)
      return .broken(at: place)
    }
    guard let string = String(validating: text, as: UTF8.self) else {
      diagnostics.error("the word is not UTF-8", at: place)
      return .broken(at: place)
    }
    guard text.contains(UInt8(ascii: "$")) else { return Word(string, at: place, isQuoted: isQuoted) }
    return expand(text, start: start).map { Word($0, at: place, isQuoted: true) } ?? .broken(at: place)
  }

  /// `text` with each `${NAME}` replaced by that variable of the environment.
  private func expand(_ text: [UInt8], start: Int) -> String? {
    var result: [UInt8] = []
    var index = 0
    while index < text.count {
      guard text[index] == UInt8(ascii: "$"), index + 1 < text.count, text[index + 1] == UInt8(ascii: "{") else {
        result.append(text[index])
        index += 1
        continue
      }
      guard let close = text[index...].firstIndex(of: UInt8(ascii: "}")) else {
        diagnostics.error("'${' is not closed", at: range(start, position), suggestion: "'}' is missing")
        return nil
      }
      let name = String(decoding: text[(index + 2)..<close], as: UTF8.self)
      guard let value = value(of: name, at: range(start, position)) else { return nil }
      result += value.utf8
      index = close + 1
      guard result.count <= Lexer.longestWord else {
        diagnostics.error(
          "the word is longer than \(Lexer.longestWord) bytes with its variables", at: range(start, position))
        return nil
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The variable `name`; says what is wrong when there is none.
  private func value(of name: String, at place: SourceRange) -> String? {
    guard !name.isEmpty,
      name.utf8.allSatisfy({ $0 == 0x5F || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || (0x30...0x39).contains($0) })
    else {
      diagnostics.error("\(Word.shown(name)) is not the name of a variable", at: place)
      return nil
    }
    guard let value = environment[name] else {
      diagnostics.error(
        "the environment variable '\(name)' is not set", at: place,
        suggestion: Suggestion.text(for: name, among: environment.keys.sorted()))
      return nil
    }
    guard !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      diagnostics.error("the environment variable '\(name)' holds control characters", at: place)
      return nil
    }
    return value
  }
}
