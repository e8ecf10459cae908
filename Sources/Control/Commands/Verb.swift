/// One thing that a command does, such as `revoke` of `grant`: a row of the command line's schema.
struct Verb: Sendable {
  /// Its word; empty for what the command does without one.
  var name: String
  /// What stands behind it.
  var operands: [Operand] = []
  /// Its own options, beside those of every call when it calls the admin API.
  var options: [Option] = []
  /// Whether it calls the admin API.
  var isCall = true
  /// What it does, in one line.
  var summary: String
  /// Does it; returns the exit status.
  var perform: @Sendable (Invocation) throws(CommandFailure) -> Int32

  /// All options.
  var allOptions: [Option] { options + (isCall ? Option.ofCalls.filter { !options.contains($0) } : []) }

  /// How it is written behind its command.
  var synopsis: String {
    ([name].filter { !$0.isEmpty } + operands.map(\.synopsis) + ["[options]"]).joined(separator: " ")
  }
}

/// A word behind a verb that is no option.
enum Operand: Sendable {
  case one(String)
  case optional(String)
  /// Any number, in the last place.
  case many(String)

  /// How it is written.
  var synopsis: String {
    switch self {
    case .one(let name): name
    case .optional(let name): "[\(name)]"
    case .many(let name): "[\(name)…]"
    }
  }
}

/// Why a command came to nothing.
struct CommandFailure: Error, Sendable, Equatable {
  /// What to tell, without a full stop where it is a line.
  var message: String
  /// The exit status.
  var status: Int32 = 1

  init(_ message: String, status: Int32 = 1) {
    self.message = message
    self.status = status
  }
}
