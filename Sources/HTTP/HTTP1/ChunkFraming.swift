/// Writes the framing of chunks.
public enum ChunkFraming {
  /// The most bytes that `writeHeader` writes.
  public static let maximumHeaderCount = 18

  /// Writes the size of a chunk and CRLF to `place`, with room for 18 bytes; returns how many they are.
  public static func writeHeader(size: Int, into place: UnsafeMutablePointer<UInt8>) -> Int {
    let digits = max(1, (67 &- size.leadingZeroBitCount) >> 2)
    var rest = UInt(bitPattern: size)
    for index in stride(from: digits &- 1, through: 0, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      place[index] = digit &+ (digit < 10 ? 0x30 : 0x57)
      rest >>= 4
    }
    place[digits] = Octet.carriageReturn
    place[digits &+ 1] = Octet.lineFeed
    return digits &+ 2
  }
}
