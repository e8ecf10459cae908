import COpenSSL
import Primitives

/// What the certificate of a client says, copied out of it once its handshake is through.
///
/// Only for listeners that ask for certificates; at most `CertificateNames.mostBytes` a connection.
struct ClientIdentity: BitwiseCopyable {
  private var bytes: UnsafeMutablePointer<UInt8>?
  private var count = 0

  /// Nobody is known.
  init() {}

  /// What was learned; a view that is good until `free`.
  var names: CertificateNames { CertificateNames(bytes, count: count) }

  /// Frees what was learned.
  mutating func free() {
    bytes?.deallocate()
    self = ClientIdentity()
  }

  /// Learns who is at the other end of a connection, if the certificate that it showed was vouched for.
  mutating func learn(from ssl: OpaquePointer) {
    guard bytes == nil, SSL_get_verify_result(ssl) == Int(X509_V_OK), let leaf = SSL_get0_peer_certificate(ssl) else {
      return
    }
    var packed: [UInt8] = []
    if let names = openssl_alternative_names(leaf) {
      ClientIdentity.add(.uri, GEN_URI, of: names, to: &packed)
      ClientIdentity.add(.dns, GEN_DNS, of: names, to: &packed)
      ClientIdentity.add(.email, GEN_EMAIL, of: names, to: &packed)
      GENERAL_NAMES_free(names)
    }
    ClientIdentity.addCommonName(of: leaf, to: &packed)
    ClientIdentity.addSubject(of: leaf, to: &packed)
    ERR_clear_error()
    guard !packed.isEmpty else { return }
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: packed.count)
    memory.update(from: packed, count: packed.count)
    (bytes, count) = (memory, packed.count)
  }

  private static func add(
    _ kind: CertificateNames.Kind, _ general: Int32, of names: OpaquePointer, to packed: inout [UInt8]
  ) {
    for index in 0..<openssl_names_count(names) {
      var length: Int32 = 0
      guard let bytes = openssl_text_name(names, index, general, &length) else { continue }
      let text = UnsafeBufferPointer(start: bytes, count: Int(length))
      // A zero or a line's end within a name is somebody's trick.
      guard text.allSatisfy({ (0x21...0x7E).contains($0) }) else { continue }
      let folded = kind == .dns ? text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } : Array(text)
      folded.withUnsafeBufferPointer { CertificateNames.append(kind, $0, to: &packed) }
    }
  }

  /// The last common name of the subject, the most specific one.
  private static func addCommonName(of leaf: OpaquePointer, to packed: inout [UInt8]) {
    let subject = X509_get_subject_name(leaf)
    var place: Int32 = -1
    var last: Int32 = -1
    while true {
      place = X509_NAME_get_index_by_NID(subject, NID_commonName, place)
      guard place >= 0 else { break }
      last = place
    }
    guard last >= 0, let value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)) else { return }
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = ASN1_STRING_to_UTF8(&bytes, value)
    guard count > 0, let bytes else { return }
    let text = UnsafeBufferPointer(start: UnsafePointer(bytes), count: Int(count))
    if text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { CertificateNames.append(.commonName, text, to: &packed) }
    openssl_free(bytes)
  }

  private static func addSubject(of leaf: OpaquePointer, to packed: inout [UInt8]) {
    guard let sink = BIO_new(BIO_s_mem()) else { return }
    defer { BIO_free(sink) }
    var start: UnsafeMutablePointer<CChar>?
    guard openssl_print_subject(sink, leaf) >= 0 else { return }
    let count = openssl_bio_bytes(sink, &start)
    guard count > 0, let start else { return }
    start.withMemoryRebound(to: UInt8.self, capacity: count) {
      CertificateNames.append(.subject, UnsafeBufferPointer(start: $0, count: count), to: &packed)
    }
  }
}
