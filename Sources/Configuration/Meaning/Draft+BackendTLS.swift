import ConfigLanguage
import Engine
import Platform

extension Draft {
  /// How TLS is spoken to the backends of a shard.
  func tls(_ block: Directive, _ backends: [Backend], offersHTTP2: Bool) -> ShardTLS? {
    var settings = ClientTLSSettings()
    settings.offersHTTP2 = offersHTTP2
    var facts: [UInt8] = []
    if let ca = block.child("ca")?["FILE"], let bytes = read(ca) {
      settings.authorities = bytes
      facts += bytes
    }
    let name = block.child("name")?["NAME"]?.text
    settings.verifies = block.child("verify")?["SWITCH"]?.text != "off"
    if let line = block.child("certificate"), let certificate = certificate(line) {
      settings.certificate = certificate
      facts += certificate.fingerprint
    }
    checkNames(block, backends, name)
    facts += Array("\(name ?? "") \(settings.verifies) \(offersHTTP2)".utf8)
    do throws(TLSFault) {
      return ShardTLS(try ClientTLS(settings), name: name, digest: SHA256Digest.of(facts))
    } catch {
      let word = block.child("ca")?["FILE"]?.word
      diagnostics.error("\(word?.shown ?? "'tls'") \(error)", at: word?.range ?? block.range)
      return nil
    }
  }

  /// A Unix socket has no host that its backend could prove to be.
  private func checkNames(_ block: Directive, _ backends: [Backend], _ name: String?) {
    guard name == nil, block.child("verify")?["SWITCH"]?.text != "off" else { return }
    guard let socket = backends.first(where: { $0.name.hasPrefix("unix:") }) else { return }
    diagnostics.error(
      "backend '\(socket.name)' has no name that could be verified", at: block.range, suggestion: "add 'name NAME'")
  }
}
