import Primitives

/// The name in a Host field or an authority.
public enum HostName {
  /// The longest name, in bytes.
  public static let maximumCount = 255

  /// Writes the lower-case name in the authority of `count` bytes from `p` on, without port and trailing dot.
  ///
  /// Returns its length, or -1 when the authority is malformed: userinfo, a bad port, bytes other than letters, digits,
  /// `-`, `_` and dots between labels, nothing at all, more than 255 bytes. IPv6 literals keep their brackets. `into`
  /// has room for 256 bytes; sixteen bytes behind the authority are readable.
  public static func normalize(
    _ p: UnsafePointer<UInt8>, _ count: Int, into name: UnsafeMutablePointer<UInt8>
  ) -> Int {
    guard count > 0, count <= Authority.maximumCount else { return -1 }
    return Authority(p, ByteRange(0, narrow(count)), name)?.nameCount ?? -1
  }
}

/// A host and perhaps a port (RFC 3986 §3.2), narrowed to what every reader takes for the same.
struct Authority {
  /// The longest name, a trailing dot, and a port.
  static let maximumCount = HostName.maximumCount + 1 + 6

  /// Bytes of the name.
  let nameCount: Int
  /// The port, 1 ... 65535, if there is one; a colon without digits is none (RFC 3986 §3.2.3).
  let port: Int32?

  /// Reads the authority at `range`, and writes its normalised name; nil if it is malformed.
  init?(_ base: UnsafePointer<UInt8>, _ range: ByteRange, _ name: UnsafeMutablePointer<UInt8>) {
    let (p, count) = (base + Int(range.start), range.count)
    guard count > 0, count <= Authority.maximumCount else { return nil }
    let end = p[0] == UInt8(ascii: "[") ? Authority.readLiteral(p, count, name) : Authority.readName(p, count, name)
    guard end > 0 else { return nil }
    let hasDot = name[end - 1] == UInt8(ascii: ".")
    nameCount = hasDot ? end - 1 : end
    guard nameCount > 0, nameCount <= HostName.maximumCount else { return nil }
    if end == count || (end + 1 == count && p[end] == Octet.colon) {
      port = nil
    } else {
      guard p[end] == Octet.colon, let number = Authority.readPort(p + end + 1, count - end - 1) else { return nil }
      port = number
    }
  }

  /// Copies labels and dots up to the end or a colon; returns where that is, 0 if malformed.
  private static func readName(
    _ p: UnsafePointer<UInt8>, _ count: Int, _ name: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var afterDot = true
    let end = min(count, HostName.maximumCount + 1)
    var index = 0
    while index < end {
      let run = copyBlock(p, index, end, name)
      guard run >= 0, !(afterDot && run > 0 && p[index] == UInt8(ascii: ".")) else { return 0 }
      if run > 0 {
        index &+= run
        afterDot = p[index &- 1] == UInt8(ascii: ".")
        continue
      }
      // What stops a run, and the last bytes of the longest names, one by one.
      let byte = p[index]
      let isDot = byte == UInt8(ascii: ".")
      guard isDot ? !afterDot : isLabelByte(byte) else { return byte == Octet.colon ? index : 0 }
      name[index] = Octet.lower(byte)
      afterDot = isDot
      index &+= 1
    }
    return end
  }

  private static func isLabelByte(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  /// Copies the letters, digits, hyphens and dots from `index` on, at most sixteen, in lower case; returns how many there
  /// are, -1 when two of the dots follow each other.
  @inline(__always)
  private static func copyBlock(
    _ p: UnsafePointer<UInt8>, _ index: Int, _ end: Int, _ name: UnsafeMutablePointer<UInt8>
  ) -> Int {
    // A whole block is written, so it must fit in what is left of the name's room.
    guard index &+ 16 <= HostName.maximumCount else { return 0 }
    let block = ByteBlock(p + index)
    let words = block.lowercaseWords
    let place = UnsafeMutableRawPointer(name + index)
    place.storeBytes(of: words.0.littleEndian, as: UInt64.self)
    place.storeBytes(of: words.1.littleEndian, toByteOffset: 8, as: UInt64.self)
    let run = min(block.outsideHost.first, end &- index)
    return block.occurrences(of: UInt8(ascii: ".")).firstPair &+ 1 < run ? -1 : run
  }

  /// Copies an IPv6 address in brackets; returns where it ends, 0 if malformed.
  private static func readLiteral(
    _ p: UnsafePointer<UInt8>, _ count: Int, _ name: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var end = 1
    while end < count, p[end] != UInt8(ascii: "]") { end += 1 }
    guard end < count, (1..<end).contains(where: { p[$0] == Octet.colon }), IPAddress(p + 1, end - 1) != nil else {
      return 0
    }
    for index in 0...end { name[index] = Octet.lower(p[index]) }
    return end + 1
  }

  /// 1 ... 65535 without leading zeros.
  private static func readPort(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int32? {
    guard count > 0, count <= 5, p[0] != UInt8(ascii: "0") else { return nil }
    var port: Int32 = 0
    for index in 0..<count {
      guard p[index] &- 0x30 <= 9 else { return nil }
      port = port * 10 + Int32(p[index] &- 0x30)
    }
    return port <= 65535 ? port : nil
  }
}
