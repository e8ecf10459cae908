/// What the program says about its own command line.
enum CommandHelp {
  /// All commands.
  static var overview: String {
    let width = Command.allCases.map { $0.rawValue.count }.max()! + 2
    let list = Command.allCases.map { "  " + pad($0.rawValue, to: width) + $0.summary }
    return """
      usage: gatehouse COMMAND [options]

      \(list.joined(separator: "\n"))

      'gatehouse help COMMAND' lists its options, 'gatehouse help DIRECTIVE' explains a directive of proxy.conf.
      """
  }

  /// One command.
  static func text(of command: Command) -> String {
    let usage = command.synopses.map { "gatehouse \($0)" }.joined(separator: "\n       ")
    let verbs = command.verbs.filter { !$0.name.isEmpty }
    let verbWidth = (verbs.map(\.name.count).max() ?? 0) + 2
    let verbList = verbs.map { "  " + pad($0.name, to: verbWidth) + $0.summary }
    let spelled = command.options.map { option in
      (option == .config ? "-c, " : "") + option.name + (option.value.map { " " + $0 } ?? "")
    }
    let width = (spelled.map(\.count).max() ?? 0) + 2
    let list = zip(spelled, command.options).map { "  " + pad($0, to: width) + $1.summary }
    let parts = [verbList, list].filter { !$0.isEmpty }.map { "\n" + $0.joined(separator: "\n") + "\n" }
    return """
      usage: \(usage)

      \(command.summary)
      \(parts.joined())
      exit status: \(command.exits)
      """
  }

  /// A bad command line in one line, for standard error.
  static func text(of fault: Invocation.Fault) -> String {
    let hint = fault.suggestion.map { "; did you mean '\($0)'?" } ?? ""
    return "gatehouse: \(fault.message)\(hint)\n"
  }

  private static func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
