import ConfigLanguage

extension GatehouseLanguage {
  /// What the block `h2` may say.
  static let http2Rows: [DirectiveRow] = [
    DirectiveRow(
      in: "h2", "streams", [.value("N", .count(1...1000))], absent: "128", help: "Requests of a connection at once."),
    DirectiveRow(
      in: "h2", "resets", [.value("RATE", .rate(1...1_000_000))], absent: "100/10s",
      help: "Streams that a client resets, or makes the proxy reset; over it the connection ends."),
  ]
}
