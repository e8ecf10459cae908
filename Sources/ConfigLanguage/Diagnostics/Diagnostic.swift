/// One thing that is wrong, or doubtful, in a configuration, with all that is needed to show it.
public struct Diagnostic: Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// The configuration can't be used.
    case error
    /// The configuration can be used, but may not mean what was wanted.
    case warning
  }

  /// How bad it is.
  public var severity: Severity
  /// What is wrong, in one sentence without a full stop.
  public var message: String
  /// At most one way out, such as `did you mean 'backend'?`.
  public var suggestion: String?
  /// The file's name.
  public var file: String
  /// The line, counted from 1; 0 when the file as a whole is meant.
  public var line: Int
  /// The column in characters, counted from 1; 0 when the file as a whole is meant.
  public var column: Int
  /// The source line, or the part of a long one around the place; control characters are replaced.
  public var excerpt: String
  /// Characters of `excerpt` before the caret.
  public var caretOffset: Int
  /// Characters the caret run marks, at least 1.
  public var caretCount: Int

  /// A diagnostic about the file `file` as a whole.
  public init(_ severity: Severity, _ message: String, file: String, suggestion: String? = nil) {
    self.severity = severity
    self.message = message
    self.suggestion = suggestion
    self.file = file
    line = 0
    column = 0
    excerpt = ""
    caretOffset = 0
    caretCount = 1
  }

  /// A diagnostic about `range` of `source`.
  public init(
    _ severity: Severity, _ message: String, in source: SourceFile, at range: SourceRange, suggestion: String?
  ) {
    self.init(severity, message, file: source.name, suggestion: suggestion)
    let start = min(max(range.start, 0), source.bytes.count)
    line = source.line(at: start)
    let lineRange = source.range(ofLine: line)
    let view = Excerpt(source.bytes[lineRange], from: min(start, lineRange.upperBound), count: Int(range.count))
    column = view.column
    excerpt = view.text
    caretOffset = view.caretOffset
    caretCount = view.caretCount
  }

  /// The diagnostic in the usual three lines, or one when it is about a whole file; no newline at the end.
  public var text: String {
    guard line > 0 else {
      return "\(file): \(severity.rawValue): \(message)" + (suggestion.map { "; \($0)" } ?? "")
    }
    let number = String(line)
    let gutter = String(repeating: " ", count: number.utf8.count + 2)
    let pad = String(excerpt.unicodeScalars.prefix(caretOffset).map { $0 == "\t" ? "\t" : " " as Character })
    let run = "^" + String(repeating: "~", count: caretCount - 1)
    return """
      \(file):\(line):\(column): \(severity.rawValue): \(message)
       \(number) | \(excerpt)
      \(gutter)| \(pad)\(run)\(suggestion.map { " \($0)" } ?? "")
      """
  }
}
