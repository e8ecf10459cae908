/// A word of a directive, after quotes were taken off and variables filled in.
public struct Word: Sendable {
  /// The text that is meant.
  public var text: String
  /// Where it stands, quotes included.
  public var range: SourceRange
  /// Whether it stood in quotes: then it is never a brace or a keyword.
  public var isQuoted: Bool
  /// Whether something is wrong with it that was reported already: then nothing else is said about it.
  public var isBroken = false

  /// The word `text` at `range`.
  public init(_ text: String, at range: SourceRange, isQuoted: Bool = false) {
    self.text = text
    self.range = range
    self.isQuoted = isQuoted
  }

  /// A word at `range` that nothing more is said about.
  public static func broken(at range: SourceRange) -> Word {
    var word = Word("", at: range, isQuoted: true)
    word.isBroken = true
    return word
  }

  /// The text in single quotes for a message: cut when long, without control characters.
  public var shown: String { Word.shown(text) }

  /// `text` in single quotes for a message: cut when long, without control characters.
  public static func shown(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
      count += 1
      if count > 64 { break }
      let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
      result.append(isControl ? "\u{FFFD}" : scalar)
    }
    return "'\(String(result))\(count > 64 ? "…" : "")'"
  }
}

/// A directive as it was written: its words, and what stands in its block.
public struct Statement: Sendable {
  /// The words, the first of which names the directive; never empty.
  public var words: [Word]
  /// The directives of the block; `nil` when there is none.
  public var children: [Statement]?
  /// Whether the file ended before the block did.
  public var isUnclosed = false

  /// A directive of these words.
  public init(words: [Word], children: [Statement]? = nil) {
    self.words = words
    self.children = children
  }

  /// From the first word to the last.
  public var range: SourceRange { words[0].range.through(words[words.count - 1].range) }
}
