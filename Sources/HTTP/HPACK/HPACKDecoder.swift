import Primitives

/// What came of decoding one field.
public enum HPACKOutcome: UInt8, Sendable, BitwiseCopyable {
  /// A field: its name, two unused bytes, its value.
  case field
  /// A field that is longer than the room for it; it is left out, and the decoder stays in step.
  case tooLong
  /// The block is at its end.
  case end
  /// The block is malformed: COMPRESSION_ERROR for the connection.
  case malformed
}

/// Decodes field blocks of HPACK (RFC 7541), one block after the other, for the life of a connection.
public struct HPACKDecoder: ~Copyable {
  /// Bytes of room that every field that can enter the table fits in.
  public let leastRoom: Int
  /// Bytes of the name decoded last.
  public private(set) var nameCount = 0
  /// Bytes of the value decoded last.
  public private(set) var valueCount = 0

  private var table: DynamicTable
  private let fixed = StaticTable.shared
  private let huffman = HuffmanCode.shared
  private var at: UnsafePointer<UInt8>
  private var end: UnsafePointer<UInt8>
  /// Whether a field was seen in this block: size updates come before all of them.
  private var hasField = false

  /// A decoder whose table may have `tableSize` bytes: what we announced as SETTINGS_HEADER_TABLE_SIZE.
  public init(tableSize: Int) {
    table = DynamicTable(capacity: tableSize)
    leastRoom = tableSize + 64
    at = UnsafePointer(bitPattern: 1)!
    end = at
  }

  /// Starts with a block, which must stay where it is until its end was told.
  public mutating func begin(_ block: UnsafePointer<UInt8>, _ count: Int) {
    at = block
    end = block + count
    hasField = false
  }

  /// Decodes the next field to `place`: the name, two bytes of room, the value. `capacity` is at least `leastRoom`.
  public mutating func next(into place: UnsafeMutablePointer<UInt8>, capacity: Int) -> HPACKOutcome {
    while at < end {
      let first = at.pointee
      if first & 0x80 != 0 { return indexed(place, capacity) }
      if first & 0xE0 != 0x20 {
        hasField = true
        return first & 0x40 != 0
          ? literal(place, capacity, prefix: 6, isIndexed: true) : literal(place, capacity, prefix: 4, isIndexed: false)
      }
      let size = HPACKInteger.read(&at, end, prefix: 5)
      guard !hasField, size >= 0, size <= table.capacity else { return .malformed }
      table.resize(to: size)
    }
    return .end
  }

  /// An indexed field (RFC 7541 §6.1).
  private mutating func indexed(_ place: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> HPACKOutcome {
    hasField = true
    let index = HPACKInteger.read(&at, end, prefix: 7)
    guard index > 0, index <= StaticTable.count &+ table.count else { return .malformed }
    if index <= StaticTable.count {
      let (name, value) = (fixed.name(index), fixed.value(index))
      return copy(name.baseAddress!, name.count, value.baseAddress!, value.count, place, capacity)
    }
    let field = table.field(index &- StaticTable.count &- 1)
    return copy(field.name, field.nameCount, field.value, field.valueCount, place, capacity)
  }

  @inline(__always)
  private mutating func copy(
    _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int,
    _ place: UnsafeMutablePointer<UInt8>, _ capacity: Int
  ) -> HPACKOutcome {
    self.nameCount = nameCount
    self.valueCount = valueCount
    guard nameCount &+ valueCount &+ 2 <= capacity else { return .tooLong }
    place.update(from: name, count: nameCount)
    (place + nameCount + 2).update(from: value, count: valueCount)
    return .field
  }

  /// A literal field (RFC 7541 §6.2).
  private mutating func literal(
    _ place: UnsafeMutablePointer<UInt8>, _ capacity: Int, prefix: UInt8, isIndexed: Bool
  ) -> HPACKOutcome {
    let index = HPACKInteger.read(&at, end, prefix: prefix)
    guard index >= 0, index <= StaticTable.count &+ table.count else { return .malformed }
    nameCount = index == 0 ? string(place, capacity) : copyName(index, place, capacity)
    guard nameCount != -1 else { return .malformed }
    let start = max(0, nameCount) &+ 2
    valueCount = string(place + min(start, capacity), max(0, capacity &- start))
    guard valueCount != -1 else { return .malformed }
    guard nameCount >= 0, valueCount >= 0 else {
      if isIndexed { table.clear() }
      return .tooLong
    }
    if isIndexed { table.insert(place, nameCount, place + start, valueCount) }
    return .field
  }

  /// Copies the name of an entry; returns its length, -2 when it does not fit.
  @inline(__always)
  private func copyName(_ index: Int, _ place: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
    if index <= StaticTable.count {
      let name = fixed.name(index)
      guard name.count <= capacity else { return -2 }
      place.update(from: name.baseAddress!, count: name.count)
      return name.count
    }
    let field = table.field(index &- StaticTable.count &- 1)
    guard field.nameCount <= capacity else { return -2 }
    place.update(from: field.name, count: field.nameCount)
    return field.nameCount
  }

  /// Decodes a string (RFC 7541 §5.2); returns its length, -1 when malformed, -2 when it does not fit.
  private mutating func string(_ place: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
    guard at < end else { return -1 }
    let isCoded = at.pointee & 0x80 != 0
    let count = HPACKInteger.read(&at, end, prefix: 7)
    guard count >= 0, count <= end - at else { return -1 }
    let start = at
    at += count
    if isCoded { return huffman.decode(start, count, to: place, capacity: capacity) }
    guard count <= capacity else { return -2 }
    place.update(from: start, count: count)
    return count
  }
}
