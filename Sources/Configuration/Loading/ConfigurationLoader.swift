public import ConfigLanguage
public import Engine
import FoundationEssentials
public import Primitives

/// Makes a blueprint from the text of a configuration: parse, check, apply.
///
/// `check`, `run` and reload all go through here. Loading opens no socket and changes nothing.
public struct ConfigurationLoader {
  private let processors: Int
  private let access: SourceAccess
  private let readsAllCertificates: Bool

  /// A loader that takes `workers auto` for `processors` and reaches files by `access`. One that `readsAllCertificates`
  /// reads those of large directories as well, which are otherwise loaded when they are first asked for.
  public init(processors: Int, access: SourceAccess = .machine, readsAllCertificates: Bool = false) {
    self.processors = max(1, processors)
    self.access = access
    self.readsAllCertificates = readsAllCertificates
  }

  /// Loads the configuration at `path`, including its tenant tables.
  ///
  /// `environment` fills `${NAME}`, `resolveName` finds the addresses of backends given by name, `previous` is the
  /// blueprint in use: its tenants keep their indices, and their epochs may not go down. `additions` tells what is kept of
  /// tenants in the folder that `state` names; without it that is not looked at.
  public func load(
    path: String, environment: [String: String], resolveName: @escaping (String) -> [IPAddress],
    previous: Blueprint?, additions: ((_ state: String) throws -> TenantAdditions)? = nil
  ) -> LoadOutcome {
    let diagnostics = DiagnosticCollector()
    var parser = Parser(access: access, environment: environment, diagnostics: diagnostics)
    let statements = parser.parse(path: path)
    let check = SchemaCheck(schema: GatehouseLanguage.schema, sources: parser.sources, diagnostics: diagnostics)
    var draft = Draft(
      directives: check.check(statements), sources: parser.sources, diagnostics: diagnostics,
      names: NameResolution(resolveName), access: access)
    draft.readsAllCertificates = readsAllCertificates
    draft.additions = TenantAdditions(now: Int64(Date().timeIntervalSince1970 * 1000))
    if let additions { draft.readState(additions) }
    return draft.finish(processors: processors, previous: previous)
  }
}

/// Names of backends, each asked for once.
final class NameResolution {
  private let resolve: (String) -> [IPAddress]
  private var known: [String: IPAddress?] = [:]

  init(_ resolve: @escaping (String) -> [IPAddress]) { self.resolve = resolve }

  /// The first address of `name`.
  func address(of name: String) -> IPAddress? {
    if let answer = known[name] { return answer }
    let answer = resolve(name).first
    known[name] = .some(answer)
    return answer
  }
}
