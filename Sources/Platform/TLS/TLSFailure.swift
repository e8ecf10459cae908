import COpenSSL

/// Why a handshake came to nothing, in a few kinds that can be counted.
public enum TLSFailureKind: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  /// The peer closed the connection.
  case closed
  /// It was not through in time.
  case timeout
  /// No version, cipher suite, group, signature or protocol that both sides speak.
  case agreement
  /// The peer's certificate is missing, is not vouched for, or is somebody else's.
  case certificate
  /// The peer refused to go on, and said so.
  case alert
  /// What came was no TLS, or broke its rules.
  case malformed
  /// Something on our side: no certificate, no memory.
  case other

  /// The kind as metrics say it.
  public var name: StaticString {
    switch self {
    case .closed: "closed"
    case .timeout: "timeout"
    case .agreement: "agreement"
    case .certificate: "certificate"
    case .alert: "alert"
    case .malformed: "malformed"
    case .other: "other"
    }
  }
}

/// Why one handshake failed.
public struct TLSFailure: BitwiseCopyable {
  /// In one of a few kinds.
  public var kind: TLSFailureKind
  /// In OpenSSL's words, which never change or go away; `nil` when there are none.
  private var words: UnsafePointer<CChar>?

  /// A failure of this kind, without words.
  public init(_ kind: TLSFailureKind) { self.kind = kind }

  /// What the newest error of a handshake, and the verification of the peer, say.
  init(error code: UInt, verification: Int, isAtEnd: Bool) {
    let reason = openssl_error_reason(code)
    kind = TLSFailure.kind(of: reason)
    words = code == 0 ? nil : ERR_reason_error_string(code)
    if reason == SSL_R_CERTIFICATE_VERIFY_FAILED { words = X509_verify_cert_error_string(verification) }
    if isAtEnd, code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING { self = TLSFailure(.closed) }
  }

  /// The failure in words.
  public var text: String {
    guard let words else {
      switch kind {
      case .closed: return "the peer closed the connection"
      case .timeout: return "it was not through in time"
      case .agreement: return "no agreement on a protocol"
      default: return "no reason is known"
      }
    }
    return String(cString: words)
  }

  /// Tells this failure from others: the kind and where the words are.
  public var identity: UInt { UInt(kind.rawValue) << 56 ^ UInt(bitPattern: words) }

  private static func kind(of reason: Int32) -> TLSFailureKind {
    switch reason {
    case SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .certificate
    case SSL_R_NO_SHARED_CIPHER, SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_VERSION_TOO_LOW,
      SSL_R_VERSION_TOO_HIGH, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_CALLBACK_FAILED,
      SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
      SSL_R_INAPPROPRIATE_FALLBACK:
      .agreement
    case SSL_R_CERT_CB_ERROR, SSL_R_NO_CERTIFICATE_SET, Int32(ERR_R_MALLOC_FAILURE), Int32(ERR_R_INTERNAL_ERROR): .other
    case Int32(SSL_AD_REASON_OFFSET)...Int32(SSL_AD_REASON_OFFSET + 255): .alert
    case 0: .other
    default: .malformed
    }
  }
}
