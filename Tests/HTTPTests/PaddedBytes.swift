import Primitives

/// Bytes with the padding that parsers may read, filled with what would change the outcome if it were acted on.
final class PaddedBytes {
  /// Beginnings of what may follow in a buffer.
  static let paddings = ["\r\n\r\nx: y\r\n", "x: y\r\n\r\n", "ab\0", "\n", "  \t:\r\n", ""]

  let base: UnsafeMutablePointer<UInt8>
  let count: Int

  init(_ bytes: some Collection<UInt8>, padding: String = paddings[0]) {
    count = bytes.count
    base = .allocate(capacity: count + 64)
    let tail = Array(padding.utf8)
    for (index, byte) in bytes.enumerated() { base[index] = byte }
    for index in 0..<64 { base[count + index] = tail.isEmpty ? 0 : tail[index % tail.count] }
  }

  convenience init(_ text: String) { self.init(Array(text.utf8)) }

  deinit { base.deallocate() }

  func text(_ range: ByteRange) -> String {
    String(decoding: UnsafeBufferPointer(start: base + Int(range.start), count: range.count), as: UTF8.self)
  }
}

/// Text whose characters up to U+00FF stand for the bytes of that value.
func latin(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }
