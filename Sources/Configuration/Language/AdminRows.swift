import ConfigLanguage

extension GatehouseLanguage {
  /// Where the admin API is served, and to whom.
  static let adminRows: [DirectiveRow] = [
    DirectiveRow(
      in: "", "admin", [.list("ADDRESS", .word, atLeast: 1)], block: "admin", isBlockOptional: true, absent: "off",
      help: "Where the admin API is served: unix:/path, a loopback address, or any with a certificate."),
    DirectiveRow(
      in: "admin", "certificate", [.value("FILE", .word), .extra("key", "FILE", .word, isRequired: true)],
      absent: "in clear", help: "TLS with this chain and key (PEM) on its TCP addresses."),
    DirectiveRow(
      in: "admin", "client-certificate",
      [.value("NEED", .choice(["optional", "required"])), .extra("ca", "FILE", .word, isRequired: true)],
      absent: "not asked for",
      help: "Asks callers by TCP for a certificate that these authorities (PEM) vouch for, beside their token."),
    DirectiveRow(
      in: "admin", "allow-uid", [.list("UID", .count(0...4_294_967_294), atLeast: 1)], .many,
      absent: "root and the proxy's own user",
      help: "Users that may call through a Unix socket beside root and the proxy's own, as operators."),
  ]
}
