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
