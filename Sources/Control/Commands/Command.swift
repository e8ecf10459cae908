/// What can be asked of the program.
public enum Command: String, CaseIterable, Sendable {
  case run, check, explain, demo
  case status, top, reload, upgrade, tenant, history, restore, move, wave, shard, audit, grant
  case help, version

  /// Short spellings.
  static let aliases: [String: Command] = ["-t": .check, "-V": .version, "--version": .version]

  /// What it does, in one line.
  var summary: String {
    switch self {
    case .run: "serve in the foreground until TERM or INT (HUP reloads, USR1 reopens logs, USR2 upgrades)"
    case .check: "parse and validate the configuration and its tables; print every error (alias -t)"
    case .explain: "say what the proxy would do with a request, or what holds for a tenant, and why"
    case .demo: "serve with sample app servers standing in for the backends"
    case .status: "how the running proxy does"
    case .top: "the busiest tenants of the last seconds"
    case .reload: "put the configuration as it is now into use, or say why not"
    case .upgrade: "have the binary as it is now take the place of the running one, without losing a connection"
    case .tenant: "tenants: list, read, make, change, suspend, import, export"
    case .history: "the changes of tenants, the newest first"
    case .restore: "have a tenant, or all, be what they were right after a change"
    case .move: "move a tenant to another shard without losing a request"
    case .wave: "move many tenants, some at a time"
    case .shard: "the shards and their backends; drain a backend, and have it serve again"
    case .audit: "what was done through the admin API, and whether that record is whole"
    case .grant: "give roles for the admin API, and take them back"
    case .help: "this list, a command's options, or a directive of the configuration"
    case .version: "version, commit, Swift, OpenSSL, features (alias -V)"
    }
  }

  /// What it does with a word behind it, and without one; empty for commands that know no such words.
  var verbs: [Verb] {
    switch self {
    case .status: Verb.ofStatus
    case .top: Verb.ofTop
    case .reload: Verb.ofReload
    case .upgrade: Verb.ofUpgrade
    case .tenant: Verb.ofTenant
    case .history: Verb.ofHistory
    case .restore: Verb.ofRestore
    case .move: Verb.ofMove
    case .wave: Verb.ofWave
    case .shard: Verb.ofShard
    case .audit: Verb.ofAudit
    case .grant: Verb.ofGrant
    case .run, .check, .explain, .demo, .help, .version: []
    }
  }

  /// The verb of this word; `nil` when there is none.
  func verb(_ name: String) -> Verb? { verbs.first { $0.name == name } }

  /// The options it takes.
  var options: [Option] {
    switch self {
    case .run, .demo: return [.config]
    case .check: return [.config, .json]
    case .explain: return [.config, .json, .host, .path, .method, .header, .client]
    case .help: return []
    case .version: return [.json]
    default:
      var seen: Set<Option> = []
      return verbs.flatMap(\.allOptions).filter { seen.insert($0).inserted }
    }
  }

  /// How it is written, a line each.
  var synopses: [String] {
    switch self {
    case .explain: ["explain [options]", "explain tenant ID [options]"]
    case .help: ["help [command or directive]"]
    default:
      verbs.isEmpty
        ? [options.isEmpty ? rawValue : rawValue + " [options]"] : verbs.map { rawValue + " " + $0.synopsis }
    }
  }

  /// What its exit status says.
  var exits: String {
    switch self {
    case .run, .demo: "0 clean stop, 1 bad configuration or address in use, 2 bad command line"
    case .check: "0 good, 1 errors, 2 bad command line"
    case .explain: "0 admitted (tenant: known), 3 refused, 1 bad configuration (tenant: unknown), 2 bad command line"
    case .help, .version: "0, or 2 for a bad command line"
    default: "0 done, 1 refused or nobody there, 2 bad command line"
    }
  }
}
