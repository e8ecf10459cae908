import COpenSSL
import Primitives

/// An authority's word that a certificate is not revoked (RFC 6960), shown beside it in handshakes. Immutable.
final class OCSPStaple: Sendable {
  /// Bytes of an answer at most.
  static let longest = 64 << 10
  /// Seconds that clocks may differ.
  private static let skew = 300

  /// The answer, DER.
  let bytes: [UInt8]
  /// When it stops to be good, in seconds since 1970; `Int64.max` when it does not say.
  let end: Int64

  /// An answer that is good now, and of this certificate; signed by the issuer or in its name, where that is known.
  init(_ bytes: [UInt8], for leaf: OpaquePointer, issuer: OpaquePointer?) throws(TLSFault) {
    defer { ERR_clear_error() }
    guard bytes.count <= OCSPStaple.longest, let answer = OCSPStaple.read(bytes) else { throw .badStaple }
    defer { OCSP_BASICRESP_free(answer) }
    guard let single = OCSPStaple.entry(of: answer, leaf, issuer) else { throw .foreignStaple }
    if let issuer, !OCSPStaple.isSigned(answer, by: issuer) { throw .foreignStaple }
    var (start, end): (UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?, UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?)
    switch OCSP_single_get0_status(single, nil, nil, &start, &end) {
    case V_OCSP_CERTSTATUS_GOOD: break
    case V_OCSP_CERTSTATUS_REVOKED: throw .revoked
    default: throw .foreignStaple
    }
    guard OCSP_check_validity(start, end, OCSPStaple.skew, -1) == 1 else { throw .expiredStaple }
    self.bytes = bytes
    self.end = end.map { Certificate.seconds($0) } ?? .max
  }

  /// The one part of an answer that counts.
  private static func read(_ bytes: [UInt8]) -> OpaquePointer? {
    bytes.withUnsafeBufferPointer { bytes in
      var place = bytes.baseAddress
      guard let whole = d2i_OCSP_RESPONSE(nil, &place, bytes.count) else { return nil }
      defer { OCSP_RESPONSE_free(whole) }
      guard OCSP_response_status(whole) == OCSP_RESPONSE_STATUS_SUCCESSFUL else { return nil }
      return OCSP_response_get1_basic(whole)
    }
  }

  /// What an answer says of one certificate.
  private static func entry(
    of answer: OpaquePointer, _ leaf: OpaquePointer, _ issuer: OpaquePointer?
  ) -> OpaquePointer? {
    for place in 0..<OCSP_resp_count(answer) {
      guard let single = OCSP_resp_get0(answer, place) else { continue }
      let identifier = OCSP_SINGLERESP_get0_id(single)
      var digest: OpaquePointer?
      var serial: UnsafeMutablePointer<ASN1_INTEGER>?
      guard OCSP_id_get0_info(nil, &digest, nil, &serial, identifier) == 1 else { continue }
      guard ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0 else { continue }
      guard let issuer else { return single }
      let method = EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(digest)))
      guard let method, let expected = OCSP_cert_to_id(method, leaf, issuer) else { continue }
      defer { OCSP_CERTID_free(expected) }
      if OCSP_id_cmp(identifier, expected) == 0 { return single }
    }
    return nil
  }

  /// Whether the issuer signed an answer, or somebody it lets do so.
  private static func isSigned(_ answer: OpaquePointer, by issuer: OpaquePointer) -> Bool {
    guard let store = X509_STORE_new(), let known = openssl_chain_new() else { return false }
    defer {
      X509_STORE_free(store)
      openssl_chain_release(known)
    }
    _ = X509_STORE_add_cert(store, issuer)
    _ = X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    _ = openssl_chain_add(known, issuer)
    return OCSP_basic_verify(answer, known, store, 0) == 1
  }

  /// Where a certificate of OpenSSL's keeps its staple, which it holds.
  private static let place = CRYPTO_get_ex_new_index(
    CRYPTO_EX_INDEX_X509, 0, nil, nil, nil,
    { _, staple, _, _, _, _ in
      if let staple { Unmanaged<OCSPStaple>.fromOpaque(staple).release() }
    })

  /// Has handshakes that show this certificate show the answer too.
  func attach(to leaf: OpaquePointer) {
    let kept = Unmanaged.passRetained(self)
    if X509_set_ex_data(leaf, OCSPStaple.place, kept.toOpaque()) != 1 { kept.release() }
  }

  /// The answer that goes with a certificate, if it is still good.
  fileprivate static func current(of leaf: OpaquePointer) -> OCSPStaple? {
    guard let data = X509_get_ex_data(leaf, place) else { return nil }
    let staple = Unmanaged<OCSPStaple>.fromOpaque(data).takeUnretainedValue()
    return Clock.wall() / .second < staple.end ? staple : nil
  }
}

/// Shows the answer that goes with the certificate that was chosen (`SSL_CTX_set_tlsext_status_cb`).
func showStaple(_ ssl: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
  guard let ssl, let leaf = SSL_get_certificate(ssl), let staple = OCSPStaple.current(of: leaf) else {
    return SSL_TLSEXT_ERR_NOACK
  }
  let isTaken = staple.bytes.withUnsafeBytes { openssl_set_staple(ssl, $0.baseAddress, $0.count) == 1 }
  return isTaken ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
}
