import ConfigLanguage
import Engine
import FoundationEssentials
import Platform
import Primitives

extension Draft {
  /// Applies the block of a listener.
  mutating func readListener(_ directive: Directive, _ listener: inout Listener) {
    listener.redirects = directive.child("redirect") != nil
    listener.announcers =
      directive.child("proxy-protocol")?.all("NETWORK").compactMap { addresses.network($0.word) } ?? []
    var table = CertificateTable()
    for line in directive.children("certificate") {
      if let certificate = certificate(line) {
        table.add(certificate)
        if let fault = certificate.stapleFault, let file = line["ocsp"] {
          diagnostics.warn("\(file.word.shown) \(fault), and is not shown", at: file.word.range)
        }
      }
    }
    listener.protocols = protocols(directive)
    let folder = folder(directive.child("certificates")?["DIR"])
    guard directive.child("certificate") != nil || directive.child("certificates") != nil else {
      return refuseLonely(directive)
    }
    var settings = ServerTLSSettings()
    readVersions(directive, &settings)
    if let words = directive.child("protocols")?.all("PROTOCOL") { settings.protocols = words.map(\.text) }
    if let ciphers = directive.child("tls-ciphers")?["LIST"] { settings.ciphers = ciphers.text }
    if let suites = directive.child("tls-ciphersuites")?.all("SUITE") {
      settings.suites = suites.map(\.text).joined(separator: ":")
    }
    settings.tickets = ticketKeys(directive.child("tls-tickets"))
    checkCiphers(directive, settings)
    readClients(directive, &settings)
    readStrictness(directive, &settings)
    guard diagnostics.isClean else { return }
    do throws(TLSFault) {
      listener.tls = try ServerTLS(settings, table, folder: folder)
    } catch {
      diagnostics.error("TLS of this listener \(error)", at: directive.range)
    }
  }

  /// Says that TLS was meant where there is no certificate.
  private func refuseLonely(_ directive: Directive) {
    let names = ["tls-versions", "tls-ciphers", "tls-ciphersuites", "tls-tickets", "client-certificate", "hsts"]
    for child in directive.children where names.contains(child.row.name) {
      diagnostics.error(
        "'\(child.row.name)' needs a certificate", at: child.range, suggestion: "add 'certificate FILE key FILE'")
    }
  }

  /// The folder that a value names, looked through; one that is in use already is used on.
  private mutating func folder(_ value: Value?) -> CertificateFolder? {
    guard let value else { return nil }
    let path = SourceAccess.path(value.text, besides: name(of: value.word))
    do throws(SystemError) {
      let folder: CertificateFolder
      if let known = folders[path] { folder = known } else { folder = try CertificateFolder(path: path) }
      folders[path] = folder
      let (diagnostics, range) = (diagnostics, value.word.range)
      let warn = { (finding: CertificateFolder.Finding) in
        diagnostics.warn("\(Word.shown(finding.path)) \(finding.reason)", at: range)
      }
      try folder.scan().forEach(warn)
      folder.review(readingAll: readsAllCertificates, onFinding: warn) { path, certificate in
        checkValidity(certificate, Word.shown(path), at: range)
      }
      return folder
    } catch {
      diagnostics.error("\(value.word.shown) can't be watched: \(error)", at: value.word.range)
      return nil
    }
  }

  func readClients(_ directive: Directive, _ settings: inout ServerTLSSettings) {
    guard let line = directive.child("client-certificate"), let need = line["NEED"], let ca = line["ca"] else { return }
    guard let bytes = read(ca) else { return }
    settings.clientCertificates = need.text == "required" ? .required : .optional
    settings.authorities = bytes
    var probe = ClientTLSSettings()
    probe.authorities = bytes
    do throws(TLSFault) {
      _ = try ClientTLS(probe)
    } catch {
      diagnostics.error("\(ca.word.shown) \(error)", at: ca.word.range)
    }
  }

  private func readStrictness(_ directive: Directive, _ settings: inout ServerTLSSettings) {
    guard let line = directive.child("hsts"), let time = line["TIME"] else { return }
    let options = line.all("OPTION")
    let hasSubdomains = options.contains { $0.text == "include-subdomains" }
    let preload = options.first { $0.text == "preload" }
    settings.strictTransport =
      "max-age=\(time.number / .second)" + (hasSubdomains ? "; includeSubDomains" : "")
      + (preload != nil ? "; preload" : "")
    // What the lists that browsers are built with ask for.
    guard let preload, !hasSubdomains || time.number < 365 * 86_400 * .second else { return }
    diagnostics.warn(
      "browsers preload a name only with 'include-subdomains' and at least 365d", at: preload.word.range)
  }

  /// Says that requests are sent on to a listener that isn't there.
  func checkRedirects(_ blueprint: Blueprint) {
    let isSecure = blueprint.listeners.contains { $0.tls != nil }
    for directive in all("listen") {
      guard let redirect = directive.child("redirect") else { continue }
      if directive.child("certificate") != nil || directive.child("certificates") != nil {
        diagnostics.error("this listener is the https one itself", at: redirect.range)
      } else if !isSecure, diagnostics.isClean {
        diagnostics.error("no listener has a certificate", at: redirect.range)
      }
    }
  }

  private func readVersions(_ directive: Directive, _ settings: inout ServerTLSSettings) {
    let versions = directive.child("tls-versions")?.all("VERSION").map(\.text) ?? []
    guard !versions.isEmpty else { return }
    settings.versions =
      (versions.contains("1.2") ? .v12 : .v13)...(versions.contains("1.3") ? .v13 : .v12)
  }

  /// Names the line whose cipher suites OpenSSL doesn't know.
  private func checkCiphers(_ directive: Directive, _ settings: ServerTLSSettings) {
    for name in ["tls-ciphers", "tls-ciphersuites"] {
      guard let line = directive.child(name), let first = line.values.first, let last = line.values.last else {
        continue
      }
      var probe = ServerTLSSettings()
      if name == "tls-ciphers" { probe.ciphers = settings.ciphers } else { probe.suites = settings.suites }
      do throws(TLSFault) {
        _ = try ServerTLS(probe, CertificateTable())
      } catch {
        diagnostics.error(
          "this choice of cipher suites \(error)", at: first.word.range.through(last.word.range))
      }
    }
  }

  private mutating func ticketKeys(_ directive: Directive?) -> TicketKeys? {
    guard let value = directive?.values.first else {
      if directive == nil, tickets == nil { tickets = TicketKeys() }
      return directive == nil ? tickets : nil
    }
    if value.text == "off" { return nil }
    guard let bytes = read(value) else { return nil }
    do throws(TLSFault) {
      return try TicketKeys(file: bytes)
    } catch {
      diagnostics.error("\(value.word.shown) \(error)", at: value.word.range)
      return nil
    }
  }

  /// The certificate and key of a line; says what is wrong with them otherwise.
  func certificate(_ line: Directive) -> Certificate? {
    guard let file = line["FILE"], let keyFile = line["key"] else { return nil }
    guard let chain = read(file), let key = read(keyFile) else { return nil }
    let staple = line["ocsp"].flatMap(read)
    do throws(TLSFault) {
      let certificate = try Certificate(chain: chain, key: key, staple: staple)
      checkValidity(certificate, file.word.shown, at: file.word.range)
      return certificate
    } catch {
      let word = error.isOfKey ? keyFile.word : file.word
      diagnostics.error("\(word.shown) \(error)", at: word.range)
      return nil
    }
  }

  private func checkValidity(_ certificate: Certificate, _ file: String, at range: SourceRange) {
    let now = Clock.wall() / .second
    let days = { (seconds: Int64) in
      Date(timeIntervalSince1970: Double(seconds)).ISO8601Format(.iso8601.year().month().day())
    }
    if now > certificate.expiry {
      diagnostics.warn("\(file) has expired on \(days(certificate.expiry))", at: range)
    } else if now < certificate.start {
      diagnostics.warn("\(file) is good from \(days(certificate.start)) on only", at: range)
    }
  }

  /// The bytes of the file that a value names, as seen from the file that says so.
  func read(_ value: Value) -> [UInt8]? {
    switch access.read(SourceAccess.path(value.text, besides: name(of: value.word))) {
    case .bytes(let bytes): return bytes
    case .failed(let reason):
      diagnostics.error("\(value.word.shown) can't be read: \(reason)", at: value.word.range)
      return nil
    }
  }
}
