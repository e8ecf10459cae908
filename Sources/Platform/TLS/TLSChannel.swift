import CLinux
import COpenSSL
import Primitives

/// How far a handshake is.
public enum TLSHandshake {
  /// It is through.
  case open
  /// It goes on when bytes have come, or can be sent.
  case underWay
  /// It goes on once a certificate is loaded: try again when its waker was woken and `CertificateLoader.finished` grew.
  case waiting
  /// It has failed: the channel can only be closed.
  case failed
}

/// Why a transfer went no further.
public enum TLSStop: UInt8, BitwiseCopyable {
  /// All that was asked for was moved.
  case done
  /// It goes on when bytes have come.
  case needsInput
  /// It goes on when bytes can be sent.
  case needsOutput
  /// It goes on once a certificate is loaded.
  case needsCertificate
  /// The peer has said that it ends its half.
  case ended
  /// The connection is broken, or ended without a word, which may be an attacker's doing.
  case failed
}

/// How far a transfer came, and why no further.
public struct TLSTransfer: BitwiseCopyable {
  /// Bytes moved.
  public var count: Int
  /// Why no more.
  public var stop: TLSStop
}

/// One connection's side of TLS over a non-blocking socket, which stays its owner's. For one thread.
///
/// It remembers that a receive fell short, so that nothing is asked of the kernel in vain: `noteEvent` must be told
/// what the poller tells.
public struct TLSChannel: BitwiseCopyable {
  /// What the transport keeps of a connection.
  struct State {
    var socket: Int32
    /// A receive fell short, and no event came since; nothing has come at first.
    var isDrained = true
    /// The poller told of an end or an error: what is left must be asked for.
    var hasPeerEnded = false
    /// The kernel's end of the stream was seen.
    var isAtEnd = false
    /// Something went wrong for good.
    var hasFailed = false
    /// The socket takes nothing more; what came may still be received.
    var cannotSend = false
    /// The server's side of the listener, retained; `nil` on the client's.
    var server: Unmanaged<ServerTLS>?
    /// The name the client asked for, in lower case, on the server's side.
    var name: UnsafeMutablePointer<UInt8>?
    var nameCount = 0
    /// Who the client has proved to be, where that is asked.
    var identity = ClientIdentity()
    /// The newest error of OpenSSL's when the handshake failed.
    var error: UInt32 = 0
    /// Who is woken once a certificate that the handshake waits for is loaded; -1 nobody, it is loaded at once then.
    var waker: Int32 = -1
    /// Where records are gathered, while they are.
    var batch: UnsafeMutablePointer<TLSBatch>?
    /// Records that the socket did not take yet.
    var backlog: UnsafeMutablePointer<TLSBacklog>?
    /// Where sessions of the backend are kept, on the client's side.
    var sessions: UnsafeMutablePointer<TLSSessionSlot>?
  }

  let ssl: OpaquePointer
  let state: UnsafeMutablePointer<State>

  private init?(_ context: OpaquePointer, _ socket: Int32, server: Unmanaged<ServerTLS>?) {
    guard let ssl = SSL_new(context), let bio = BIO_new(SocketTransport.method) else {
      ERR_clear_error()
      return nil
    }
    self.ssl = ssl
    state = .allocate(capacity: 1)
    state.initialize(to: State(socket: socket, server: server))
    BIO_set_data(bio, state)
    SSL_set_bio(ssl, bio, bio)
    openssl_set_app_data(ssl, state)
  }

  /// The accepting side; `nil` when there is no memory. With a waker no file is read here: the handshake is `waiting`
  /// until a thread of its own has loaded the certificate, and wakes.
  public init?(accepting socket: Int32, _ server: ServerTLS, waker: Waker? = nil) {
    self.init(server.context, socket, server: .passUnretained(server))
    state.pointee.waker = waker?.descriptor ?? -1
    _ = state.pointee.server?.retain()
    SSL_set_accept_state(ssl)
  }

  /// The connecting side: `name` is what the backend is asked for by and what it must prove to be, an IP address when
  /// `isAddress`; its latest session is kept in `sessions`, which must outlive the channel.
  ///
  /// `nil` when there is no memory.
  public init?(
    connecting socket: Int32, _ client: ClientTLS, name: UnsafePointer<CChar>?, isAddress: Bool,
    sessions: UnsafeMutablePointer<TLSSessionSlot>
  ) {
    self.init(client.context, socket, server: nil)
    state.pointee.sessions = sessions
    SSL_set_connect_state(ssl)
    if let session = sessions.pointee.session { _ = SSL_set_session(ssl, session) }
    guard let name else { return }
    if isAddress {
      if client.verifies { _ = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) }
    } else {
      _ = openssl_set_server_name(ssl, name)
      if client.verifies { _ = SSL_set1_host(ssl, name) }
    }
  }

  /// Where sessions of a connection are kept.
  static func sessionSlot(of ssl: OpaquePointer?) -> UnsafeMutablePointer<TLSSessionSlot>? {
    guard let ssl, let data = openssl_app_data(ssl) else { return nil }
    return data.assumingMemoryBound(to: State.self).pointee.sessions
  }

  /// The socket.
  public var socket: Int32 { state.pointee.socket }

  /// The name a connection's client asked for, in lower case; `nil` when it named none.
  static func serverName(of ssl: OpaquePointer) -> String? {
    guard let data = openssl_app_data(ssl) else { return nil }
    let state = data.assumingMemoryBound(to: State.self)
    guard let name = state.pointee.name else { return nil }
    return String(decoding: UnsafeBufferPointer(start: name, count: state.pointee.nameCount), as: UTF8.self)
  }

  /// Who is woken once a certificate that a connection waits for is loaded; -1 nobody.
  static func waker(of ssl: OpaquePointer) -> Int32 {
    guard let data = openssl_app_data(ssl) else { return -1 }
    return data.assumingMemoryBound(to: State.self).pointee.waker
  }

  /// The listener's side of a connection.
  static func server(of ssl: OpaquePointer?) -> ServerTLS? {
    guard let ssl, let data = openssl_app_data(ssl) else { return nil }
    return data.assumingMemoryBound(to: State.self).pointee.server?.takeUnretainedValue()
  }

  /// Frees everything but the socket, without a word to the peer.
  public func free() {
    SSL_free(ssl)
    ERR_clear_error()
    state.pointee.server?.release()
    state.pointee.name?.deallocate()
    state.pointee.identity.free()
    TLSChannel.dropBacklog(state)
    state.deallocate()
  }

  /// The poller told of bytes, or of an end or an error.
  public func noteEvent(hasPeerEnded: Bool) {
    state.pointee.isDrained = false
    if hasPeerEnded { state.pointee.hasPeerEnded = true }
  }

  /// Goes on with the handshake.
  public func shakeHands() -> TLSHandshake {
    guard !state.pointee.hasFailed else { return .failed }
    let status = SSL_do_handshake(ssl)
    if status == 1 {
      if let server = state.pointee.server, server._withUnsafeGuaranteedRef({ $0.asksClients }) {
        state.pointee.identity.learn(from: ssl)
      }
      return .open
    }
    switch stop(status) {
    case .needsInput, .needsOutput: return .underWay
    case .needsCertificate: return .waiting
    default: return .failed
    }
  }

  /// Moves at most `capacity` bytes that came to `into`, as many as are there.
  public func receive(into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TLSTransfer {
    guard !state.pointee.hasFailed else { return TLSTransfer(count: 0, stop: .failed) }
    var count = 0
    while count < capacity {
      let got = SSL_read(ssl, into + count, Int32(clamping: capacity - count))
      guard got > 0 else { return TLSTransfer(count: count, stop: stop(got)) }
      count += Int(got)
    }
    return TLSTransfer(count: count, stop: .done)
  }

  /// Whether nothing is left to receive but the end.
  public func isAtEnd() -> Bool {
    guard !state.pointee.hasFailed else { return true }
    var byte: UInt8 = 0
    let got = SSL_peek(ssl, &byte, 1)
    guard got <= 0 else { return false }
    switch stop(got) {
    case .ended, .failed: return true
    default: return false
    }
  }

  /// Tells the peer that we have no more to say; false when that must be tried again once bytes can be sent.
  public func end() -> Bool {
    guard canSend else { return true }
    let status = SSL_shutdown(ssl)
    if status >= 0 { return true }
    return stop(status) != .needsOutput
  }

  /// Whether the connection is whole and we have not told our end.
  var canSend: Bool {
    !state.pointee.hasFailed && !state.pointee.cannotSend && SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0
  }

  /// What a send's result that is none means: a socket that takes nothing more may still have something to say.
  func stopOfSend(_ result: Int32) -> TLSStop {
    guard SSL_get_error(ssl, result) == SSL_ERROR_SYSCALL else { return stop(result) }
    state.pointee.cannotSend = true
    ERR_clear_error()
    return .failed
  }

  /// What a result that is none means.
  private func stop(_ result: Int32) -> TLSStop {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .needsInput
    case SSL_ERROR_WANT_WRITE: return .needsOutput
    case SSL_ERROR_WANT_X509_LOOKUP: return .needsCertificate
    case SSL_ERROR_ZERO_RETURN: return .ended
    default:
      state.pointee.hasFailed = true
      state.pointee.error = UInt32(truncatingIfNeeded: ERR_peek_last_error())
      ERR_clear_error()
      return .failed
    }
  }
}
