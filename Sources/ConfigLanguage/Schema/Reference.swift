/// The reference of a language, made from its rows.
public struct Reference {
  private let schema: Schema

  /// The reference of `schema`.
  public init(_ schema: Schema) { self.schema = schema }

  /// All directives, grouped by the block they stand in.
  public var overview: String {
    var result = ""
    for kind in schema.kinds {
      result += kind.isEmpty ? "Top level\n" : "\nIn '\(kind)'\n"
      for row in schema.rows(in: kind) {
        for usage in row.usages { result += "  \(usage)\n" }
        result += "      \(row.help)\(row.absent.map { " (default: \($0))" } ?? "")\n"
      }
    }
    return result
  }

  /// All about the directive `name`, wherever it may stand; `nil` when there is none.
  public func text(for name: String) -> String? {
    let rows = schema.rows(named: name)
    guard !rows.isEmpty else { return nil }
    return rows.map(text).joined(separator: "\n")
  }

  /// `did you mean 'X'?` for a name that no directive has.
  public func suggestion(for name: String) -> String? {
    Suggestion.text(for: name, among: schema.rows.map(\.name))
  }

  private func text(_ row: DirectiveRow) -> String {
    var result = row.usages.joined(separator: "\n") + "\n\n  \(row.help)\n\n"
    result += "  stands:  \(row.kind.isEmpty ? "at the top level" : "in '\(row.kind)'"), \(Reference.often(row))\n"
    if let absent = row.absent { result += "  default: \(absent)\n" }
    let inside = row.block.map { schema.rows(in: $0) } ?? []
    if row.block?.isEmpty == false, !inside.isEmpty {
      result += "\n  in its block:\n"
      let width = inside.flatMap(\.usages).map(\.count).max() ?? 0
      for child in inside {
        for usage in child.usages.dropLast() { result += "    \(usage)\n" }
        let usage = child.usages[child.usages.count - 1]
        let gap = String(repeating: " ", count: min(width, 40) - min(usage.count, min(width, 40)) + 2)
        result += "    \(usage)\(gap)\(child.help)\n"
      }
    }
    return result
  }

  private static func often(_ row: DirectiveRow) -> String {
    switch row.cardinality {
    case .optional: "at most once"
    case .required: "exactly once"
    case .many: "as often as wanted"
    case .atLeastOnce: "once or more"
    case .named: "as often as wanted, each with its own name"
    }
  }
}
