import Configuration
import Engine
import Foundation
import Testing

/// What the block of a listener may say, and what is wrong with it.
@Suite struct DraftListenerTests {
  private func text(_ block: String...) -> String {
    "shard s {\n  backend 127.0.0.1:9001\n}\nlisten 127.0.0.1:0 {\n" + block.map { "  \($0)\n" }.joined() + "}\n"
  }

  @Test func aPlainListenerHasNoTLS() throws {
    #expect(try load(leastText).blueprint.listeners[0].tls == nil)
    #expect(try load(text()).blueprint.listeners[0].tls == nil)
  }

  @Test func settingsOfTLSNeedACertificate() throws {
    for line in ["tls-versions 1.3", "tls-tickets off", "tls-ciphers HIGH"] {
      let name = line.split(separator: " ")[0]
      #expect(try errors(text(line)) == ["5:3 '\(name)' needs a certificate"])
    }
  }

  @Test func filesThatAreNone() throws {
    let files = ["a.pem": "nothing", "a.key": "nothing"]
    #expect(
      try errors(text("certificate b.pem key a.key"), files: files)
        == ["5:15 'b.pem' can't be read: no such file"])
    #expect(
      try errors(text("certificate a.pem key a.key"), files: files)
        == ["5:15 'a.pem' holds no certificate in PEM form"])
  }

  @Test func cipherSuitesThatNobodyKnows() throws {
    let found = try errors(
      text("certificate b.pem key a.key", "tls-ciphers nonsense", "tls-ciphersuites TLS_NONE TLS_NOTHING"))
    #expect(found.count == 3)
    #expect(found[1].hasPrefix("6:15 this choice of cipher suites is refused by OpenSSL: no cipher match"))
    #expect(found[2].hasPrefix("7:20 this choice of cipher suites is refused by OpenSSL: "))
  }

  @Test func ticketKeysThatAreTooShort() throws {
    let found = try errors(
      text("certificate b.pem key a.key", "tls-tickets t.key"), files: ["t.key": "short"])
    #expect(found.last == "6:15 't.key' holds no keys of tickets: 80 random bytes each, 1 to 16 of them")
  }
}
