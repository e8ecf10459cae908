import HTTPReference

@testable import HTTP

/// Field blocks, one behind the other: the decoder and the slow one tell the same, and what is encoded is read back.
///
/// The first byte says how large the table is; then each block follows a byte with its length.
enum FieldBlocks {
  private typealias Field = ReferenceFieldDecoder.Field

  private static let sizes = [4096, 0, 64, 300]
  /// Room for every field that an input of 4,096 bytes can spell.
  private static let room = 16 << 10

  static func run(_ bytes: [UInt8]) throws {
    guard let first = bytes.first, bytes.count <= 4096 else { return }
    let blocks = blocks(bytes.dropFirst())
    let size = sizes[Int(first & 3)]
    let fields = try decoding(blocks, size)
    try encoding(fields, sizes: blocks.map { $0.first.map { Int($0) * 16 } ?? 4096 })
    try encoding(blocks.map(texts), sizes: [])
  }

  private static func blocks(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
    var blocks: [[UInt8]] = []
    var rest = bytes
    while let length = rest.popFirst() {
      blocks.append(Array(rest.prefix(Int(length))))
      rest = rest.dropFirst(Int(length))
    }
    return blocks
  }

  /// Decodes all blocks until one is malformed, with much room and with the least; returns their fields.
  private static func decoding(_ blocks: [[UInt8]], _ size: Int) throws -> [[Field]] {
    var expected = ReferenceFieldDecoder(tableSize: size)
    var decoder = HPACKDecoder(tableSize: size)
    var narrow = HPACKDecoder(tableSize: size)
    var all: [[Field]] = []
    for block in blocks {
      let fields = expected.decode(block)
      try requireEqual(decode(&decoder, block, room: room), fields, "the decoders differ in block \(all.count)")
      guard let fields else { return all }
      // What does not fit is left out, and the table stays in step.
      let least = narrow.leastRoom
      let fitting = fields.filter { $0.name.count + 2 + $0.value.count <= least }
      try requireEqual(decode(&narrow, block, room: least), fitting, "in the least room, block \(all.count)")
      all.append(fields)
    }
    return all
  }

  private static func decode(_ decoder: inout HPACKDecoder, _ block: [UInt8], room: Int) -> [Field]? {
    let input = PaddedCopy(block)
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    defer { place.deallocate() }
    var fields: [Field] = []
    decoder.begin(input.base, block.count)
    while true {
      switch decoder.next(into: place, capacity: room) {
      case .field:
        let value = place + decoder.nameCount + 2
        fields.append(
          Field(
            name: Array(UnsafeBufferPointer(start: place, count: decoder.nameCount)),
            value: Array(UnsafeBufferPointer(start: value, count: decoder.valueCount))))
      case .tooLong: continue
      case .end: return fields
      case .malformed: return nil
      }
    }
  }

  /// The block's bytes as fields of their own, names in every spelling.
  private static func texts(_ block: [UInt8]) -> [Field] {
    block.split(separator: 10).map { line in
      if let first = line.first, first >= 0x80, line.count > 1 {
        // A name that the static table knows.
        return Field(name: Array(StaticTable.shared.name(Int(first) % 61 + 1)), value: Array(line.dropFirst()))
      }
      let parts = line.split(separator: 58, maxSplits: 1)
      return Field(name: Array(parts.first ?? [97]), value: parts.count > 1 ? Array(parts[1]) : [])
    }
  }

  /// Encodes blocks, while the peer announces now and then another size for its table, and reads them back.
  private static func encoding(_ blocks: [[Field]], sizes: [Int]) throws {
    var encoder = HPACKEncoder()
    var expected = ReferenceFieldDecoder(tableSize: 4096)
    var decoder = HPACKDecoder(tableSize: 4096)
    for (index, fields) in blocks.enumerated() {
      for size in sizes.dropFirst(2 * index).prefix(2) {
        encoder.follow(tableSize: size)
        expected.announce(size)
      }
      let block = encode(&encoder, fields)
      let lowered = fields.map { Field(name: $0.name.map(lower), value: $0.value) }
      try requireEqual(expected.decode(block), lowered, "the slow decoder reads block \(index) otherwise")
      try requireEqual(decode(&decoder, block, room: room), lowered, "block \(index) is read otherwise")
    }
  }

  private static func encode(_ encoder: inout HPACKEncoder, _ fields: [Field]) -> [UInt8] {
    // A head of HTTP/1.1 has four bytes more for each field.
    let room = HPACKEncoder.room(fields.reduce(0) { $0 + $1.name.count + $1.value.count + 4 })
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    defer { place.deallocate() }
    encoder.begin(at: place)
    for field in fields {
      let (name, value) = (PaddedCopy(field.name), PaddedCopy(field.value))
      encoder.add(name.base, name.count, value.base, value.count)
    }
    precondition(encoder.count <= room, "more than the room that was promised")
    return Array(UnsafeBufferPointer(start: place, count: encoder.count))
  }

  private static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}
