/// A copy of bytes with exactly the padding that readers may look at, so that a sanitizer sees them look further.
final class PaddedCopy {
  /// Readable bytes behind those that count.
  static let padding = 64

  let base: UnsafeMutablePointer<UInt8>
  let count: Int

  /// A copy of `bytes`; the padding is `tail` again and again, and would change the outcome if it were acted on.
  init(_ bytes: some Collection<UInt8>, tail: StaticString = "\r\n\r\nx: y\r\n") {
    count = bytes.count
    base = .allocate(capacity: count + PaddedCopy.padding)
    for (index, byte) in bytes.enumerated() { base[index] = byte }
    for index in 0..<PaddedCopy.padding { base[count + index] = tail.utf8Start[index % tail.utf8CodeUnitCount] }
  }

  deinit { base.deallocate() }

  /// The first bytes.
  func prefix(_ count: Int) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
}
