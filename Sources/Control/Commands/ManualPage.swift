/// The manual page, made from the schema of the command line: `gatehouse help man-page`.
enum ManualPage {
  /// What `help` calls it.
  static let topic = "man-page"

  /// The page in roff, man macros.
  static var text: String {
    let synopses = Command.allCases.flatMap(\.synopses).map { ".br\n.B gatehouse\n\(escaped($0))\n" }.joined()
    let commands = Command.allCases.map(section).joined()
    let options = Option.all.map { option in
      let name = (option == .config ? "-c, " : "") + option.name
      let value = option.value.map { " \\fI\(escaped($0))\\fR" } ?? ""
      return ".TP\n\\fB\(escaped(name))\\fR\(value)\n\(sentence(option.summary))\n"
    }.joined()
    return """
      .\\" Made by 'gatehouse help \(topic)'.
      .TH GATEHOUSE 1 "" "gatehouse \(Build.version)" "User Commands"
      .SH NAME
      gatehouse \\- tenant\\-aware reverse proxy and load balancer
      .SH SYNOPSIS
      \(synopses).SH DESCRIPTION
      Gatehouse sends each request to the shard where its tenant's data lives, and holds each tenant to its limits.
      It reads a configuration,
      .IR proxy.conf ,
      whose directives
      .B gatehouse help directives
      lists and
      .B gatehouse help
      .I DIRECTIVE
      explains. A running proxy is asked and told things through its admin API.
      .SH COMMANDS
      \(commands).SH OPTIONS
      \(options).TP
      \\fB\\-h, \\-\\-help\\fR
      What a command does and takes.
      \(ending)

      """
  }

  private static let ending = """
    .SH EXIT STATUS
    0 what was asked for is done; 1 it is not, or the configuration is bad; 2 the command line can't be understood;
    3 the request that
    .B explain
    was asked about would be refused.
    .SH SIGNALS
    .B HUP
    reloads the configuration,
    .B TERM
    and
    .B INT
    finish what is in flight and stop (a second one stops at once),
    .B USR1
    opens the access log anew,
    .B USR2
    has the binary as it is now take the place of the running one.
    .SH FILES
    .TP
    .I ./proxy.conf, /etc/gatehouse/proxy.conf
    The configuration, where none is named.
    .TP
    .I .gatehouse\\-affinity.key
    The key of affinity cookies, in $STATE_DIRECTORY or beside the configuration.
    .TP
    .I STATE/audit.log, STATE/audit.head
    What was done through the admin API, in the folder that the directive
    .B state
    names.
    """

  private static func section(of command: Command) -> String {
    let own = ".TP\n\\fB\(escaped(command.rawValue))\\fR\n\(sentence(command.summary))\n"
    let verbs = command.verbs.filter { !$0.name.isEmpty }
    return own
      + verbs.map { verb in
        let operands = verb.operands.map { " \\fI\(escaped($0.synopsis))\\fR" }.joined()
        return ".TP\n\\fB\(escaped(command.rawValue + " " + verb.name))\\fR\(operands)\n\(sentence(verb.summary))\n"
      }.joined()
  }

  private static func sentence(_ text: String) -> String {
    escaped(text.prefix(1).uppercased() + text.dropFirst()) + "."
  }

  /// A text of one line that roff takes as it stands.
  private static func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("…", with: "...")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
  }
}
