import HTTP
import HTTPReference

/// Chunked bodies: the decoder over any pieces and the slow reader over the whole tell the same.
enum Chunks {
  static func run(_ bytes: [UInt8]) throws {
    let expected = ReferenceChunks(bytes)
    try compare(bytes, [bytes.count], expected)
    try compare(bytes, Array(1...max(1, bytes.count)), expected)
    for cut in cuts(of: bytes.count) { try compare(bytes, [cut, bytes.count], expected) }
    try writing(bytes)
  }

  /// Decodes pieces that end at `ends`.
  private static func compare(_ bytes: [UInt8], _ ends: [Int], _ expected: ReferenceChunks) throws {
    var decoder = ChunkedDecoder()
    var data: [UInt8] = []
    var (start, consumed, state) = (0, 0, ChunkedState.more)
    for end in ends where state == .more && end <= bytes.count {
      let copy = PaddedCopy(bytes[start..<end])
      let progress = decoder.compact(copy.base, copy.count)
      data += copy.prefix(progress.data)
      let rest = copy.prefix(copy.count).dropFirst(progress.consumed)
      try require(rest.elementsEqual(bytes[(start + progress.consumed)..<end]), "what was not used has changed")
      (consumed, state, start) = (consumed + progress.consumed, progress.state, end)
    }
    try requireEqual(state, expected.state, "states differ in pieces up to \(ends)")
    try requireEqual(data, expected.data, "data differ in pieces up to \(ends)")
    if state != .bad { try requireEqual(consumed, expected.consumed, "lengths differ in pieces up to \(ends)") }
  }

  /// What is framed is read back: the input as the data of chunks whose sizes its bytes choose.
  private static func writing(_ bytes: [UInt8]) throws {
    var wire: [UInt8] = []
    var rest = bytes[...]
    while let first = rest.first {
      let piece = rest.prefix(Int(first) + 1)
      let header = PaddedCopy([UInt8](repeating: 0, count: ChunkFraming.maximumHeaderCount))
      wire += header.prefix(ChunkFraming.writeHeader(size: piece.count, into: header.base))
      wire += piece + [13, 10]
      rest = rest.dropFirst(piece.count)
    }
    let read = ReferenceChunks(wire + Array("0\r\n".utf8))
    try require(read.state == .trailers && read.data == bytes, "what was framed is not what is read")
  }
}
