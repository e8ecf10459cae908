import COpenSSL
import Synchronization

/// Keys of session tickets, newest first: the first one is given out, all are honoured.
///
/// Shared by all workers and carried over reloads. Those made in memory are replaced every `rotation`.
public final class TicketKeys: Sendable {
  /// Keys at most.
  public static let most = 16
  /// Bytes of a key in a file: its name, then one key for the seal and one for the cipher.
  static let bytes = 80
  /// Seconds after which a key made in memory gives way to a new one.
  static let rotation: Int64 = 3_600
  /// Seconds a session may be resumed: keys must be honoured as long.
  static let lifetime: Int64 = 7_200

  struct Key {
    var name: [UInt8]
    var seal: [UInt8]
    var cipher: [UInt8]
    /// When it was made, in nanoseconds of the monotonic clock.
    var made: Int64

    init(_ bytes: ArraySlice<UInt8>, made: Int64) {
      name = Array(bytes.prefix(16))
      seal = Array(bytes.dropFirst(16).prefix(32))
      cipher = Array(bytes.dropFirst(48).prefix(32))
      self.made = made
    }
  }

  private let keys: Mutex<[Key]>
  private let rotates: Bool

  /// Keys made in memory.
  public init() {
    rotates = true
    keys = Mutex([Key(Machine.randomBytes(TicketKeys.bytes)[...], made: Clock.now().nanoseconds)])
  }

  /// The keys that a file holds.
  public init(file bytes: [UInt8]) throws(TLSFault) {
    guard !bytes.isEmpty, bytes.count % TicketKeys.bytes == 0, bytes.count <= TicketKeys.most * TicketKeys.bytes else {
      throw .badTicketKeys
    }
    rotates = false
    keys = Mutex(
      stride(from: 0, to: bytes.count, by: TicketKeys.bytes).map {
        Key(bytes[$0..<$0 + TicketKeys.bytes], made: 0)
      })
  }

  /// Keys made in memory, and when, for another process to go on with; empty for those of a file.
  public var handedOver: [(bytes: [UInt8], made: Int64)] {
    guard rotates else { return [] }
    return keys.withLock { $0.map { ($0.name + $0.seal + $0.cipher, $0.made) } }
  }

  /// Goes on with the keys that another process made in memory; what are none are left out.
  public func adopt(_ handed: [(bytes: [UInt8], made: Int64)]) {
    let good = handed.prefix(TicketKeys.most).filter { $0.bytes.count == TicketKeys.bytes }
    guard rotates, !good.isEmpty else { return }
    keys.withLock { $0 = good.map { Key($0.bytes[...], made: $0.made) } }
  }

  /// The key to give out now.
  func current() -> Key {
    keys.withLock { keys in
      let now = Clock.now().nanoseconds
      if rotates, now - keys[0].made > TicketKeys.rotation * 1_000_000_000 {
        keys.insert(Key(Machine.randomBytes(TicketKeys.bytes)[...], made: now), at: 0)
        let kept = TicketKeys.lifetime / TicketKeys.rotation + 2
        if keys.count > kept { keys.removeLast() }
      }
      return keys[0]
    }
  }

  /// The key called `name`, and whether it is the one given out now.
  func key(named name: UnsafeBufferPointer<UInt8>) -> (key: Key, isCurrent: Bool)? {
    keys.withLock { keys in
      guard let place = keys.firstIndex(where: { $0.name.elementsEqual(name) }) else { return nil }
      return (keys[place], place == 0)
    }
  }
}

/// Seals or opens a ticket (`SSL_CTX_set_tlsext_ticket_key_evp_cb`): 1 it can be done, 2 also renew it, 0 it can't.
func useTicketKey(
  _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?, _ vector: UnsafeMutablePointer<UInt8>?,
  _ cipher: OpaquePointer?, _ seal: OpaquePointer?, _ isSealing: Int32
) -> Int32 {
  guard let keys = TLSChannel.server(of: ssl)?.tickets, let name, let vector else { return 0 }
  let key: TicketKeys.Key
  var answer: Int32 = 1
  if isSealing == 1 {
    key = keys.current()
    name.update(from: key.name, count: 16)
    guard RAND_bytes(vector, 16) == 1 else { return -1 }
  } else {
    guard let found = keys.key(named: UnsafeBufferPointer(start: name, count: 16)) else { return 0 }
    key = found.key
    // TLS 1.3 gives a new ticket with each resumption anyway.
    if !found.isCurrent { answer = 2 }
  }
  guard EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, vector, isSealing) == 1 else { return -1 }
  return openssl_set_seal(seal, key.seal, key.seal.count) == 1 ? answer : -1
}
