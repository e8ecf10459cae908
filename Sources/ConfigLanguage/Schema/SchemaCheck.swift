/// Holds the directives of a file against the schema; the second of three steps.
public struct SchemaCheck {
  private let schema: Schema
  private let sources: SourceSet
  private let diagnostics: DiagnosticCollector

  /// A check against `schema` that reports to `diagnostics`.
  public init(schema: Schema, sources: SourceSet, diagnostics: DiagnosticCollector) {
    self.schema = schema
    self.sources = sources
    self.diagnostics = diagnostics
  }

  /// The directives of the top level that could be understood.
  public func check(_ statements: [Statement]) -> [Directive] {
    var level = Level(kind: "", isDefaults: false)
    for statement in statements { add(statement, to: &level) }
    checkMissing(level)
    return level.directives
  }

  /// The block that one statement of the top level opens; `nil` when it could not be understood.
  public func check(block statement: Statement) -> Directive? {
    var level = Level(kind: "", isDefaults: false)
    add(statement, to: &level)
    return level.directives.first
  }

  /// The directives of one block, and what was seen of them.
  private struct Level {
    let kind: String
    let isDefaults: Bool
    var directives: [Directive] = []
    var first: [String: SourceRange] = [:]
    /// Directives that an unclosed block swallowed and that belong to the top level.
    var strays: [Statement] = []
    /// Whether something in the block is no directive of it: then what seems missing may only be misspelt.
    var hasUnknown = false
  }

  private func add(_ statement: Statement, to level: inout Level) {
    let name = statement.words[0]
    guard let row = schema.row(name.text, in: level.kind) else {
      level.hasUnknown = true
      return name.isBroken ? () : complain(name, in: level.kind)
    }
    if level.isDefaults, !row.isDefaultable {
      diagnostics.error("'\(name.text)' can't have a default", at: name.range)
      return
    }
    checkSecond(name, row, &level)
    var directive = Directive(row: row, name: name, range: statement.range)
    ArgumentCheck(row: row, diagnostics: diagnostics).read(statement, into: &directive)
    checkName(directive, &level)
    let strays = readBlock(of: statement, into: &directive)
    level.directives.append(directive)
    for stray in strays { add(stray, to: &level) }
  }

  /// Reads the block of a directive; returns what belongs to the top level when the block was never closed.
  private func readBlock(of statement: Statement, into directive: inout Directive) -> [Statement] {
    let row = directive.row
    guard let children = statement.children else {
      if row.block != nil, !row.isBlockOptional {
        diagnostics.error(
          "'\(row.name)' needs a block", at: directive.range, suggestion: "write '{' at the end of the line")
      }
      return []
    }
    guard let block = row.block else {
      diagnostics.error("'\(row.name)' has no block", at: directive.range)
      return []
    }
    let isDefaults = block.isEmpty
    guard let kind = isDefaults ? directive.values.first?.text : block else { return [] }
    var level = Level(kind: kind, isDefaults: isDefaults)
    for (index, child) in children.enumerated() {
      let name = child.words[0].text
      if statement.isUnclosed, row.kind.isEmpty, schema.row(name, in: kind) == nil, schema.row(name, in: "") != nil {
        level.strays = Array(children[index...])
        break
      }
      add(child, to: &level)
    }
    directive.children = level.directives
    if !isDefaults, !statement.isUnclosed { checkMissing(directive, level) }
    return level.strays
  }

  /// Says that no directive is called `name` here, and what it may have been.
  private func complain(_ name: Word, in kind: String) {
    diagnostics.error(
      kind.isEmpty ? "\(name.shown) is not a directive" : "\(name.shown) is not a directive of '\(kind)'",
      at: name.range, suggestion: suggestion(for: name.text, in: kind))
  }

  private func suggestion(for name: String, in kind: String) -> String? {
    guard let home = schema.rows(named: name).first else {
      return Suggestion.text(for: name, among: schema.rows(in: kind).map(\.name))
    }
    return home.kind.isEmpty ? "it belongs to the top level" : "it belongs in a '\(home.kind)' block"
  }

  /// Reports a directive that may stand once and stands twice.
  private func checkSecond(_ name: Word, _ row: DirectiveRow, _ level: inout Level) {
    guard let first = level.first[row.name] else {
      level.first[row.name] = name.range
      return
    }
    if row.cardinality == .optional || row.cardinality == .required {
      diagnostics.error("'\(row.name)' stands twice; first at \(sources.place(of: first))", at: name.range)
    }
  }

  /// Reports a block whose name another one of its kind has.
  private func checkName(_ directive: Directive, _ level: inout Level) {
    guard directive.row.cardinality == .named, let value = directive.values.first else { return }
    let key = "\(directive.row.name) \(value.text)"
    if let first = level.first[key] {
      diagnostics.error(
        "\(directive.row.name) \(value.word.shown) is declared twice; first at \(sources.place(of: first))",
        at: value.word.range)
    } else {
      level.first[key] = value.word.range
    }
  }

  /// Reports what a block must have and hasn't.
  private func checkMissing(_ directive: Directive, _ level: Level) {
    guard !level.hasUnknown else { return }
    for row in schema.rows(in: level.kind) where row.cardinality == .required || row.cardinality == .atLeastOnce {
      guard level.first[row.name] == nil else { continue }
      let name = directive.values.first.map { " \($0.word.shown)" } ?? ""
      diagnostics.error(
        "\(directive.row.name)\(name) has no '\(row.name)'", at: directive.range,
        suggestion: "add '\(row.usages[0])'")
    }
  }

  /// Reports what the top level must have and hasn't.
  private func checkMissing(_ top: Level) {
    guard !top.hasUnknown, let file = sources.files.first else { return }
    for row in schema.rows(in: "") where row.cardinality == .required || row.cardinality == .atLeastOnce {
      guard top.first[row.name] == nil else { continue }
      diagnostics.error("there is no '\(row.name)'", file: file.name, suggestion: "add '\(row.usages[0])'")
    }
  }
}
