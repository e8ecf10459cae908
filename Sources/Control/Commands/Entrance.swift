import Glibc

/// From the command line to the conductor, and back with an exit status.
public enum Entrance {
  /// Configurations that are looked for where none is named, in this order.
  static let defaultConfigs = ["./proxy.conf", "/etc/gatehouse/proxy.conf"]
  /// The configuration of the demo where none is named.
  static let demoConfig = "./proxy.conf.example"

  /// Does what `arguments` (with the program's name) ask for and ends the process.
  public static func enter(_ arguments: [String]) -> Never {
    do throws(Invocation.Fault) {
      let status = perform(try Invocation(Array(arguments.dropFirst())))
      fflush(nil)
      exit(status)
    } catch {
      complain(CommandHelp.text(of: error))
      complain(arguments.count > 1 ? "try 'gatehouse help'\n" : "\n\(CommandHelp.overview)\n")
      exit(2)
    }
  }

  private static func perform(_ invocation: Invocation) -> Int32 {
    switch invocation.command {
    case .version:
      print(invocation.isJSON ? Build.json : Build.text)
      return 0
    case .help:
      return help(invocation.topic)
    default:
      do throws(CommandFailure) {
        if let verb = invocation.command.verb(invocation.verb) { return try verb.perform(invocation) }
        return conduct(invocation, try configuration(of: invocation))
      } catch {
        complain("gatehouse: \(error.message)\n")
        return error.status
      }
    }
  }

  /// The configuration that a command line names, or that stands where one is looked for.
  static func configuration(of invocation: Invocation) throws(CommandFailure) -> String {
    let candidates = invocation.command == .demo ? [demoConfig] : defaultConfigs
    if let path = invocation.configPath ?? candidates.first(where: { access($0, F_OK) == 0 }) { return path }
    let places = candidates.joined(separator: " nor ")
    let neither = candidates.count > 1 ? "neither \(places) exists" : "\(places) does not exist"
    throw CommandFailure("no configuration: \(neither); name one with -c FILE")
  }

  private static func conduct(_ invocation: Invocation, _ path: String) -> Int32 {
    switch invocation.command {
    case .check: Conductor.check(configPath: path, json: invocation.isJSON)
    case .explain: Conductor.explain(invocation.question, configPath: path, json: invocation.isJSON)
    case .demo: Conductor.demo(configPath: path)
    default: Conductor.run(configPath: path)
    }
  }

  private static func help(_ topic: String?) -> Int32 {
    guard let topic else {
      print(CommandHelp.overview)
      return 0
    }
    if let command = Command(rawValue: topic) ?? Command.aliases[topic] {
      print(CommandHelp.text(of: command))
      return 0
    }
    switch topic {
    case CompletionScript.topic: print(CompletionScript.text, terminator: "")
    case ManualPage.topic: print(ManualPage.text, terminator: "")
    default: return Conductor.help(on: topic)
    }
    return 0
  }

  /// Has what was printed seen now.
  static func flush() { fflush(nil) }

  /// Writes to standard error.
  static func complain(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
  }
}
