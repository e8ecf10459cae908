import COpenSSL

/// Why certificates, keys or settings can't be used, in words that fit behind the name of a file or directive.
public enum TLSFault: Error, Equatable, CustomStringConvertible, Sendable {
  /// The text holds no certificate.
  case noCertificate
  /// Certificate number `index`, from 1, can't be read.
  case badCertificate(index: Int)
  /// The text holds no private key.
  case noKey
  /// The private key is protected by a passphrase.
  case encryptedKey
  /// The private key can't be read.
  case badKey
  /// The private key is not that of the first certificate.
  case mismatch
  /// The text holds no keys of tickets.
  case badTicketKeys
  /// The bytes are no answer of an OCSP responder.
  case badStaple
  /// The OCSP answer is not about the certificate, or not by its issuer.
  case foreignStaple
  /// The OCSP answer is not good now.
  case expiredStaple
  /// The OCSP answer says that the certificate is revoked.
  case revoked
  /// OpenSSL refuses it, in its own words.
  case refused(String)

  /// The fault in words.
  public var description: String {
    switch self {
    case .noCertificate: "holds no certificate in PEM form"
    case .badCertificate(let index): "holds a certificate, number \(index), that can't be read"
    case .noKey: "holds no private key in PEM form"
    case .encryptedKey: "holds a private key that is protected by a passphrase"
    case .badKey: "holds a private key that can't be read"
    case .mismatch: "is not the private key of the certificate"
    case .badTicketKeys: "holds no keys of tickets: 80 random bytes each, 1 to \(TicketKeys.most) of them"
    case .badStaple: "holds no answer of an OCSP responder (DER)"
    case .foreignStaple: "holds an OCSP answer that is not about the certificate, or not by its issuer"
    case .expiredStaple: "holds an OCSP answer that is not good now"
    case .revoked: "holds an OCSP answer that the certificate is revoked"
    case .refused(let reason): "is refused by OpenSSL: \(reason)"
    }
  }

  /// Whether it is the key's rather than the certificate's.
  public var isOfKey: Bool {
    switch self {
    case .noKey, .encryptedKey, .badKey, .mismatch: true
    default: false
    }
  }

  /// The newest error of this thread's queue, which is emptied.
  static func takeRefusal() -> TLSFault {
    let code = ERR_peek_last_error()
    defer { ERR_clear_error() }
    guard code != 0, let reason = ERR_reason_error_string(code) else { return .refused("OpenSSL gives no reason") }
    return .refused(String(cString: reason))
  }
}
