import ConfigLanguage

extension GatehouseLanguage {
  /// What the block `overload` may say.
  static let overloadRows: [DirectiveRow] = [
    DirectiveRow(
      in: "", "overload", block: "overload", absent: "nothing is watched",
      help: "From where on connections are refused, then sheddable requests, then all but critical ones."),
    DirectiveRow(
      in: "overload", "memory",
      [.value("PERCENT", .percent(1...99)), .extra("of", "SIZE", .size((1 << 20)...(1 << 50)))], absent: "not watched",
      help: "Of what the machine or the control group allows, or of so much."),
    DirectiveRow(
      in: "overload", "descriptors", [.value("PERCENT", .percent(1...99))], absent: "not watched",
      help: "Of those that the process may open."),
    DirectiveRow(
      in: "overload", "loop-lag", [.value("TIME", .duration(1_000_000...60_000_000_000))], absent: "not watched",
      help: "How long a worker may be busy before it looks at what has come meanwhile."),
  ]
}
