import ConfigLanguage

extension GatehouseLanguage {
  /// What the block of a listener may say.
  static let listenRows: [DirectiveRow] = [
    DirectiveRow(
      in: "listen", "certificate",
      [
        .value("FILE", .word), .extra("key", "FILE", .word, isRequired: true), .extra("ocsp", "FILE", .word),
      ], .many, absent: "no TLS",
      help: "TLS with this chain and key (PEM), and an OCSP answer (DER); SNI picks, the first is the default."),
    DirectiveRow(
      in: "listen", "certificates", [.value("DIR", .word)],
      help: "A directory of NAME.pem, NAME.key and maybe NAME.ocsp, watched: what changes is in use within a second."),
    DirectiveRow(
      in: "listen", "protocols", [.list("PROTOCOL", .choice(["h2", "http/1.1"]), atLeast: 1)], absent: "http/1.1",
      help: "What is spoken, the preferred one first: by ALPN with TLS, in clear h2 is told by a client's first bytes."),
    DirectiveRow(
      in: "listen", "tls-versions", [.list("VERSION", .choice(["1.2", "1.3"]), atLeast: 1)], absent: "1.2 1.3",
      help: "Versions of TLS."),
    DirectiveRow(
      in: "listen", "tls-ciphers", [.value("LIST", .word)], absent: "Mozilla's intermediate ones",
      help: "Cipher suites of TLS 1.2, in OpenSSL's notation."),
    DirectiveRow(
      in: "listen", "tls-ciphersuites", [.list("SUITE", .word, atLeast: 1)], absent: "those of RFC 8446",
      help: "Cipher suites of TLS 1.3, by name."),
    DirectiveRow(
      in: "listen", "tls-tickets", [.value("FILE|off", .word)], absent: "keys made in memory, replaced each hour",
      help: "Keys of session tickets, 80 random bytes each: the first is given out, all are honoured; share it."),
    DirectiveRow(
      in: "listen", "client-certificate",
      [.value("NEED", .choice(["optional", "required"])), .extra("ca", "FILE", .word, isRequired: true)],
      absent: "not asked for", help: "Asks clients for a certificate that these authorities (PEM) vouch for."),
    DirectiveRow(
      in: "listen", "hsts",
      [
        .value("TIME", .duration(0...315_360_000_000_000_000)),
        .list("OPTION", .choice(["include-subdomains", "preload"]), atLeast: 0),
      ], absent: "nothing is said",
      help: "Tells browsers to come by TLS only for so long (Strict-Transport-Security), unless the backend does."),
    DirectiveRow(
      in: "listen", "redirect", [.keyword("https")], absent: "no",
      help: "Answers 308 to the same target on the first listener that has a certificate."),
    DirectiveRow(
      in: "listen", "proxy-protocol", [.keyword("from"), .list("NETWORK", .word, atLeast: 1)], absent: "from nobody",
      help: "Peers that say first whom they speak for (PROXY protocol 1 and 2), and must; nobody else may."),
  ]

  /// What the block `tls` of a shard may say.
  static let backendTLSRows: [DirectiveRow] = [
    DirectiveRow(
      in: "tls", "ca", [.value("FILE", .word)], absent: "the system's",
      help: "Authorities (PEM) that may vouch for the backends."),
    DirectiveRow(
      in: "tls", "name", [.value("NAME", .word)], absent: "the backend's host",
      help: "What backends are asked for by (SNI), and must prove to be."),
    DirectiveRow(
      in: "tls", "verify", [.value("SWITCH", .choice(["on", "off"]))], absent: "on",
      help: "Whether backends must prove who they are."),
    DirectiveRow(
      in: "tls", "certificate", [.value("FILE", .word), .extra("key", "FILE", .word, isRequired: true)],
      absent: "none", help: "What backends are shown when they ask."),
  ]
}
