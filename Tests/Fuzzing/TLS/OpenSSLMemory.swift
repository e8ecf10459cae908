import COpenSSL
import Glibc
import Synchronization

/// How much memory OpenSSL holds, in a program that does one thing at a time.
enum OpenSSLMemory {
  /// In front of each block stands its size.
  private static let header = 16
  private static let bytes = Atomic<Int>(0)

  /// Bytes held now; always 0 where they are not counted.
  static var held: Int { bytes.load(ordering: .relaxed) }

  /// Counts from now on; to be called before OpenSSL has held any.
  static func count() {
    let status = CRYPTO_set_mem_functions(
      { size, _, _ in OpenSSLMemory.take(nil, size) }, { block, size, _, _ in OpenSSLMemory.take(block, size) },
      { block, _, _ in _ = OpenSSLMemory.take(block, 0) })
    precondition(status == 1, "OpenSSL holds memory already")
  }

  /// A block of `size` bytes in place of another; none for 0.
  private static func take(_ block: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
    let old = block.map { $0 - header }
    let oldSize = old?.load(as: Int.self) ?? 0
    bytes.add(size - oldSize, ordering: .relaxed)
    guard size > 0 else {
      free(old)
      return nil
    }
    let made = realloc(old, size + header)
    made?.storeBytes(of: size, as: Int.self)
    return made.map { $0 + header }
  }
}
