import COpenSSL

/// How TLS is spoken to the backends of a shard.
public struct ClientTLSSettings: Sendable {
  /// Certificates of the authorities that may vouch for backends, PEM; `nil` trusts those of the system.
  public var authorities: [UInt8]?
  /// Whether what a backend shows is verified.
  public var verifies = true
  /// What backends are shown when they ask.
  public var certificate: Certificate?
  /// Whether HTTP/2 is offered by ALPN, and nothing else; otherwise nothing is.
  public var offersHTTP2 = false

  /// Verification by the system's authorities, with nothing to show.
  public init() {}
}

/// Our side of TLS towards the backends of a shard; any thread may use it.
public final class ClientTLS: @unchecked Sendable {
  // Unchecked: OpenSSL locks its contexts itself, and nothing changes after `init`.
  let context: OpaquePointer
  let verifies: Bool

  /// A side that connects by these settings.
  public init(_ settings: ClientTLSSettings) throws(TLSFault) {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw .takeRefusal() }
    self.context = context
    verifies = settings.verifies
    openssl_set_versions(context, TLSVersion.v12.rawValue, TLSVersion.v13.rawValue)
    openssl_set_modes(context)
    openssl_forbid_renegotiation(context)
    openssl_set_session_cache(context, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
    SSL_CTX_sess_set_new_cb(context, keepSession)
    if settings.verifies { openssl_verify_peer(context, 1) } else { openssl_verify_nothing(context) }
    if let authorities = settings.authorities {
      try Authorities.trust(authorities, in: context)
    } else if settings.verifies {
      guard SSL_CTX_set_default_verify_paths(context) == 1 else { throw .takeRefusal() }
    }
    if settings.offersHTTP2 {
      let offer: StaticString = "\u{2}h2"
      // Unlike others of its kind this one answers 0 when it is content.
      guard SSL_CTX_set_alpn_protos(context, offer.utf8Start, 3) == 0 else { throw .takeRefusal() }
    }
    if let own = settings.certificate {
      guard SSL_CTX_use_cert_and_key(context, own.leaf, own.key, own.chain, 1) == 1 else { throw .takeRefusal() }
    }
    ERR_clear_error()
  }

  deinit { SSL_CTX_free(context) }
}

/// The latest session with one backend, kept to be resumed. For one thread.
public struct TLSSessionSlot: BitwiseCopyable {
  var session: OpaquePointer?

  /// No session.
  public init() {}

  /// Lets go of the session.
  public mutating func clear() {
    SSL_SESSION_free(session)
    session = nil
  }
}

/// Keeps a session that a backend offers (`SSL_CTX_sess_set_new_cb`): 1 takes it over.
private func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
  guard let slot = TLSChannel.sessionSlot(of: ssl) else { return 0 }
  slot.pointee.clear()
  slot.pointee.session = session
  return 1
}

/// Authorities that vouch for peers.
enum Authorities {
  /// Certificates of a text at most.
  static let most = 10_000

  /// Trusts those of a PEM text, and no others.
  static func trust(_ text: [UInt8], in context: OpaquePointer) throws(TLSFault) {
    let certificates = try PEMText.certificates(in: text, most: most)
    let store = SSL_CTX_get_cert_store(context)
    for certificate in certificates {
      _ = X509_STORE_add_cert(store, certificate)
      X509_free(certificate)
    }
    ERR_clear_error()
  }

  /// Tells clients which authorities are meant, so that they can pick a certificate.
  static func announce(_ text: [UInt8], in context: OpaquePointer) throws(TLSFault) {
    for certificate in try PEMText.certificates(in: text, most: most) {
      _ = SSL_CTX_add_client_CA(context, certificate)
      X509_free(certificate)
    }
    ERR_clear_error()
  }
}
