/// The path of a request as limits see it: percent-encoding undone and slashes in a row taken for one, so that no other
/// spelling of a path escapes its class.
enum LimitPath {
  /// Whether a path begins with `prefix`, by whole segments; a prefix that ends in a slash stands for all that is below.
  static func begins(_ path: UnsafePointer<UInt8>, _ count: Int, with prefix: NameBytes) -> Bool {
    var place = 0
    var last: UInt8 = 0
    for index in 0..<prefix.count {
      guard let byte = next(path, count, &place, &last), byte == prefix.bytes[index] else { return false }
    }
    if prefix.count > 0, prefix.bytes[prefix.count - 1] == UInt8(ascii: "/") { return true }
    let end = next(path, count, &place, &last)
    return end == nil || end == UInt8(ascii: "/")
  }

  /// The next byte of the path, `nil` at its end.
  private static func next(
    _ path: UnsafePointer<UInt8>, _ count: Int, _ place: inout Int, _ last: inout UInt8
  ) -> UInt8? {
    while place < count {
      var byte = path[place]
      if byte == UInt8(ascii: "?") { return nil }
      place += 1
      if byte == UInt8(ascii: "%"), place + 1 < count, let high = digit(path[place]), let low = digit(path[place + 1]) {
        byte = high << 4 | low
        place += 2
      }
      if byte == UInt8(ascii: "/"), last == UInt8(ascii: "/") { continue }
      last = byte
      return byte
    }
    return nil
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    if byte &- 0x30 < 10 { return byte &- 0x30 }
    let letter = byte | 0x20
    return letter &- 0x61 < 6 ? letter &- 0x61 &+ 10 : nil
  }
}
