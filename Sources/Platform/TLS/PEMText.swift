import COpenSSL

/// What PEM texts hold.
enum PEMText {
  /// Bytes of a text at most.
  static let longest = 1 << 20

  /// All certificates of a text, at least one and at most `Certificate.longestChain`; to be freed by the caller.
  static func certificates(in text: [UInt8], most: Int = Certificate.longestChain) throws(TLSFault) -> [OpaquePointer] {
    let source = open(text)
    defer {
      BIO_free(source)
      ERR_clear_error()
    }
    var certificates: [OpaquePointer] = []
    while let certificate = PEM_read_bio_X509(source, nil, refusePassphrase, nil) {
      certificates.append(certificate)
      if certificates.count > most { break }
    }
    let isAtEnd = openssl_error_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE
    if isAtEnd, !certificates.isEmpty, certificates.count <= most { return certificates }
    for certificate in certificates { X509_free(certificate) }
    throw certificates.isEmpty && isAtEnd ? .noCertificate : .badCertificate(index: certificates.count + 1)
  }

  /// The private key of a text; to be freed by the caller.
  static func privateKey(in text: [UInt8]) throws(TLSFault) -> OpaquePointer {
    if let key = KeyDecoder.key(in: text) { return key }
    // Behind parameters, under a passphrase, or none at all.
    let source = open(text)
    defer {
      BIO_free(source)
      ERR_clear_error()
    }
    var wasAsked = false
    let key = withUnsafeMutablePointer(to: &wasAsked) {
      PEM_read_bio_PrivateKey(source, nil, refusePassphrase, $0)
    }
    if let key { return key }
    if wasAsked { throw .encryptedKey }
    let words = "PRIVATE KEY-----"
    throw String(decoding: text, as: UTF8.self).contains(words) ? .badKey : .noKey
  }

  private static func open(_ text: [UInt8]) -> OpaquePointer {
    let source = BIO_new(BIO_s_mem())!
    text.withUnsafeBytes { _ = BIO_write(source, $0.baseAddress, Int32($0.count)) }
    return source
  }
}

/// Answers OpenSSL's question for a passphrase with no, and notes at `asked` that it was put. Without it OpenSSL would
/// ask on the terminal.
private func refusePassphrase(
  _ into: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32, _ asked: UnsafeMutableRawPointer?
) -> Int32 {
  asked?.assumingMemoryBound(to: Bool.self).pointee = true
  return -1
}
