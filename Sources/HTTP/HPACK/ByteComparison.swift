/// Compares runs of bytes, eight at a time.
enum ByteComparison {
  /// Whether `count` bytes at both places are the same. Nothing behind them is read.
  @inline(__always)
  static func areEqual(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let (x, y) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
    var at = 0
    while at &+ 8 <= count {
      if x.loadUnaligned(fromByteOffset: at, as: UInt64.self) != y.loadUnaligned(fromByteOffset: at, as: UInt64.self) {
        return false
      }
      at &+= 8
    }
    while at < count {
      if a[at] != b[at] { return false }
      at &+= 1
    }
    return true
  }

  /// Whether `count` bytes from `a` on spell `text`.
  @inline(__always)
  static func areEqual(_ a: UnsafePointer<UInt8>, _ count: Int, _ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && areEqual(a, text.utf8Start, count)
  }
}
