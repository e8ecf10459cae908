/// The rows of a language, found by kind of block and name.
public struct Schema: Sendable {
  /// The rows in the order in which the reference shows them.
  public let rows: [DirectiveRow]
  private let byKind: [String: [String: DirectiveRow]]
  private let inKind: [String: [DirectiveRow]]
  private let byName: [String: [DirectiveRow]]

  /// The language of these rows. The row of `include` is for the reference only: the parser knows it.
  public init(_ rows: [DirectiveRow]) {
    self.rows = rows
    var byKind: [String: [String: DirectiveRow]] = [:]
    for row in rows { byKind[row.kind, default: [:]][row.name] = row }
    self.byKind = byKind
    inKind = Dictionary(grouping: rows, by: \.kind)
    byName = Dictionary(grouping: rows, by: \.name)
  }

  /// The row of the directive `name` in blocks of `kind`.
  public func row(_ name: String, in kind: String) -> DirectiveRow? { byKind[kind]?[name] }

  /// The rows of a kind of block, in order.
  public func rows(in kind: String) -> [DirectiveRow] { inKind[kind] ?? [] }

  /// All rows called `name`, wherever they stand.
  public func rows(named name: String) -> [DirectiveRow] { byName[name] ?? [] }

  /// All kinds of blocks in the order of their first row.
  public var kinds: [String] {
    var seen: Set<String> = []
    return rows.map(\.kind).filter { seen.insert($0).inserted }
  }
}
