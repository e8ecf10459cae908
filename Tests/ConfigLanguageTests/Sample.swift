import ConfigLanguage

/// A configuration held in memory, parsed.
struct Sample {
  let statements: [Statement]
  let sources: SourceSet
  let diagnostics: DiagnosticCollector

  init(_ text: String, files: [String: String] = [:], environment: [String: String] = [:]) {
    self.init(Array(text.utf8), files: files, environment: environment)
  }

  init(_ bytes: [UInt8], files: [String: String] = [:], environment: [String: String] = [:]) {
    diagnostics = DiagnosticCollector()
    let access = SourceAccess(
      read: { path in
        if path == "main.conf" { return .bytes(bytes) }
        return files[path].map { .bytes(Array($0.utf8)) } ?? .failed("no such file")
      },
      match: { pattern in
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        return files.keys.filter { $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1]) }.sorted()
      })
    var parser = Parser(access: access, environment: environment, diagnostics: diagnostics)
    statements = parser.parse(path: "main.conf")
    sources = parser.sources
  }

  /// The statements as nested lists of words: blocks in brackets.
  var shape: String { Sample.shape(statements) }

  /// The messages in order, with line and column.
  var errors: [String] {
    diagnostics.report(in: sources).diagnostics.map { "\($0.line):\($0.column) \($0.message)" }
  }

  private static func shape(_ statements: [Statement]) -> String {
    statements.map { statement in
      statement.words.map(\.text).joined(separator: " ") + (statement.children.map { " [\(shape($0))]" } ?? "")
    }.joined(separator: "; ")
  }
}
