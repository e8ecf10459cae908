import ConfigLanguage
import Configuration
import Engine
import FoundationEssentials
import Glibc
import Platform

extension Conductor {
  /// Loads a configuration; tells what is wrong with it on standard error and gives `nil` when it can't be used.
  static func load(
    _ path: String, opening: StateOpening? = nil, for predecessor: Predecessor? = nil
  ) -> LoadedConfiguration? {
    switch outcome(path, previous: nil, additions: opening.map { opening in { try opening.open($0) } }) {
    case .loaded(let loaded):
      Entrance.complain(loaded.warnings.text)
      return loaded
    case .refused(let report):
      // The process before says it, where there is one.
      if let predecessor {
        predecessor.refuse("\(path) can't be used\n\(report.text.trimmedEnd)")
      } else {
        Entrance.complain(report.text)
      }
      return nil
    }
  }

  static func outcome(
    _ path: String, previous: Blueprint?, readsAllCertificates: Bool = false,
    additions: ((_ state: String) throws -> TenantAdditions)? = nil
  ) -> LoadOutcome {
    ConfigurationLoader(processors: Machine.cpuCount, readsAllCertificates: readsAllCertificates).load(
      path: path, environment: ProcessInfo.processInfo.environment, resolveName: NameService.addresses(of:),
      previous: previous, additions: additions)
  }

  /// Tells whether a configuration can be used, and all that is wrong with it: 0 or 1.
  static func check(configPath: String, json: Bool) -> Int32 {
    switch outcome(configPath, previous: nil, readsAllCertificates: true) {
    case .loaded(let loaded):
      if let report = accessLogTrouble(loaded) {
        print(json ? report.json + "\n" : report.text, terminator: "")
        return 1
      }
      let blueprint = loaded.blueprint
      if json {
        print(loaded.warnings.json)
      } else {
        print(loaded.warnings.text, terminator: "")
        print(
          "\(configPath): ok: \(blueprint.listeners.count) listeners, \(blueprint.shards.count) shards, "
            + "\(blueprint.planNames.count) plans, \(blueprint.tenants.count) tenants")
      }
      return 0
    case .refused(let report):
      print(json ? report.json + "\n" : report.text, terminator: "")
      return 1
    }
  }

  /// Why the access log could not be written, if that is to be seen already. Who may write where is not asked: it is
  /// another user that will.
  private static func accessLogTrouble(_ loaded: LoadedConfiguration) -> DiagnosticReport? {
    guard case .file(let path) = loaded.process.accessLog else { return nil }
    var folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    var facts = stat()
    guard stat(folder, &facts) != 0, errno == ENOENT || errno == ENOTDIR else { return nil }
    return loaded.report(unwritableAccessLog: "there is no directory '\(folder)'")
  }

  /// Prints the reference of a directive: 0, or 2 when there is none of that name.
  static func help(on topic: String) -> Int32 {
    let reference = Reference(GatehouseLanguage.schema)
    if topic == "directives" {
      print(reference.overview, terminator: "")
      return 0
    }
    guard let text = reference.text(for: topic) else {
      let hint = reference.suggestion(for: topic) ?? "`gatehouse help directives` lists them"
      say("gatehouse: no command and no directive is called '\(topic)'; \(hint)")
      return 2
    }
    print(text, terminator: "")
    return 0
  }
}

extension String {
  /// Without the line ends behind it.
  fileprivate var trimmedEnd: String { String(self[..<(lastIndex { !$0.isNewline }.map(index(after:)) ?? startIndex)]) }
}
