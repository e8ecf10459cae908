import Testing

@testable import Control

@Suite struct InvocationTests {
  @Test(arguments: [
    ("run", Command.run), ("check", .check), ("-t", .check), ("explain", .explain), ("demo", .demo), ("help", .help),
    ("version", .version), ("-V", .version), ("--version", .version),
  ])
  func everyCommandHasItsSpellings(word: String, command: Command) throws {
    #expect(try Invocation([word]).command == command)
  }

  @Test(arguments: [
    ["run", "-c", "a.conf"], ["run", "--config", "a.conf"], ["run", "--config=a.conf"], ["-c", "a.conf", "run"],
    ["run", "-c", "b.conf", "-c", "a.conf"],
  ])
  func theConfigurationMayStandAnywhere(words: [String]) throws {
    let invocation = try Invocation(words)
    #expect(invocation.command == .run)
    #expect(invocation.configPath == "a.conf")
  }

  @Test func checkAndVersionPrintJSON() throws {
    #expect(try Invocation(["-t", "--json", "-c", "x"]).isJSON)
    #expect(try Invocation(["version", "--json"]).isJSON)
    #expect(try !Invocation(["version"]).isJSON)
  }

  @Test func explainTakesTheFactsOfARequest() throws {
    let words = ["explain", "--host", "a.example", "--path", "/x?y=1", "--method", "POST", "--client", "10.0.0.1"]
    let fields = ["--header", "X-Tenant-ID: acme", "--header=Accept:text/html"]
    let question = try Invocation(words + fields).question
    #expect(question.tenant == nil)
    #expect(question.host == "a.example")
    #expect(question.path == "/x?y=1")
    #expect(question.method == "POST")
    #expect(question.client == "10.0.0.1")
    #expect(question.fields.map(\.name) == ["X-Tenant-ID", "Accept"])
    #expect(question.fields.map(\.value) == ["acme", "text/html"])
  }

  @Test func explainTakesATenant() throws {
    let invocation = try Invocation(["explain", "tenant", "acme", "--json"])
    #expect(invocation.question.tenant == "acme")
    #expect(invocation.isJSON)
  }

  @Test(
    arguments: [
      (["-h"], nil), (["--help"], nil), (["help"], nil), (["run", "-h"], "run"), (["-h", "check"], "check"),
      (["help", "listen"], "listen"), (["help", "-h"], nil), (["run", "--help", "--json"], "run"),
    ] as [([String], String?)])
  func helpIsNeverAnError(words: [String], topic: String?) throws {
    let invocation = try Invocation(words)
    #expect(invocation.command == .help)
    #expect(invocation.topic == topic)
  }

  @Test(
    arguments: [
      ([], "no command given", nil),
      (["chekc"], "unknown command 'chekc'", "check"),
      (["frobnicate"], "unknown command 'frobnicate'", nil),
      (["run", "--confg", "x"], "unknown option '--confg'", "--config"),
      (["run", "--zzz"], "unknown option '--zzz'", nil),
      (["run", "--json"], "'run' has no option '--json'", nil),
      (["demo", "--host", "x"], "'demo' has no option '--host'", nil),
      (["run", "-c"], "'-c' needs a value: -c FILE", nil),
      (["run", "-c", ""], "'--config' needs a value that is not empty", nil),
      (["check", "--json=yes"], "'--json' takes no value", nil),
      (["run", "now"], "'run' takes no 'now'", nil),
      (["help", "a", "b"], "'help' takes no 'b'", nil),
      (["explain", "--header", "none"], "a field is given as 'NAME: VALUE', not 'none'", nil),
      (["explain", "--header", ": v"], "a field is given as 'NAME: VALUE', not ': v'", nil),
      (["explain", "tenant"], "write 'explain tenant ID'", nil),
      (["explain", "tenant", "a", "b"], "write 'explain tenant ID'", nil),
      (["explain", "tennant", "a"], "'explain' takes options, or 'tenant ID'; not 'tennant'", "tenant"),
      (["explain", "tenant", "a", "--host", "b"], "'explain tenant ID' takes no facts of a request", nil),
      (["relaod"], "unknown command 'relaod'", "reload"),
    ] as [([String], String, String?)])
  func aBadCommandLineIsExplained(words: [String], message: String, suggestion: String?) {
    #expect(throws: Invocation.Fault(message: message, suggestion: suggestion)) { try Invocation(words) }
  }

  @Test func helpNamesEveryCommandAndOption() {
    for command in Command.allCases {
      #expect(CommandHelp.overview.contains("  \(command.rawValue) "))
      for option in command.options { #expect(CommandHelp.text(of: command).contains(option.name)) }
    }
  }

  @Test func aFaultIsOneLineWithItsSuggestion() {
    let fault = Invocation.Fault(message: "unknown command 'chekc'", suggestion: "check")
    #expect(CommandHelp.text(of: fault) == "gatehouse: unknown command 'chekc'; did you mean 'check'?\n")
  }
}
