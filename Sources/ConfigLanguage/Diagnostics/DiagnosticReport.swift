/// What a run found: diagnostics ordered by place, and how many errors there are in all.
public struct DiagnosticReport: Sendable {
  /// The first errors by place, or the warnings when there is no error.
  public var diagnostics: [Diagnostic] = []
  /// All errors, shown or not.
  public var errorCount: Int

  /// A report without diagnostics.
  public init(errorCount: Int = 0) { self.errorCount = errorCount }

  /// The report as an operator reads it, each line ended; empty when there is nothing to say.
  public var text: String {
    var result = ""
    for diagnostic in diagnostics { result += diagnostic.text + "\n" }
    let hidden = errorCount - diagnostics.count
    if errorCount > 0, hidden > 0 { result += "\(errorCount) errors, the first \(diagnostics.count) of them shown\n" }
    return result
  }

  /// The report as a JSON object: `errors` (how many in all) and the list `diagnostics`; no newline at the end.
  public var json: String {
    var json = JSONText()
    json.beginObject()
    json.field("errors", errorCount)
    json.beginList("diagnostics")
    for diagnostic in diagnostics { diagnostic.write(to: &json) }
    json.endList()
    json.endObject()
    return json.text
  }
}

extension Diagnostic {
  /// Appends the diagnostic as one object.
  fileprivate func write(to json: inout JSONText) {
    json.beginObject()
    json.field("severity", severity.rawValue)
    json.field("file", file)
    if line > 0 {
      json.field("line", line)
      json.field("column", column)
    }
    json.field("message", message)
    if let suggestion { json.field("suggestion", suggestion) }
    if line > 0 { json.field("source", excerpt) }
    json.endObject()
  }
}
