public import ConfigLanguage
public import Primitives

/// Where a configuration says that its admin API and its state are, read without the rest of it: for commands that call the
/// proxy, which may run as somebody who can't read its keys and tables.
public struct AdminGlance: Sendable {
  /// The addresses of the admin API.
  public private(set) var endpoints: [Endpoint] = []
  /// Whether it speaks TLS on its TCP addresses.
  public private(set) var isSecure = false
  /// The folder of the state; `nil` when nothing is kept.
  public private(set) var state: String?

  /// Looks into the configuration at `path`; what is wrong with it elsewhere doesn't matter here.
  public init(path: String, environment: [String: String], access: SourceAccess = .machine) {
    let diagnostics = DiagnosticCollector()
    var parser = Parser(access: access, environment: environment, diagnostics: diagnostics)
    let statements = parser.parse(path: path)
    let reader = AddressReader(diagnostics: diagnostics, names: NameResolution { _ in [] })
    for statement in statements where statement.words.count > 1 {
      switch statement.words[0].text {
      case "admin":
        endpoints = statement.words.dropFirst().compactMap { reader.listenAddress($0) }
        isSecure = statement.children?.contains { $0.words[0].text == "certificate" } ?? false
      case "state":
        let file = parser.sources.files[Int(statement.words[1].range.file)].name
        state = SourceAccess.path(statement.words[1].text, besides: file)
      default: break
      }
    }
  }
}
