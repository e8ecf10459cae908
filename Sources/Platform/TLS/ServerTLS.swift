import COpenSSL

/// A version of TLS.
public enum TLSVersion: Int32, Sendable, Comparable {
  case v12 = 0x0303
  case v13 = 0x0304

  /// By age.
  public static func < (lhs: TLSVersion, rhs: TLSVersion) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// What a listener asks of its clients' certificates.
public enum ClientCertificates: Sendable, Equatable {
  /// Nothing.
  case ignored
  /// One that a given authority vouches for, if there is one at all.
  case optional
  /// One that a given authority vouches for.
  case required
}

/// How a listener speaks TLS.
public struct ServerTLSSettings: Sendable {
  /// The oldest and the newest version.
  public var versions: ClosedRange<TLSVersion> = .v12 ... .v13
  /// Cipher suites of TLS 1.2 in OpenSSL's notation: Mozilla's intermediate ones that keep secrets forward.
  public var ciphers = """
    ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
    """
  /// Cipher suites of TLS 1.3.
  public var suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  /// Protocols offered by ALPN, the preferred one first.
  public var protocols = ["http/1.1"]
  /// Keys of tickets; `nil` gives none out.
  public var tickets: TicketKeys?
  /// What clients are asked for.
  public var clientCertificates = ClientCertificates.ignored
  /// Certificates of the authorities that may vouch for clients, PEM.
  public var authorities: [UInt8] = []

  /// What each answer tells of coming by TLS only, a value of `Strict-Transport-Security`; empty tells nothing.
  public var strictTransport = ""

  /// The settings of the language's defaults, without tickets.
  public init() {}
}

/// One listener's side of TLS: settings and certificates; any thread may use it.
public final class ServerTLS: @unchecked Sendable {
  // Unchecked: OpenSSL locks its contexts itself, and the rest is immutable.
  private static let newGroups = "X25519MLKEM768:X25519:P-256:P-384"
  private static let groups = "X25519:P-256:P-384"

  let context: OpaquePointer
  let tickets: TicketKeys?
  /// Whether clients are asked for certificates.
  let asksClients: Bool
  private let certificates: CertificateTable
  /// The directory that certificates are looked up in as well.
  public let folder: CertificateFolder?
  private let protocols: [UInt8]
  /// Whether a client must agree on a protocol: HTTP/1.1, which goes without saying, is not spoken.
  let needsProtocol: Bool
  /// The whole line of `Strict-Transport-Security`, empty when there is none; lives as long as this.
  let strictTransport: UnsafeBufferPointer<UInt8>

  /// A side that chooses among `certificates`, then those in `folder`.
  public init(
    _ settings: ServerTLSSettings, _ certificates: CertificateTable, folder: CertificateFolder? = nil
  ) throws(TLSFault) {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw .takeRefusal() }
    self.context = context
    tickets = settings.tickets
    asksClients = settings.clientCertificates != .ignored
    self.certificates = certificates
    self.folder = folder
    protocols = settings.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    needsProtocol = !settings.protocols.contains("http/1.1")
    strictTransport = ServerTLS.line(settings.strictTransport)
    openssl_set_versions(context, settings.versions.lowerBound.rawValue, settings.versions.upperBound.rawValue)
    openssl_set_modes(context)
    openssl_set_session_cache(context, Int(SSL_SESS_CACHE_OFF))
    openssl_forbid_renegotiation(context)
    if openssl_set_groups(context, ServerTLS.newGroups) != 1 { _ = openssl_set_groups(context, ServerTLS.groups) }
    ERR_clear_error()
    guard SSL_CTX_set_cipher_list(context, settings.ciphers) == 1 else { throw .takeRefusal() }
    guard SSL_CTX_set_ciphersuites(context, settings.suites) == 1 else { throw .takeRefusal() }
    setTickets()
    try setClients(settings)
    SSL_CTX_set_client_hello_cb(context, noteServerName, nil)
    SSL_CTX_set_cert_cb(context, chooseCertificate, nil)
    SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nil)
    openssl_show_staples(context, showStaple)
  }

  deinit {
    SSL_CTX_free(context)
    strictTransport.deallocate()
  }

  private static func line(_ value: String) -> UnsafeBufferPointer<UInt8> {
    guard !value.isEmpty else { return UnsafeBufferPointer(start: nil, count: 0) }
    let line = Array("Strict-Transport-Security: \(value)\r\n".utf8)
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: line.count)
    _ = memory.initialize(from: line)
    return UnsafeBufferPointer(memory)
  }

  private func setTickets() {
    guard tickets != nil else { return openssl_forbid_tickets(context) }
    _ = SSL_CTX_set_num_tickets(context, 1)
    _ = SSL_CTX_set_timeout(context, Int(TicketKeys.lifetime))
    _ = SSL_CTX_set_tlsext_ticket_key_evp_cb(context, useTicketKey)
  }

  private func setClients(_ settings: ServerTLSSettings) throws(TLSFault) {
    // Tickets are good wherever clients are asked for the same, and nowhere else.
    var group = Array("\(settings.clientCertificates)".utf8) + settings.authorities
    group = SHA256Digest.of(group)
    _ = SSL_CTX_set_session_id_context(context, group, UInt32(group.count))
    guard settings.clientCertificates != .ignored else { return }
    try Authorities.trust(settings.authorities, in: context)
    try Authorities.announce(settings.authorities, in: context)
    openssl_verify_peer(context, settings.clientCertificates == .required ? 1 : 0)
  }

  /// The certificates for a server name; `nil` is a client that names none.
  fileprivate func lookup(_ name: String?, waking waker: Int32) -> CertificateLookup {
    if let name {
      if let choice = certificates.choice(for: name) { return .found(choice) }
      switch folder?.lookup(name, waking: waker) ?? .none {
      case .none: break
      case let outcome: return outcome
      }
    }
    if !certificates.fallback.isEmpty { return .found(certificates.fallback) }
    return folder?.fallback(waking: waker) ?? .none
  }

  /// All certificates in use, without those of a folder that are not loaded.
  public var loaded: [Certificate] { certificates.all + (folder?.loaded ?? []) }

  /// Picks our most preferred protocol of those a client offers, each with its length before it.
  fileprivate func select(
    _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>, _ count: UnsafeMutablePointer<UInt8>,
    _ offered: UnsafePointer<UInt8>, _ offeredCount: UInt32
  ) -> Bool {
    var ours = 0
    while ours < protocols.count {
      let length = Int(protocols[ours])
      var place = 0
      while place < Int(offeredCount) {
        let theirs = Int(offered[place])
        guard place + theirs < Int(offeredCount) else { return false }
        if theirs == length, (1...length).allSatisfy({ offered[place + $0] == protocols[ours + $0] }) {
          selected.pointee = offered + place + 1
          count.pointee = UInt8(length)
          return true
        }
        place += theirs + 1
      }
      ours += length + 1
    }
    return false
  }
}

/// Gives a connection the certificates of the name it asks for (`SSL_CTX_set_cert_cb`): 1 goes on, 0 gives up, -1 has
/// it called again when the handshake is gone on with.
private func chooseCertificate(_ ssl: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
  guard let ssl, let server = TLSChannel.server(of: ssl) else { return 0 }
  switch server.lookup(TLSChannel.serverName(of: ssl), waking: TLSChannel.waker(of: ssl)) {
  case .loading: return -1
  case .overloaded: return 0
  case .none: return 1
  case .found(let choice):
    for certificate in choice {
      guard SSL_use_cert_and_key(ssl, certificate.leaf, certificate.key, certificate.chain, 1) == 1 else { return 0 }
    }
    return 1
  }
}

/// Answers a client's list of protocols (`SSL_CTX_set_alpn_select_cb`).
private func chooseProtocol(
  _ ssl: OpaquePointer?, _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ count: UnsafeMutablePointer<UInt8>?,
  _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32, _ unused: UnsafeMutableRawPointer?
) -> Int32 {
  guard let server = TLSChannel.server(of: ssl), let selected, let count, let offered else {
    return SSL_TLSEXT_ERR_NOACK
  }
  let isFound = server.select(selected, count, offered, offeredCount)
  return isFound ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
}
