import COpenSSL
public import Primitives

extension TLSChannel {
  /// The server name the client asked for, in lower case; empty when it named none.
  public var serverName: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: UnsafePointer(state.pointee.name), count: state.pointee.nameCount)
  }

  /// The `Strict-Transport-Security` line of the listener; empty when it has none.
  public var strictTransport: UnsafeBufferPointer<UInt8> {
    guard let server = state.pointee.server else { return UnsafeBufferPointer(start: nil, count: 0) }
    return server._withUnsafeGuaranteedRef { $0.strictTransport }
  }

  /// The protocol agreed on by ALPN; empty when none was.
  public var negotiatedProtocol: UnsafeBufferPointer<UInt8> {
    var bytes: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &bytes, &count)
    return UnsafeBufferPointer(start: bytes, count: Int(count))
  }

  /// Who the client has proved to be by a certificate; empty when it showed none. A view as long-lived as the channel.
  public var clientNames: CertificateNames { state.pointee.identity.names }

  /// Why the handshake failed, once it has.
  public var failure: TLSFailure {
    TLSFailure(
      error: UInt(state.pointee.error), verification: SSL_get_verify_result(ssl), isAtEnd: state.pointee.isAtEnd)
  }

  /// Whether the handshake took up an earlier session.
  public var isResumed: Bool { SSL_session_reused(ssl) == 1 }
}

/// Notes the name a client asks for (`SSL_CTX_set_client_hello_cb`), whatever session it takes up: OpenSSL itself tells
/// the name of a resumed session instead, up to TLS 1.2.
func noteServerName(
  _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _ unused: UnsafeMutableRawPointer?
) -> Int32 {
  guard let ssl, let data = openssl_app_data(ssl) else { return SSL_CLIENT_HELLO_SUCCESS }
  let state = data.assumingMemoryBound(to: TLSChannel.State.self)
  if let server = state.pointee.server, server._withUnsafeGuaranteedRef({ $0.needsProtocol }) {
    // Where HTTP/1.1 is not spoken, who agrees on nothing would speak it (RFC 7301, section 3.2).
    guard openssl_offers_protocols(ssl) == 1 else {
      alert?.pointee = SSL_AD_NO_APPLICATION_PROTOCOL
      return SSL_CLIENT_HELLO_ERROR
    }
  }
  var bytes: UnsafePointer<UInt8>?
  var count = 0
  guard openssl_server_name_extension(ssl, &bytes, &count) == 1, let bytes else { return SSL_CLIENT_HELLO_SUCCESS }
  // A list of one name: the list's length, the name's kind (0, a host), the name's length (RFC 6066, section 3).
  guard count > 5, bytes[2] == 0 else { return SSL_CLIENT_HELLO_SUCCESS }
  let length = Int(bytes[3]) << 8 | Int(bytes[4])
  guard (1...255).contains(length), 5 + length <= count, state.pointee.name == nil else {
    return SSL_CLIENT_HELLO_SUCCESS
  }
  let name = UnsafeMutablePointer<UInt8>.allocate(capacity: length)
  for index in 0..<length {
    let byte = bytes[5 + index]
    name[index] = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
  }
  state.pointee.name = name
  state.pointee.nameCount = length
  return SSL_CLIENT_HELLO_SUCCESS
}
