/// What can be asked of the program.
public enum Command: String, CaseIterable, Sendable {
  case run, check, explain, demo, help, version

  /// Short spellings.
  static let aliases: [String: Command] = ["-t": .check, "-V": .version, "--version": .version]

  /// What it does, in one line.
  var summary: String {
    switch self {
    case .run: "serve in the foreground until TERM or INT (HUP reloads, USR1 reopens logs)"
    case .check: "parse and validate the configuration and its tables; print every error (alias -t)"
    case .explain: "say what the proxy would do with a request, or what holds for a tenant, and why"
    case .demo: "serve with sample app servers standing in for the backends"
    case .help: "this list, a command's options, or a directive of the configuration"
    case .version: "version, commit, Swift, OpenSSL, features (alias -V)"
    }
  }

  /// The options it takes.
  var options: [Option] {
    switch self {
    case .run, .demo: [.config]
    case .check: [.config, .json]
    case .explain: [.config, .json, .host, .path, .method, .header, .client]
    case .help: []
    case .version: [.json]
    }
  }

  /// How it is written.
  var synopsis: String {
    switch self {
    case .explain: "explain [options]  or  explain tenant ID [options]"
    case .help: "help [command or directive]"
    default: options.isEmpty ? rawValue : rawValue + " [options]"
    }
  }

  /// What its exit status says.
  var exits: String {
    switch self {
    case .run, .demo: "0 clean stop, 1 bad configuration or address in use, 2 bad command line"
    case .check: "0 good, 1 errors, 2 bad command line"
    case .explain: "0 admitted (tenant: known), 3 refused, 1 bad configuration (tenant: unknown), 2 bad command line"
    case .help, .version: "0, or 2 for a bad command line"
    }
  }
}

/// The options of all commands.
enum Option: String, CaseIterable {
  case config = "--config"
  case json = "--json"
  case host = "--host"
  case path = "--path"
  case method = "--method"
  case header = "--header"
  case client = "--client"

  /// The option of this spelling.
  static func named(_ word: String) -> Option? { word == "-c" ? .config : Option(rawValue: word) }

  /// The name of its value, if it takes one.
  var value: String? {
    switch self {
    case .config: "FILE"
    case .json: nil
    case .host: "HOST"
    case .path: "PATH"
    case .method: "METHOD"
    case .header: "'NAME: VALUE'"
    case .client: "IP"
    }
  }

  /// What it says, in one line.
  var summary: String {
    switch self {
    case .config: "the configuration (default ./proxy.conf, then /etc/gatehouse/proxy.conf)"
    case .json: "print facts as JSON"
    case .host: "the request's Host"
    case .path: "the request's path (default /)"
    case .method: "the request's method (default GET)"
    case .header: "a field of the request; may be given again"
    case .client: "the client's address (default 127.0.0.1)"
    }
  }
}
