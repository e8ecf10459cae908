import ConfigLanguage
import Platform
import Primitives

extension Draft {
  /// Applies the block of the admin API, whose addresses are added to the claims.
  mutating func readAdmin(_ claims: inout [Claim]) {
    guard let directive = top("admin") else { return }
    for line in directive.children("allow-uid") {
      for value in line.all("UID") { process.admin.users.insert(UInt32(value.number)) }
    }
    var isReachable = false
    for value in directive.all("ADDRESS") {
      guard let endpoint = addresses.listenAddress(value.word) else { continue }
      isReachable = isReachable || !endpoint.isUnix
      if !endpoint.isPrivate, directive.child("certificate") == nil {
        diagnostics.error(
          "the admin API would be open to the network in clear at \(value.word.shown)", at: value.word.range,
          suggestion: "take a loopback address or 'unix:/path', or add a block with 'certificate FILE key FILE'")
      }
      if claim(endpoint, "admin", value.word, &claims) { process.admin.endpoints.append(endpoint) }
    }
    readAdminTLS(directive)
    if isReachable, top("state") == nil {
      diagnostics.warn(
        "without 'state' there can be no tokens, and nobody may call the admin API by TCP", at: directive.name.range,
        suggestion: "add 'state DIR'")
    }
  }

  private mutating func readAdminTLS(_ directive: Directive) {
    guard let line = directive.child("certificate") else {
      if let child = directive.child("client-certificate") {
        diagnostics.error(
          "'client-certificate' needs a certificate", at: child.range, suggestion: "add 'certificate FILE key FILE'")
      }
      return
    }
    guard let certificate = certificate(line) else { return }
    var table = CertificateTable()
    table.add(certificate)
    var settings = ServerTLSSettings()
    readClients(directive, &settings)
    guard diagnostics.isClean else { return }
    do throws(TLSFault) {
      process.admin.tls = try ServerTLS(settings, table)
    } catch {
      diagnostics.error("TLS of the admin API \(error)", at: directive.name.range)
    }
  }
}

extension Endpoint {
  /// Whether this is a Unix socket.
  fileprivate var isUnix: Bool { if case .unix = self { true } else { false } }

  /// Whether only this machine can reach it.
  fileprivate var isPrivate: Bool {
    switch self {
    case .unix: true
    case .anyAddress: false
    case .tcp(let address, _): address.isLoopback
    }
  }
}
