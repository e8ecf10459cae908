import COpenSSL
import Synchronization

/// What reads private keys: one for all, since making one takes five times as long as reading a key with it.
struct KeyDecoder: @unchecked Sendable {
  // Unchecked: only used under a lock.
  /// Where OpenSSL leaves the key it has read.
  private let place: UnsafeMutablePointer<OpaquePointer?>
  private let decoder: OpaquePointer?

  private static let shared = Mutex(KeyDecoder())

  private init() {
    place = .allocate(capacity: 1)
    place.initialize(to: nil)
    decoder = OSSL_DECODER_CTX_new_for_pkey(place, "PEM", nil, nil, openssl_selection_of_keys(), nil, nil)
    // Without it OpenSSL would ask for a passphrase on the terminal.
    _ = OSSL_DECODER_CTX_set_pem_password_cb(decoder, { _, _, _, _ in -1 }, nil)
    ERR_clear_error()
  }

  /// The private key that a PEM text begins with, to be freed by the caller; `nil` when it begins with anything else.
  static func key(in text: [UInt8]) -> OpaquePointer? {
    shared.withLock { $0.read(text) }
  }

  private func read(_ text: [UInt8]) -> OpaquePointer? {
    guard let decoder else { return nil }
    place.pointee = nil
    text.withUnsafeBufferPointer { text in
      var start = text.baseAddress
      var count = text.count
      _ = OSSL_DECODER_from_data(decoder, &start, &count)
    }
    ERR_clear_error()
    return place.pointee
  }
}
