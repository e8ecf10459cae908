import HTTP
import Primitives

/// Takes any bytes where HTTP/2 is read: what two ways tell differently, or `nil`. None of them may trap.
enum HTTP2Probes {
  /// A string, coded and read back; and what is read of the bytes as a code, coded again.
  static func huffman(_ bytes: [UInt8]) -> String? {
    let code = HuffmanCode.shared
    let input = PaddedBytes(bytes)
    var coded = [UInt8](repeating: 0, count: 4 * bytes.count + 8)
    var read = [UInt8](repeating: 0, count: 2 * bytes.count + 8)
    let count = code.encode(input.base, bytes.count, to: &coded)
    guard count == code.encodedCount(input.base, bytes.count) else { return "a length that was not foretold" }
    guard code.decode(coded, count, to: &read, capacity: bytes.count) == bytes.count, read.starts(with: bytes) else {
      return "not read as it was written"
    }
    let found = code.decode(input.base, bytes.count, to: &read, capacity: read.count)
    guard found >= 0 else { return nil }
    let again = code.encode(read, found, to: &coded)
    return again == bytes.count && coded.starts(with: bytes) ? nil : "two codes for one string"
  }

  /// A field block: what is decoded, encoded anew and decoded again is the same but for capitals.
  static func fieldBlock(_ bytes: [UInt8]) -> String? {
    var decoder = HPACKDecoder(tableSize: 256)
    guard let fields = decode(&decoder, bytes) else { return nil }
    var encoder = HPACKEncoder()
    let room = HPACKEncoder.room(fields.reduce(0) { $0 + $1.name.count + $1.value.count + 4 })
    let block = [UInt8](unsafeUninitializedCapacity: room + 256) { buffer, count in
      encoder.begin(at: buffer.baseAddress!)
      for field in fields {
        let (name, value) = (PaddedBytes(field.name), PaddedBytes(field.value))
        encoder.add(name.base, name.count, value.base, value.count)
      }
      count = encoder.count
    }
    guard block.count <= room else { return "more than the room that was promised" }
    var second = HPACKDecoder(tableSize: 4096)
    guard let again = decode(&second, block) else { return "a block of ours that can't be decoded" }
    let lowered = fields.map { field in field.name.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } }
    return again.map(\.name) == lowered && again.map(\.value) == fields.map(\.value) ? nil : "fields differ"
  }

  private static func decode(_ decoder: inout HPACKDecoder, _ bytes: [UInt8]) -> [(name: [UInt8], value: [UInt8])]? {
    let input = PaddedBytes(bytes)
    var fields: [(name: [UInt8], value: [UInt8])] = []
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: 8192)
    defer { place.deallocate() }
    decoder.begin(input.base, bytes.count)
    while true {
      switch decoder.next(into: place, capacity: 8192) {
      case .field:
        fields.append(
          (
            Array(UnsafeBufferPointer(start: place, count: decoder.nameCount)),
            Array(UnsafeBufferPointer(start: place + decoder.nameCount + 2, count: decoder.valueCount))
          ))
      case .tooLong: continue
      case .end: return fields
      case .malformed: return nil
      }
    }
  }

  /// A whole connection of a client: any pieces tell the same, and every head that is let through is one.
  static func stream(_ bytes: [UInt8]) -> String? {
    let whole = talk(bytes, pieces: .max)
    for size in [1, 7, 100] {
      let pieces = talk(bytes, pieces: size)
      guard pieces.log == whole.log, pieces.frames == whole.frames else { return "pieces of \(size) tell otherwise" }
    }
    return whole.heads.compactMap(headIsBad).first
  }

  private static func talk(_ bytes: [UInt8], pieces: Int) -> (log: [String], frames: [String], heads: [String]) {
    var bounds = HTTP2Bounds()
    bounds.headerSize = 1024
    bounds.headerCount = 8
    bounds.streams = 4
    let talk = Talk(.server, bounds)
    talk.keepsHeads = true
    talk.say(bytes, pieces: pieces)
    // How DATA was cut up is no difference.
    return (talk.log.filter { !$0.hasPrefix("data") }, talk.frames, talk.heads)
  }

  /// A head that was let through has no line that a reader of HTTP/1.1 would not take for a line of a head.
  private static func headIsBad(_ head: String) -> String? {
    guard head.hasSuffix("\r\n\r\n") || head == "\r\n" else { return "a head without an end" }
    // A line end is one character.
    for line in head.dropLast(2).split(separator: "\r\n", omittingEmptySubsequences: false) {
      if line.unicodeScalars.contains(where: { $0.value < 32 && $0.value != 9 }) { return "a control in a line" }
      if line.isEmpty, head.count > 1 { return "an end within a head" }
    }
    return nil
  }
}
