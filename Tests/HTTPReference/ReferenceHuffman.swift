import HTTP

/// A slow reader of the strings of HPACK (RFC 7541 §5.2): one bit after the other, against a list of all codes.
package struct ReferenceHuffman: Sendable {
  /// The codes of RFC 7541 appendix B.
  package static let shared = ReferenceHuffman()

  /// Symbols by their codes, each behind a 1 that keeps its leading zeros.
  private let symbols: [UInt32: UInt8]

  private init() {
    var symbols: [UInt32: UInt8] = [:]
    for symbol in UInt8.min...UInt8.max {
      // Eight times the same symbol take as many bytes as its code has bits.
      let eight = [UInt8](repeating: symbol, count: 8)
      var coded = [UInt8](repeating: 0, count: 40)
      let length = HuffmanCode.shared.encode(eight, 8, to: &coded)
      symbols[ReferenceHuffman.bits(coded).prefix(length).reduce(1) { $0 << 1 | $1 }] = symbol
    }
    self.symbols = symbols
  }

  private static func bits(_ bytes: some Collection<UInt8>) -> [UInt32] {
    bytes.flatMap { byte in (0..<8).map { UInt32(byte >> (7 - $0) & 1) } }
  }

  /// The string that `bytes` are the code of; nil when they are malformed.
  package func decode(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    var text: [UInt8] = []
    var code: UInt32 = 1
    for bit in ReferenceHuffman.bits(bytes) {
      code = code << 1 | bit
      if let symbol = symbols[code] {
        text.append(symbol)
        code = 1
      }
      // Thirty bits that are no symbol are EOS, which no string may hold.
      if code >= 1 << 30 { return nil }
    }
    // What is left is the beginning of EOS, less than a byte of it.
    return code < 1 << 8 && code & (code + 1) == 0 ? text : nil
  }
}
