import HTTP
import HTTPReference

/// Strings of HPACK: the decoder and the slow one tell the same, whatever the room, and what is coded is read back.
enum HuffmanStrings {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count <= 1024 else { return }
    let expected = ReferenceHuffman.shared.decode(bytes)
    // No code is shorter than five bits.
    let most = bytes.count * 8 / 5
    try requireEqual(decode(bytes, most), expected.map { .text($0) } ?? .malformed, "the decoders differ")
    for room in cuts(of: most) {
      let found = decode(bytes, room)
      if let expected {
        try requireEqual(found, expected.count > room ? .tooLong : .text(expected), "with room for \(room)")
      } else {
        // What does not fit is not looked at.
        try require(found == .malformed || found == .tooLong, "\(found) with room for \(room) of a malformed string")
      }
    }
    if let expected { try requireEqual(encode(expected), bytes, "two codes for one string") }
    try requireEqual(decode(encode(bytes), bytes.count), .text(bytes), "not read as it was written")
  }

  private enum Outcome: Equatable {
    case text([UInt8])
    case malformed, tooLong
  }

  private static func decode(_ bytes: [UInt8], _ room: Int) -> Outcome {
    let input = PaddedCopy(bytes)
    // Exactly as much memory as there is room: a sanitizer sees what is written behind it.
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    defer { place.deallocate() }
    let count = HuffmanCode.shared.decode(input.base, bytes.count, to: place, capacity: room)
    if count < 0 { return count == -1 ? .malformed : .tooLong }
    return .text(Array(UnsafeBufferPointer(start: place, count: count)))
  }

  private static func encode(_ bytes: [UInt8]) -> [UInt8] {
    let input = PaddedCopy(bytes)
    let room = HuffmanCode.shared.encodedCount(input.base, bytes.count)
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    defer { place.deallocate() }
    let count = HuffmanCode.shared.encode(input.base, bytes.count, to: place)
    precondition(count == room, "a length that was not foretold")
    return Array(UnsafeBufferPointer(start: place, count: count))
  }
}
