/// The blocks that are open while a file is parsed, innermost last.
struct BlockNest {
  private let diagnostics: DiagnosticCollector
  private var open: [Statement] = []
  private var top: [Statement] = []
  /// Blocks that are open beyond the deepest nesting; their content is dropped.
  private var tooDeep = 0
  private var isAlarmed = false

  /// No block is open.
  init(diagnostics: DiagnosticCollector) { self.diagnostics = diagnostics }

  /// Takes the words of a line: a directive, a block's head, or a closing brace.
  mutating func add(_ line: [Word]) {
    isAlarmed = false
    var rest = line[...]
    while let first = rest.first {
      if first.closes {
        rest = close(rest)
      } else {
        let brace = rest.firstIndex { $0.opens || $0.closes } ?? rest.endIndex
        rest = brace < rest.endIndex && rest[brace].opens ? begin(rest, brace: brace) : end(rest, before: brace)
      }
    }
  }

  /// Adds a finished directive where the file stands now.
  mutating func append(_ statement: Statement) {
    guard tooDeep == 0 else { return }
    if open.isEmpty { top.append(statement) } else { open[open.count - 1].children?.append(statement) }
  }

  /// The directives of the file; reports blocks that are still open.
  mutating func finish() -> [Statement] {
    while var statement = open.popLast() {
      diagnostics.error(
        "the block of \(statement.words[0].shown) is not closed", at: statement.range, suggestion: "'}' is missing")
      statement.isUnclosed = true
      append(statement)
    }
    return top
  }

  /// Reports what is wrong with the braces of a line, once a line.
  private mutating func alarm(_ message: String, at range: SourceRange, suggestion: String? = nil) {
    if !isAlarmed { diagnostics.error(message, at: range, suggestion: suggestion) }
    isAlarmed = true
  }

  /// A line, or what is left of it, that starts with a closing brace.
  private mutating func close(_ words: ArraySlice<Word>) -> ArraySlice<Word> {
    let rest = words.dropFirst()
    if let next = rest.first {
      alarm("'}' must stand alone on its line", at: next.range)
    } else if words[words.startIndex].text != "}" {
      alarm("'}' must stand alone on its line", at: words[words.startIndex].range)
    }
    tooDeep > 0 ? (tooDeep -= 1) : closeInnermost(words[words.startIndex])
    return rest
  }

  private mutating func closeInnermost(_ brace: Word) {
    guard let statement = open.popLast() else {
      alarm("'}' closes no block", at: brace.range)
      return
    }
    append(statement)
  }

  /// The head of a block: the words before the brace at index `brace`.
  private mutating func begin(_ words: ArraySlice<Word>, brace: Int) -> ArraySlice<Word> {
    var head = Array(words[..<brace])
    if words[brace].text != "{" {
      alarm("a blank is missing before '{'", at: words[brace].range)
      head.append(words[brace].withoutBrace)
    }
    let rest = words[(brace + 1)...]
    if let next = rest.first { alarm("'{' must end its line", at: next.range) }
    if head.isEmpty {
      alarm("a block needs a name", at: words[brace].range)
      head = [.broken(at: words[brace].range)]
    }
    if tooDeep > 0 || open.count >= Parser.deepest {
      if tooDeep == 0 { alarm("blocks are nested deeper than \(Parser.deepest)", at: words[brace].range) }
      tooDeep += 1
    } else {
      open.append(Statement(words: head, children: []))
    }
    return rest
  }

  /// A directive without a block, up to the end of the line or a brace that should stand on the next.
  private mutating func end(_ words: ArraySlice<Word>, before brace: Int) -> ArraySlice<Word> {
    append(Statement(words: Array(words[..<brace])))
    if brace < words.endIndex { alarm("'}' must stand alone on its line", at: words[brace].range) }
    return words[brace...]
  }
}

extension Word {
  /// Whether the word closes a block, or was meant to.
  fileprivate var closes: Bool { !isQuoted && (text == "}" || text == "};") }

  /// Whether the word opens a block, or was meant to.
  fileprivate var opens: Bool { !isQuoted && text.utf8.last == UInt8(ascii: "{") }

  /// The word without the brace at its end.
  fileprivate var withoutBrace: Word {
    var range = range
    range.count -= 1
    return Word(String(text.dropLast()), at: range)
  }
}
