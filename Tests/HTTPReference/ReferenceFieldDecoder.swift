import HTTP

/// A slow decoder of field blocks, written from RFC 7541 with arrays.
package struct ReferenceFieldDecoder {
  /// A field of a block.
  package struct Field: Equatable {
    /// Its name as it came.
    package var name: [UInt8]
    /// Its value.
    package var value: [UInt8]

    /// A field of these parts.
    package init(name: [UInt8], value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  /// The dynamic table, the newest first.
  private var table: [Field] = []
  private var limit: Int
  /// The size that was announced, and the least since the last block where the encoder must answer to it.
  private var announced: Int
  private var least: Int?
  private var rest: ArraySlice<UInt8> = []

  /// A decoder whose table may have `tableSize` bytes.
  package init(tableSize: Int) {
    limit = tableSize
    announced = tableSize
  }

  /// Announces another size of the table, which the next block must answer if it is smaller (RFC 7541 §4.2).
  package mutating func announce(_ tableSize: Int) {
    announced = tableSize
    if tableSize < limit { least = min(least ?? tableSize, tableSize) }
  }

  /// The fields of a whole block; nil when it is malformed.
  package mutating func decode(_ block: some Collection<UInt8>) -> [Field]? {
    rest = Array(block)[...]
    var fields: [Field] = []
    while let first = rest.first {
      if first >> 5 == 1 {
        guard fields.isEmpty, resize() else { return nil }
      } else {
        guard least == nil, let field = field(first) else { return nil }
        fields.append(field)
      }
    }
    return fields
  }

  private mutating func resize() -> Bool {
    guard let size = integer(5), size <= announced, size <= least ?? size else { return false }
    least = nil
    limit = size
    evict(to: limit)
    return true
  }

  private mutating func field(_ first: UInt8) -> Field? {
    if first >> 7 == 1 { return integer(7).flatMap(entry) }
    let isIndexed = first >> 6 == 1
    guard let index = integer(isIndexed ? 6 : 4) else { return nil }
    guard let name = index == 0 ? string() : entry(index)?.name, let value = string() else { return nil }
    let field = Field(name: name, value: value)
    if isIndexed { insert(field) }
    return field
  }

  private func entry(_ index: Int) -> Field? {
    guard index > 0 else { return nil }
    if index <= StaticTable.count {
      return Field(name: Array(StaticTable.shared.name(index)), value: Array(StaticTable.shared.value(index)))
    }
    let age = index - StaticTable.count - 1
    return age < table.count ? table[age] : nil
  }

  private mutating func insert(_ field: Field) {
    let size = ReferenceFieldDecoder.size(field)
    evict(to: max(0, limit - size))
    if size <= limit { table.insert(field, at: 0) }
  }

  private mutating func evict(to bound: Int) {
    while table.reduce(0, { $0 + ReferenceFieldDecoder.size($1) }) > bound { table.removeLast() }
  }

  private static func size(_ field: Field) -> Int { field.name.count + field.value.count + 32 }

  /// An integer of at most 32 bits in at most five bytes behind its prefix.
  private mutating func integer(_ bits: UInt8) -> Int? {
    guard let first = rest.popFirst() else { return nil }
    let mask = Int(1 << bits) - 1
    guard Int(first) & mask == mask else { return Int(first) & mask }
    var value = mask
    for place in 0..<5 {
      guard let byte = rest.popFirst() else { return nil }
      value += Int(byte & 127) << (7 * place)
      if byte < 128 { return value < 1 << 32 ? value : nil }
    }
    return nil
  }

  private mutating func string() -> [UInt8]? {
    guard let first = rest.first, let count = integer(7), count <= rest.count else { return nil }
    let bytes = rest.prefix(count)
    rest = rest.dropFirst(count)
    return first >> 7 == 1 ? ReferenceHuffman.shared.decode(bytes) : Array(bytes)
  }
}
