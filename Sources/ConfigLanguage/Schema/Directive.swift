/// A directive that fits its row: the values that were good, by label.
public struct Directive: Sendable {
  /// Its row.
  public let row: DirectiveRow
  /// Its name as written.
  public let name: Word
  /// From its name to its last word.
  public let range: SourceRange
  /// Which of the row's forms it has.
  public var form = 0
  /// Its values. A value with an error is missing, even when the row requires it.
  public var values: [Value] = []
  /// The directives of its block.
  public var children: [Directive] = []

  /// A directive of `row` without values.
  public init(row: DirectiveRow, name: Word, range: SourceRange) {
    self.row = row
    self.name = name
    self.range = range
  }

  /// The first value called `label`.
  public subscript(_ label: String) -> Value? { values.first { $0.label == label } }

  /// All values called `label`.
  public func all(_ label: String) -> [Value] { values.filter { $0.label == label } }

  /// The first directive `name` of the block.
  public func child(_ name: String) -> Directive? { children.first { $0.row.name == name } }

  /// All directives `name` of the block.
  public func children(_ name: String) -> [Directive] { children.filter { $0.row.name == name } }

  /// Whether the row's form number `form` begins with this keyword, as `refuse` and `use` in `unknown-tenant`.
  public func hasKeyword(_ word: String) -> Bool {
    if case .keyword(word)? = row.forms[form].first { true } else { false }
  }
}
