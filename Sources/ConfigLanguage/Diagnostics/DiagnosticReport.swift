/// What a run found: diagnostics ordered by place, and how many errors there are in all.
public struct DiagnosticReport: Sendable {
  /// The first errors by place, or the warnings when there is no error.
  public var diagnostics: [Diagnostic] = []
  /// All errors, shown or not.
  public var errorCount: Int
  /// All warnings, shown or not; 0 when there is an error.
  public var warningCount: Int

  /// A report without diagnostics.
  public init(errorCount: Int = 0, warningCount: Int = 0) {
    self.errorCount = errorCount
    self.warningCount = warningCount
  }

  /// The report as an operator reads it, each line ended; empty when there is nothing to say.
  public var text: String {
    var result = ""
    for diagnostic in diagnostics { result += diagnostic.text + "\n" }
    for (count, what) in [(errorCount, "errors"), (warningCount, "warnings")] where count > diagnostics.count {
      result += "\(count) \(what), the first \(diagnostics.count) of them shown\n"
    }
    return result
  }

  /// The report as a JSON object: `errors` (how many in all), `warnings` (how many in all, if there are any and no
  /// errors) and the list `diagnostics`; no newline at the end.
  public var json: String {
    var json = JSONText()
    json.beginObject()
    json.field("errors", errorCount)
    if warningCount > 0 { json.field("warnings", warningCount) }
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
