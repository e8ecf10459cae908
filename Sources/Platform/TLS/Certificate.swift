import COpenSSL
import Synchronization

/// A certificate with its chain and private key, read and found to fit together.
public final class Certificate: @unchecked Sendable {
  // Unchecked: OpenSSL counts references atomically, and nothing here changes after `init`.
  /// Certificates of a chain at most.
  public static let longestChain = 16

  let leaf: OpaquePointer
  let key: OpaquePointer
  let chain: OpaquePointer
  /// The DNS names it is good for, in lower case; its common name when it has none.
  public let names: [String]
  /// When it begins to be good, in seconds since 1970.
  public let start: Int64
  /// When it stops to be good, in seconds since 1970.
  public let expiry: Int64
  /// What kind of key it has, as OpenSSL numbers them: two of one name may differ in it.
  let keyKind: Int32
  /// Why the authority's word on it is not shown, if there was one.
  public let stapleFault: TLSFault?

  /// Reads a chain, the server's certificate first, and its private key, both PEM; and an authority's word that it is not
  /// revoked (OCSP, DER), which is shown beside it unless it has a fault.
  public init(chain text: [UInt8], key keyText: [UInt8], staple: [UInt8]? = nil) throws(TLSFault) {
    let certificates = try PEMText.certificates(in: text)
    var owned = certificates[...]
    let stack = openssl_chain_new()!
    let first = owned.removeFirst()
    for certificate in owned { _ = openssl_chain_add(stack, certificate) }
    do throws(TLSFault) {
      let read = try PEMText.privateKey(in: keyText)
      do throws(TLSFault) {
        try Certificate.check(first, read, stack)
      } catch {
        EVP_PKEY_free(read)
        throw error
      }
      key = read
    } catch {
      X509_free(first)
      openssl_chain_free(stack)
      throw error
    }
    leaf = first
    chain = stack
    names = Certificate.names(of: first)
    start = Certificate.seconds(X509_get0_notBefore(first))
    expiry = Certificate.seconds(X509_get0_notAfter(first))
    keyKind = EVP_PKEY_get_base_id(key)
    stapleFault = staple.flatMap { Certificate.attach($0, to: first, stack) }
  }

  /// Has a certificate show a staple; returns why not.
  private static func attach(_ staple: [UInt8], to leaf: OpaquePointer, _ chain: OpaquePointer) -> TLSFault? {
    var issuer: OpaquePointer?
    for place in 0..<openssl_chain_count(chain) {
      let other = openssl_chain_certificate(chain, place)
      if X509_check_issued(other, leaf) == X509_V_OK {
        issuer = other
        break
      }
    }
    if issuer == nil, X509_check_issued(leaf, leaf) == X509_V_OK { issuer = leaf }
    do throws(TLSFault) {
      try OCSPStaple(staple, for: leaf, issuer: issuer).attach(to: leaf)
      return nil
    } catch {
      return error
    }
  }

  deinit {
    X509_free(leaf)
    EVP_PKEY_free(key)
    openssl_chain_free(chain)
  }

  /// Tells this certificate from others: the digest of its first.
  public var fingerprint: [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var count = UInt32(digest.count)
    _ = X509_digest(leaf, EVP_sha256(), &digest, &count)
    return digest
  }

  /// Whether a connection could use these; strength is held against OpenSSL's security level.
  private static func check(_ leaf: OpaquePointer, _ key: OpaquePointer, _ chain: OpaquePointer) throws(TLSFault) {
    guard X509_check_private_key(leaf, key) == 1 else {
      ERR_clear_error()
      throw .mismatch
    }
    let isGood = probe.withLock { SSL_CTX_use_cert_and_key($0.context, leaf, key, chain, 1) == 1 }
    guard isGood else { throw .takeRefusal() }
  }

  /// A context that certificates are tried in: one for all, since making one takes longer than reading a certificate.
  private struct Probe: @unchecked Sendable {
    // Unchecked: only used under a lock.
    let context = SSL_CTX_new(TLS_method())
  }

  private static let probe = Mutex(Probe())

  /// The DNS names of a certificate, or its common name.
  private static func names(of leaf: OpaquePointer) -> [String] {
    var names: [String] = []
    if let alternatives = openssl_alternative_names(leaf) {
      for index in 0..<openssl_names_count(alternatives) {
        var length: Int32 = 0
        guard let bytes = openssl_dns_name(alternatives, index, &length) else { continue }
        names.append(
          String(decoding: UnsafeBufferPointer(start: bytes, count: Int(length)), as: UTF8.self).lowercased())
      }
      GENERAL_NAMES_free(alternatives)
    }
    ERR_clear_error()
    return names.isEmpty ? commonName(of: leaf).map { [$0] } ?? [] : names
  }

  private static func commonName(of leaf: OpaquePointer) -> String? {
    var text = [CChar](repeating: 0, count: 256)
    let count = X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, &text, Int32(text.count))
    guard count > 0 else { return nil }
    return String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
  }

  static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
    return Int64(timegm(&parts))
  }
}
