import ConfigLanguage

/// What a command line asks for.
public struct Invocation: Sendable, Equatable {
  /// The command.
  public var command: Command
  /// The file named by `-c`, if one was.
  public var configPath: String?
  /// Whether facts are wanted as JSON.
  public var isJSON = false
  /// What `explain` is to explain.
  public var question = ExplainQuestion()
  /// The word behind a command that has several to choose from, such as `revoke` behind `grant`; empty when there is none.
  public var verb = ""
  /// The words behind it that are no options.
  public var operands: [String] = []
  /// What options of commands with verbs were given, in order.
  var given: [Given] = []
  /// What `help` is wanted on; for other commands with `-h`, their own name.
  public var topic: String?

  /// An option and its value, empty for one that takes none.
  struct Given: Sendable, Equatable {
    var option: Option
    var value: String
  }

  /// A bad command line, in the operator's words.
  public struct Fault: Error, Equatable {
    /// What is wrong.
    public var message: String
    /// What was probably meant.
    public var suggestion: String?
  }

  /// Reads the arguments after the program's name.
  public init(_ arguments: [String]) throws(Fault) {
    var words = arguments[...]
    var early: [(Option, String)] = []
    var found: Command?
    var positional: [String] = []
    var wantsHelp = false
    while let word = words.popFirst() {
      if word == "-h" || word == "--help" {
        wantsHelp = true
      } else if found == nil, let command = Command(rawValue: word) ?? Command.aliases[word] {
        found = command
      } else if word.hasPrefix("-"), word != "-" {
        early.append(try Invocation.option(word, &words, of: found))
      } else if found == nil {
        let names = Command.allCases.map(\.rawValue)
        throw Fault(message: "unknown command '\(word)'", suggestion: Suggestion.nearest(to: word, among: names))
      } else {
        positional.append(word)
      }
    }
    if wantsHelp {
      command = .help
      topic = found.flatMap { $0 == .help ? positional.first : $0.rawValue }
      return
    }
    guard let found else { throw Fault(message: "no command given") }
    command = found
    if !command.verbs.isEmpty { try takeVerb(positional) }
    for (option, value) in early { try apply(option, value) }
    if command.verbs.isEmpty { try take(positional) }
  }

  /// The value of an option that was given, the last one if it was again.
  func value(_ option: Option) -> String? { given.last { $0.option == option }?.value }

  /// The values of an option that may be given again.
  func values(_ option: Option) -> [String] { given.filter { $0.option == option }.map(\.value) }

  /// Whether an option was given.
  func has(_ option: Option) -> Bool { given.contains { $0.option == option } }

  /// Reads one option and its value, `--name VALUE` or `--name=VALUE`.
  private static func option(
    _ word: String, _ words: inout ArraySlice<String>, of command: Command?
  ) throws(Fault) -> (Option, String) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = Option.named(name) else {
      let known = (command?.options ?? Option.all).map(\.name) + ["--help"]
      throw Fault(message: "unknown option '\(name)'", suggestion: Suggestion.nearest(to: name, among: known))
    }
    guard let valueName = option.value else {
      if parts.count > 1 { throw Fault(message: "'\(name)' takes no value") }
      return (option, "")
    }
    if parts.count > 1 { return (option, String(parts[1])) }
    guard let value = words.popFirst() else { throw Fault(message: "'\(name)' needs a value: \(name) \(valueName)") }
    return (option, value)
  }

  private mutating func apply(_ option: Option, _ value: String) throws(Fault) {
    let name = verb.isEmpty ? command.rawValue : "\(command.rawValue) \(verb)"
    guard (command.verb(verb)?.allOptions ?? command.options).contains(option) else {
      throw Fault(message: "'\(name)' has no option '\(option.name)'")
    }
    if option.value != nil, option != .path, value.isEmpty {
      throw Fault(message: "'\(option.name)' needs a value that is not empty")
    }
    given.append(Given(option: option, value: value))
    switch option {
    case .config: configPath = value
    case .json: isJSON = true
    case .host: question.host = value
    case .path: question.path = value
    case .method: question.method = value
    case .client: question.client = value
    case .header:
      guard let colon = value.firstIndex(of: ":"), colon > value.startIndex else {
        throw Fault(message: "a field is given as 'NAME: VALUE', not '\(value)'")
      }
      let text = value[value.index(after: colon)...].drop { $0 == " " }
      question.fields.append(ExplainQuestion.Field(name: String(value[..<colon]), value: String(text)))
    default: break
    }
  }

  private mutating func take(_ positional: [String]) throws(Fault) {
    switch (command, positional.count) {
    case (_, 0): return
    case (.help, 1): topic = positional[0]
    case (.explain, 1...) where positional[0] == "tenant":
      guard positional.count == 2 else { throw Fault(message: "write 'explain tenant ID'") }
      guard !question.isAboutRequest else { throw Fault(message: "'explain tenant ID' takes no facts of a request") }
      question.tenant = positional[1]
    case (.explain, _):
      let nearest = Suggestion.nearest(to: positional[0], among: ["tenant"])
      throw Fault(message: "'explain' takes options, or 'tenant ID'; not '\(positional[0])'", suggestion: nearest)
    default: throw Fault(message: "'\(command.rawValue)' takes no '\(positional[command == .help ? 1 : 0])'")
    }
  }
}

extension Invocation {
  /// Takes the verb of a command that has some, and the words behind it.
  private mutating func takeVerb(_ positional: [String]) throws(Fault) {
    let names = command.verbs.map(\.name).filter { !$0.isEmpty }
    var words = positional[...]
    if !names.isEmpty {
      // What a command does without a verb may be about the first word.
      let isAboutWord = !(command.verb("")?.operands.isEmpty ?? true)
      if let word = words.first, !isAboutWord || names.contains(word) {
        words.removeFirst()
        guard names.contains(word) else {
          let nearest = Suggestion.nearest(to: word, among: names)
          throw Fault(message: "'\(command.rawValue)' knows no '\(word)'", suggestion: nearest)
        }
        verb = word
      } else if command.verb("") == nil {
        throw Fault(message: "'\(command.rawValue)' needs one of \(names.joined(separator: ", "))")
      }
    }
    operands = Array(words)
    guard let verb = command.verb(verb) else { return }
    let usage = "write '\(command.rawValue) \(verb.synopsis)'"
    var least = 0
    var most = 0
    for operand in verb.operands {
      switch operand {
      case .one: (least, most) = (least + 1, most + 1)
      case .optional: most += 1
      case .many: most = .max
      }
    }
    guard operands.count >= least else { throw Fault(message: usage) }
    guard operands.count <= most else {
      throw Fault(message: most == 0 ? "'\(command.rawValue)' takes no '\(operands[0])'" : usage)
    }
    guard operands.allSatisfy({ !$0.isEmpty }) else { throw Fault(message: usage) }
  }
}

/// What `explain` is to explain: a tenant, or a request.
public struct ExplainQuestion: Sendable, Equatable {
  /// One field of the request.
  public struct Field: Sendable, Equatable {
    /// Its name, as given.
    public var name: String
    /// Its value, as given.
    public var value: String
  }

  /// The tenant to explain; `nil` asks about a request.
  public var tenant: String?
  /// The request's Host, if one is given.
  public var host: String?
  /// The request's path and query.
  public var path = "/"
  /// The request's method.
  public var method = "GET"
  /// More fields, in order.
  public var fields: [Field] = []
  /// The client's address.
  public var client = "127.0.0.1"

  /// A plain request for `/`.
  public init() {}

  /// Whether any fact of a request differs from the default.
  var isAboutRequest: Bool { self != ExplainQuestion() }
}
