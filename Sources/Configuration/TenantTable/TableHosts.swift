import Primitives

/// The hosts of one line: checked, lower-cased, without a trailing dot, kept in memory that all lines share.
struct TableHosts: ~Copyable {
  /// Why a host is refused.
  enum Fault {
    case empty, bareWildcard, innerWildcard, port, notASCII, badByte, label, tooLong
  }

  /// Bytes of a host name (RFC 1035, section 2.3.4), its `*.` not counted.
  static let longest = 253

  /// The hosts' bytes; `ranges` are offsets here.
  let bytes: UnsafeMutablePointer<UInt8>
  /// The hosts of the line, `count` of them.
  let ranges: UnsafeMutablePointer<ByteRange>
  private(set) var count = 0
  private var used = 0
  // What a byte of a name becomes; 0 for those that can't stand in one, the dot and the hyphen as themselves.
  private let folded: UnsafeMutablePointer<UInt8>

  /// Room for the hosts of a line of `lineBound` bytes.
  init(lineBound: Int) {
    bytes = .allocate(capacity: lineBound)
    ranges = .allocate(capacity: lineBound / 2 + 1)
    folded = .allocate(capacity: 256)
    folded.initialize(repeating: 0, count: 256)
    for byte in UInt8(ascii: "a")...UInt8(ascii: "z") {
      folded[Int(byte)] = byte
      folded[Int(byte) - 32] = byte
    }
    for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { folded[Int(byte)] = byte }
    for byte in [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")] { folded[Int(byte)] = byte }
  }

  deinit {
    bytes.deallocate()
    ranges.deallocate()
    folded.deallocate()
  }

  /// Forgets the hosts of the line before.
  mutating func removeAll() {
    count = 0
    used = 0
  }

  /// Takes one host; nothing is kept of one that is refused.
  mutating func append(_ text: UnsafePointer<UInt8>, _ length: Int) -> Fault? {
    var at = 0
    var out = used
    if length >= 2, text[0] == UInt8(ascii: "*"), text[1] == UInt8(ascii: ".") {
      bytes[out] = text[0]
      bytes[out + 1] = text[1]
      out += 2
      at = 2
    }
    let name = out
    var label = out
    while at < length {
      let byte = folded[Int(text[at])]
      if byte == UInt8(ascii: ".") {
        if !isLabel(label, out) { return reason(text, length) }
        label = out + 1
      } else if byte == 0 {
        return reason(text, length)
      }
      bytes[out] = byte
      out += 1
      at += 1
    }
    if label == out, out > name { out -= 1 } else if !isLabel(label, out) { return reason(text, length) }
    if out - name > TableHosts.longest { return .tooLong }
    ranges[count] = ByteRange(Int32(used), Int32(out))
    count += 1
    used = out
    return nil
  }

  /// Whether the bytes between are a label: 1 ... 63 of them, none of the ends a hyphen.
  private func isLabel(_ start: Int, _ end: Int) -> Bool {
    end > start && end - start <= 63 && bytes[start] != UInt8(ascii: "-") && bytes[end - 1] != UInt8(ascii: "-")
  }

  @inline(never)
  private func reason(_ text: UnsafePointer<UInt8>, _ length: Int) -> Fault {
    if length == 0 { return .empty }
    let text = UnsafeBufferPointer(start: text, count: length)
    if text.count == 1 || text.count == 2, text.first == UInt8(ascii: "*") { return .bareWildcard }
    if text.dropFirst().contains(UInt8(ascii: "*")) || text.first == UInt8(ascii: "*") && text[1] != UInt8(ascii: ".") {
      return .innerWildcard
    }
    if text.contains(where: { $0 >= 0x80 }) { return .notASCII }
    if text.contains(UInt8(ascii: ":")) { return .port }
    if text.contains(where: { folded[Int($0)] == 0 && $0 != UInt8(ascii: "*") }) { return .badByte }
    return .label
  }
}

extension TableHosts.Fault {
  /// The fault in the operator's words.
  var message: String {
    switch self {
    case .empty: "a host is missing here"
    case .bareWildcard: "'*' alone would take every host; write '*.example.com'"
    case .innerWildcard: "'*' may only stand first, before a dot, as in '*.example.com'"
    case .port: "a host is a name without scheme or port"
    case .notASCII: "a host is written in ASCII; use the 'xn--' form of this name"
    case .badByte: "a host has letters, digits, '-', '_' and dots only"
    case .label: "the parts of a host have 1 to 63 bytes and neither start nor end with '-'"
    case .tooLong: "a host has at most \(TableHosts.longest) bytes"
    }
  }
}
