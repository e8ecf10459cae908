import COpenSSL

@testable import Platform

/// Listeners of several kinds and a client, with a certificate that signs itself: made when they are first needed, and
/// nowhere kept.
struct TLSSides: Sendable {
  /// Both versions with tickets; TLS 1.2 that asks for a certificate; TLS 1.3 that needs one; TLS 1.2 with tickets.
  let servers: [ServerTLS]
  /// One that takes any server and has a certificate to show.
  let client: ClientTLS

  static let made = Result { try TLSSides() }

  private init() throws {
    let (chain, key) = try TLSSides.pair()
    let certificate = try Certificate(chain: chain, key: key)
    var table = CertificateTable()
    table.add(certificate)
    let kinds: [(ClosedRange<TLSVersion>, ClientCertificates, hasTickets: Bool)] = [
      (.v12 ... .v13, .ignored, true), (.v12 ... .v12, .optional, false), (.v13 ... .v13, .required, false),
      (.v12 ... .v12, .ignored, true),
    ]
    servers = try kinds.map { versions, clients, hasTickets in
      var settings = ServerTLSSettings()
      settings.versions = versions
      settings.protocols = ["h2", "http/1.1"]
      settings.tickets = hasTickets ? TicketKeys() : nil
      settings.clientCertificates = clients
      settings.authorities = chain
      return try ServerTLS(settings, table)
    }
    var settings = ClientTLSSettings()
    settings.verifies = false
    settings.certificate = certificate
    settings.offersHTTP2 = true
    client = try ClientTLS(settings)
  }

  /// A certificate for `a.example` and its key, PEM.
  private static func pair() throws -> (chain: [UInt8], key: [UInt8]) {
    let maker = EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
    defer { EVP_PKEY_CTX_free(maker) }
    var key: OpaquePointer?
    try require(
      EVP_PKEY_keygen_init(maker) == 1 && EVP_PKEY_CTX_set_group_name(maker, "P-256") == 1
        && EVP_PKEY_generate(maker, &key) == 1, "no key is made")
    defer { EVP_PKEY_free(key) }
    let certificate = X509_new()
    defer { X509_free(certificate) }
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1)
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3_600)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86_400)
    let name = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_FLAG | 1, "a.example", -1, -1, 0)
    X509_set_issuer_name(certificate, name)
    X509_set_pubkey(certificate, key)
    try require(X509_sign(certificate, key, EVP_sha256()) > 0, "no certificate is signed")
    return (
      text { PEM_write_bio_X509($0, certificate) }, text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    )
  }

  /// What `write` writes.
  private static func text(_ write: (OpaquePointer?) -> Int32) -> [UInt8] {
    let bio = BIO_new(BIO_s_mem())
    defer { BIO_free(bio) }
    _ = write(bio)
    var bytes: UnsafeMutablePointer<CChar>?
    let count = openssl_bio_bytes(bio, &bytes)
    return UnsafeBufferPointer(start: bytes, count: Int(count)).map { UInt8(bitPattern: $0) }
  }
}
