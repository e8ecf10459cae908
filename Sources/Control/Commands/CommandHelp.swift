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
    let spelled = command.options.map { option in
      (option == .config ? "-c, " : "") + option.rawValue + (option.value.map { " " + $0 } ?? "")
    }
    let width = (spelled.map(\.count).max() ?? 0) + 2
    let list = zip(spelled, command.options).map { "  " + pad($0, to: width) + $1.summary }
    let options = list.isEmpty ? "" : "\n" + list.joined(separator: "\n") + "\n"
    return """
      usage: gatehouse \(command.synopsis)

      \(command.summary)
      \(options)
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
