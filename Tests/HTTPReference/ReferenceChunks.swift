import HTTP

/// A slow reader of chunked bodies, written from RFC 9112 §7.1 over whole arrays.
package struct ReferenceChunks: Equatable {
  /// The data so far.
  package var data: [UInt8] = []
  /// Bytes before the trailer section, or all of them.
  package var consumed = 0
  /// Where the body stands; `consumed` means nothing of a bad one.
  package var state = ChunkedState.more

  private static let extensionStart = UInt8(ascii: ";")
  private static let tokenBytes = Set(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

  /// Reads the body at the start of `bytes`.
  package init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while state == .more, !rest.isEmpty {
      guard let size = takeSizeLine(&rest) else { break }
      if size == 0 {
        state = .trailers
        break
      }
      let piece = rest.prefix(Int(clamping: size))
      data += piece
      rest = rest.dropFirst(piece.count)
      if piece.count < size { break }
      take(13, &rest)
      take(10, &rest)
    }
    consumed = state == .trailers ? rest.startIndex : bytes.count
  }

  /// Takes one byte, which must be this one if there is any.
  private mutating func take(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) {
    guard let first = rest.popFirst() else { return }
    if first != byte { state = .bad }
  }

  /// The size that a whole line gives; nil when the line is bad or not in whole.
  private mutating func takeSizeLine(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    let line = rest.prefix { $0 != 13 }
    let isWhole = line.endIndex < rest.endIndex
    let digits = line.prefix { $0 != ReferenceChunks.extensionStart }
    let text = String(decoding: digits, as: UTF8.self)
    let isHexadecimal = digits.allSatisfy { $0 < 128 && Character(UnicodeScalar($0)).isHexDigit }
    let size = UInt64(text, radix: 16)
    let isFine =
      isHexadecimal && digits.count <= 16 && size ?? 0 <= ChunkedDecoder.sizeBound
      && line.count <= ChunkedDecoder.lineBound && isExtension(line[digits.endIndex...], isWhole)
    // The size alone has no line to be too long for, and an empty one is only fine while it may still come.
    guard isFine, size != nil || (line.isEmpty && !isWhole) else {
      state = .bad
      return nil
    }
    rest = rest[line.endIndex...]
    guard isWhole else { return nil }
    take(13, &rest)
    guard let lineFeed = rest.first else { return nil }
    take(10, &rest)
    return lineFeed == 10 ? size : nil
  }

  /// Whether `text`, empty or `;` and what follows, is an extension or, unless it is whole, may become one.
  private func isExtension(_ text: ArraySlice<UInt8>, _ isWhole: Bool) -> Bool {
    guard !text.isEmpty else { return true }
    let name = text.dropFirst().drop { $0 == 32 }
    guard let first = name.first else { return !isWhole }
    return ReferenceChunks.tokenBytes.contains(first) && text.allSatisfy { $0 >= 32 && $0 != 127 }
  }
}
