import ConfigLanguage

/// One error of a tenant table, with its place.
public struct TableDiagnostic: Equatable, Sendable {
  /// The line, from 1; 0 when the error is about the whole file.
  public var line: Int
  /// The first character of the offending run in `text`, from 1; 0 when the error is about the whole file.
  public var column: Int
  /// Characters of the offending run, at least 1 (0 when the error is about the whole file).
  public var length: Int
  /// What is wrong, in the operator's words.
  public var message: String
  /// A way out, such as `did you mean 'gold'?`.
  public var suggestion: String?
  /// The line, each byte that can't be shown replaced by U+FFFD; empty when the error is about the whole file.
  public var text: String
  /// Errors that this one stands for and that are not told one by one.
  public var further = 0

  /// An error of these parts.
  public init(line: Int, column: Int, length: Int, message: String, suggestion: String? = nil, text: String = "") {
    self.line = line
    self.column = column
    self.length = length
    self.message = message
    self.suggestion = suggestion
    self.text = text
  }
}

extension Diagnostic {
  /// Characters of a long line that are shown.
  private static var shownCharacters: Int { 100 }

  /// The diagnostic of a table's error.
  init(_ error: TableDiagnostic, file: String) {
    self.init(.error, error.message, file: file, suggestion: error.suggestion)
    line = error.line
    column = error.column
    let characters = Array(error.text)
    let start = max(0, min(error.column - 1 - 60, characters.count - Diagnostic.shownCharacters))
    excerpt = String(characters.dropFirst(start).prefix(Diagnostic.shownCharacters))
    caretOffset = max(0, error.column - 1 - start)
    caretCount = max(1, min(error.length, Diagnostic.shownCharacters - caretOffset))
  }
}

/// The errors of one table: the first `bound` in full, the others as a number.
struct TableDiagnostics {
  /// Errors told in full.
  static let bound = 20

  private(set) var first: [TableDiagnostic] = []
  private(set) var total = 0

  /// Notes one error; `make` runs only when it is to be told in full.
  mutating func append(_ make: () -> TableDiagnostic) {
    total += 1
    if first.count < TableDiagnostics.bound { first.append(make()) }
  }

  /// The errors told in full and, when there are more, one about the whole file that says how many.
  var all: [TableDiagnostic] {
    let rest = total - first.count
    if rest == 0 { return first }
    let message = "\(rest) more error\(rest == 1 ? "" : "s") in this table"
    var last = TableDiagnostic(line: 0, column: 0, length: 0, message: message)
    last.further = rest
    return first + [last]
  }
}
