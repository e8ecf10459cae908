import CLinux
import COpenSSL

/// What carries OpenSSL's records: the socket itself, with no buffer in between.
enum SocketTransport {
  /// A method that OpenSSL may use on any thread.
  private struct Method: @unchecked Sendable {
    // Unchecked: written once, before anybody sees it.
    let pointer: OpaquePointer

    init() {
      pointer = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket")
      _ = BIO_meth_set_create(pointer) { bio in
        BIO_set_init(bio, 1)
        return 1
      }
      _ = BIO_meth_set_read(pointer, receive)
      _ = BIO_meth_set_write(pointer, send)
      _ = BIO_meth_set_ctrl(pointer, control)
    }
  }

  private static let shared = Method()

  /// The transport as OpenSSL wants it; its data is a `TLSChannel.State`.
  static var method: OpaquePointer { shared.pointer }

  private static func state(_ bio: OpaquePointer?) -> UnsafeMutablePointer<TLSChannel.State> {
    BIO_get_data(bio).assumingMemoryBound(to: TLSChannel.State.self)
  }

  private static let receive: @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int32) -> Int32 = {
    bio, into, capacity in
    let state = SocketTransport.state(bio)
    openssl_bio_clear_retry(bio)
    if state.pointee.isDrained, !state.pointee.hasPeerEnded {
      openssl_bio_retry_read(bio)
      return -1
    }
    let count = linux_recv(state.pointee.socket, into, Int(capacity))
    // A short receive means drained: more than that will be told by an event.
    state.pointee.isDrained = count < Int(capacity)
    if count == 0 { state.pointee.isAtEnd = true }
    if count < 0, linux_errno() == EAGAIN || linux_errno() == EINTR { openssl_bio_retry_read(bio) }
    return Int32(count)
  }

  private static let send: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = {
    bio, bytes, count in
    openssl_bio_clear_retry(bio)
    let state = SocketTransport.state(bio)
    if let batch = state.pointee.batch {
      let isGathered = bytes!.withMemoryRebound(to: UInt8.self, capacity: Int(count)) {
        batch.pointee.append($0, Int(count))
      }
      if isGathered { return count }
      openssl_bio_retry_write(bio)
      return -1
    }
    // Records go out in the order in which they were made.
    switch TLSChannel.push(state) {
    case .done: break
    case .needsOutput:
      openssl_bio_retry_write(bio)
      return -1
    default: return -1
    }
    let sent = linux_send(state.pointee.socket, bytes, Int(count))
    if sent < 0, linux_errno() == EAGAIN || linux_errno() == EINTR { openssl_bio_retry_write(bio) }
    return Int32(sent)
  }

  private static let control: @convention(c) (OpaquePointer?, Int32, Int, UnsafeMutableRawPointer?) -> Int = {
    bio, command, _, _ in
    switch command {
    case BIO_CTRL_FLUSH: 1
    case BIO_CTRL_EOF: SocketTransport.state(bio).pointee.isAtEnd ? 1 : 0
    default: 0
    }
  }
}
