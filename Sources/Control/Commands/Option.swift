/// An option of a command.
struct Option: Hashable, Sendable {
  /// How it is spelled, such as `--config`.
  let name: String
  /// What its value is called; `nil` when it takes none.
  let value: String?
  /// What it says, in one line.
  let summary: String

  /// The option `name`.
  init(_ name: String, _ value: String?, _ summary: String) {
    self.name = name
    self.value = value
    self.summary = summary
  }

  /// The option `name`, which takes no value.
  init(_ name: String, _ summary: String) { self.init(name, nil, summary) }

  static func == (left: Option, right: Option) -> Bool { left.name == right.name }

  func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// Every option of any command, each once.
  static var all: [Option] {
    var seen: Set<Option> = []
    return Command.allCases.flatMap(\.options).filter { seen.insert($0).inserted }
  }

  /// The option of this spelling.
  static func named(_ word: String) -> Option? {
    word == "-c" ? .config : all.first { $0.name == word }
  }

  static let config = Option(
    "--config", "FILE", "the configuration (default ./proxy.conf, then /etc/gatehouse/proxy.conf)")
  static let json = Option("--json", "print facts as JSON")
  static let host = Option("--host", "HOST", "the request's Host")
  static let path = Option("--path", "PATH", "the request's path (default /)")
  static let method = Option("--method", "METHOD", "the request's method (default GET)")
  static let header = Option("--header", "'NAME: VALUE'", "a field of the request; may be given again")
  static let client = Option("--client", "IP", "the client's address (default 127.0.0.1)")

  // What commands take that call the admin API.
  static let socket = Option(
    "--socket", "PATH", "the Unix socket of the admin API (default: as the configuration says)")
  static let address = Option("--address", "[http[s]://]HOST:PORT", "the TCP address of the admin API")
  static let tokenFile = Option("--token-file", "FILE", "a file with the token to show; a TCP address asks for one")
  static let authority = Option("--ca", "FILE", "authorities (PEM) that vouch for the address (default: the system's)")
  static let reason = Option("--reason", "TEXT", "why this is done, for the audit log")
  static let dryRun = Option("--dry-run", "only tell what would be done")
  static let limit = Option("--limit", "N", "how many are told of")
  static let tenant = Option("--tenant", "TENANT", "a tenant that this is about; may be given again")
  static let until = Option("--until", "TIME|SPAN", "until when, such as 2030-01-31T12:00:00Z or 2h")
  static let watch = Option("--watch", "tell again every two seconds, until interrupted")
  static let breakGlass = Option(
    "--break-glass", "SPAN", "seal the token: whoever uses it raises an alarm, and has it for so long")
  static let state = Option("--state", "DIR", "the folder of the state (default: as the configuration says)")
  static let actor = Option("--actor", "NAME", "only what this caller did")
  static let ifMatch = Option(
    "--if-match", "TAG", "only if the tenant is still the one of this tag (as 'tenant get' tells)")
  static let after = Option("--after", "NAME|N", "go on behind this one")
  static let action = Option("--action", "NAME", "only this action, or those that begin so: tenant.")

  // What moves and waves are told.
  static let to = Option("--to", "SHARD", "the shard that it goes to")
  static let from = Option("--from", "SHARD", "the tenants that live there")
  static let mode = Option("--mode", "MODE", "hold (default), drain or read-only")
  static let hold = Option("--hold", "SPAN", "how long requests are held at most (default 5s)")
  static let most = Option("--max", "N", "how many requests are held at most (default 1000)")
  static let mostBytes = Option("--max-bytes", "N", "how many bytes they take at most (default 16777216)")
  static let command = Option(
    "--command", "'PROGRAM WORD…'", "a program that is run while requests are held, without a shell; it must succeed")
  static let confirm = Option("--confirm", "wait, while requests are held, for 'move confirm'")
  static let deadline = Option("--deadline", "SPAN", "how long it may take in all")
  static let streams = Option("--streams", "leave|'close SPAN'", "what becomes of long streams (default 'close 60s')")
  static let guardErrors = Option(
    "--guard-errors", "PERCENT", "go back if so much more of all requests fail afterwards, such as 1%")
  static let guardP99 = Option(
    "--guard-p99", "TIMES", "go back if the slowest of 100 takes so many times as long, such as 1.5x")
  static let guardFor = Option("--guard-for", "SPAN", "how long that is watched (default 60s)")
  static let noWait = Option("--no-wait", "do not wait for the end")
  static let plan = Option("--plan", "PLAN", "of these the tenants of this plan")
  static let percent = Option("--percent", "N", "of these so many of 100")
  static let batch = Option("--batch", "N", "moves at once (default 10)")
  static let pause = Option("--pause", "SPAN", "the rest between two batches (default 1s)")
  static let failures = Option("--failures", "N", "moves that may go back before it pauses (default 0)")

  /// Options of every command that calls the admin API.
  static let ofCalls: [Option] = [.config, .socket, .address, .tokenFile, .authority, .json]
}
