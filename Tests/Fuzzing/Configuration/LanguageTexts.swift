import ConfigLanguage
import Configuration
import Engine

/// Configurations: `proxy.conf`, then files it may include, `1.inc` and so on, with a zero byte between two.
enum LanguageTexts {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count <= 1 << 16 else { return }
    let files = bytes.split(separator: 0, maxSplits: 8, omittingEmptySubsequences: false).map(Array.init)
    let outcome = load(files)
    switch outcome {
    case .refused(let report): try check(report)
    case .loaded(let configuration): try check(configuration)
    }
    // A second time the same; and with the other line end the same up to what is shown.
    try require(told(load(files)) == told(outcome), "a second time it is something else")
    guard !bytes.contains(13) else { return }
    let crlf = files.map { $0.flatMap { $0 == 10 ? [13, 10] : [$0] } }
    try requireEqual(told(load(crlf)), told(outcome), "with CRLF it is something else")
  }

  private static func load(_ files: [[UInt8]]) -> LoadOutcome {
    var names = ["proxy.conf": files[0]]
    for (number, file) in files.enumerated().dropFirst() { names["\(number).inc"] = file }
    let includes = names.keys.filter { $0 != "proxy.conf" }.sorted()
    let access = SourceAccess(
      read: { names[$0].map { .bytes($0) } ?? .failed("no such file") }, match: { _ in includes })
    return ConfigurationLoader(processors: 2, access: access).load(
      path: "proxy.conf", environment: ["HOME": "/root", "PORT": "8080"], resolveName: { _ in [] }, previous: nil)
  }

  private static func told(_ outcome: LoadOutcome) -> [String] {
    switch outcome {
    case .loaded(let configuration): [configuration.warnings.text, "\(configuration.process)"]
    case .refused(let report): [report.text, report.json]
    }
  }

  private static func check(_ report: DiagnosticReport) throws {
    try require(report.errorCount > 0 && !report.diagnostics.isEmpty, "refused without a reason")
    try require(report.diagnostics.count <= 20, "\(report.diagnostics.count) diagnostics")
    for diagnostic in report.diagnostics {
      try require(!diagnostic.text.isEmpty && !diagnostic.message.isEmpty, "an empty diagnostic")
      try require((diagnostic.line > 0) == (diagnostic.column > 0), "half a place")
      let isPlain = diagnostic.text.unicodeScalars.allSatisfy {
        $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control
      }
      try require(isPlain, "control characters shown: \(diagnostic.text.debugDescription)")
    }
  }

  /// What is taken can be used, and explained.
  private static func check(_ configuration: LoadedConfiguration) throws {
    let blueprint = configuration.blueprint
    try require(!blueprint.listeners.isEmpty && blueprint.shards.allSatisfy { !$0.backends.isEmpty }, "too little")
    var question = RequestQuestion()
    question.host = "app.acme.example"
    _ = RequestExplanation(question, question.decide(with: blueprint), configuration)
    for index in 0..<Int32(min(blueprint.tenants.capacity, 20)) {
      guard blueprint.tenants.isLive(index) else { continue }
      let name = blueprint.tenants.name(of: index)
      try require(TenantExplanation(of: name, in: configuration) != nil, "tenant \(name) can't be explained")
    }
  }
}
