import Primitives

/// Encodes field blocks of HPACK (RFC 7541), one block after the other, for the life of a connection.
///
/// A few fields that answers repeat and that are no secrets enter the peer's table; of all others nothing can be learnt
/// from the size of a block (§7.1). Strings are Huffman-coded where that is shorter. A head of n bytes in HTTP/1.1 makes
/// a block of at most `room(n)`: compression never adds more than a field's punctuation there takes away.
public struct HPACKEncoder: ~Copyable {
  /// Room for the block of a head of `count` bytes.
  @inlinable public static func room(_ count: Int) -> Int { 2 * count + 64 }

  private let fixed = StaticTable.shared
  private let huffman = HuffmanCode.shared
  private var repeated = RepeatedFields()
  private var start: UnsafeMutablePointer<UInt8>
  private var place: UnsafeMutablePointer<UInt8>

  /// An encoder at the start of a connection.
  public init() {
    start = UnsafeMutablePointer(bitPattern: 1)!
    place = start
  }

  /// Starts a block at `place`, which has room for it.
  public mutating func begin(at place: UnsafeMutablePointer<UInt8>) {
    start = place
    self.place = place
    guard let size = repeated.takeSizeUpdate() else { return }
    self.place = HPACKInteger.write(size, prefix: 5, flags: 0x20, to: place)
  }

  /// Bytes of the block so far.
  public var count: Int { place - start }

  /// Follows what the peer announces as SETTINGS_HEADER_TABLE_SIZE.
  mutating func follow(tableSize: Int) { repeated.follow(tableSize: tableSize) }

  /// Adds `:status`, 100 ... 999.
  public mutating func add(status: UInt16) {
    switch status {
    case 200: addIndexed(8)
    case 204: addIndexed(9)
    case 206: addIndexed(10)
    case 304: addIndexed(11)
    case 400: addIndexed(12)
    case 404: addIndexed(13)
    case 500: addIndexed(14)
    default:
      place[0] = 8
      place[1] = 3
      place[2] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: status / 100)
      place[3] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: status / 10 % 10)
      place[4] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: status % 10)
      place += 5
    }
  }

  /// Adds an entry of the static table, 1 ... 61, name and value.
  public mutating func addIndexed(_ index: Int) {
    place.pointee = 0x80 | UInt8(truncatingIfNeeded: index)
    place += 1
  }

  /// Adds a field whose line is in `base`, its name in lower case. Sixteen bytes behind the line are readable.
  public mutating func add(_ field: Field, in base: UnsafePointer<UInt8>) {
    let value = base + Int(field.value.start)
    if field.id != .other, !field.hasUnderscore {
      let index = fixed.index(of: field.id)
      if index > 0 { return add(named: index, value, field.value.count) }
    }
    add(base + Int(field.name.start), field.name.count, value, field.value.count)
  }

  /// Adds a field, its name in lower case. Sixteen bytes behind name and value are readable.
  public mutating func add(
    _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int
  ) {
    guard nameCount <= HPACKEncoder.shortName else {
      addLong(name, nameCount)
      return add(string: value, valueCount)
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: HPACKEncoder.shortName + 16) { lowered in
      let lower = lowered.baseAddress!
      var at = 0
      while at < nameCount {
        ByteBlock(name + at).writeLowercase(to: lower + at)
        at &+= 16
      }
      let index = fixed.index(ofName: lower, nameCount)
      if index > 0 { return add(named: index, value, valueCount) }
      place.pointee = 0
      place += 1
      add(string: lower, nameCount)
      add(string: value, valueCount)
    }
  }

  /// The longest name that is looked up.
  private static let shortName = 64

  /// Adds a value under the name of an entry of the static table.
  public mutating func add(named index: Int, _ value: UnsafePointer<UInt8>, _ count: Int) {
    guard RepeatedFields.names >> UInt64(index) & 1 != 0, count <= RepeatedFields.longestValue else {
      place = HPACKInteger.write(index, prefix: 4, flags: 0, to: place)
      return add(string: value, count)
    }
    let known = repeated.find(index, value, count)
    if known > 0 {
      place = HPACKInteger.write(known, prefix: 7, flags: 0x80, to: place)
      return
    }
    place = HPACKInteger.write(index, prefix: 6, flags: 0x40, to: place)
    add(string: value, count)
  }

  private mutating func addLong(_ name: UnsafePointer<UInt8>, _ count: Int) {
    place.pointee = 0
    place = HPACKInteger.write(count, prefix: 7, flags: 0, to: place + 1)
    for index in 0..<count { place[index] = Octet.lower(name[index]) }
    place += count
  }

  /// Adds a string (RFC 7541 §5.2).
  private mutating func add(string p: UnsafePointer<UInt8>, _ count: Int) {
    let coded = huffman.encodedCount(p, count)
    if coded < count {
      place = HPACKInteger.write(coded, prefix: 7, flags: 0x80, to: place)
      place += huffman.encode(p, count, to: place)
    } else {
      place = HPACKInteger.write(count, prefix: 7, flags: 0, to: place)
      place.update(from: p, count: count)
      place += count
    }
  }
}
