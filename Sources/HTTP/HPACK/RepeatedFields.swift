import Primitives

/// What the encoder knows of the peer's table: fields that answers repeat, found by a hash of name and value.
///
/// It keeps to a small part of the table. The peer may keep more, which makes no difference: entries are counted from
/// the newest.
struct RepeatedFields: ~Copyable {
  /// Bytes of the table that are used.
  static let size = 1024
  /// Bytes of a value that is worth a place.
  static let longestValue = 200
  /// Names that answers repeat with the same value, by index of the static table: Accept-Ranges, Access-Control-Allow-
  /// Origin, Cache-Control, Content-Encoding, Content-Language, Content-Type, Date, Server, Strict-Transport-Security,
  /// Vary and Via.
  static let names: UInt64 = [18, 20, 24, 26, 27, 31, 33, 54, 56, 59, 60].reduce(0) { $0 | 1 << UInt64($1) }

  private static let slots = 64
  private var table = DynamicTable(capacity: RepeatedFields.size)
  private let fixed = StaticTable.shared
  /// Which insertion, from 1, put a field of this hash into the table; memory comes with the first.
  private var insertions: UnsafeMutablePointer<UInt32>?
  private var inserted: UInt32 = 0
  /// What the peer's table may hold, as far as it said, and whether it must be told of a smaller size.
  private var announced = 4096
  private var mustUpdate = false

  init() {}

  deinit { insertions?.deallocate() }

  /// The index of a field; 0 when it was not in the table, where it is from now on as the newest entry, if it fits.
  mutating func find(_ index: Int, _ value: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let slot = RepeatedFields.slot(index, value, count)
    let insertions = self.insertions ?? makeSlots()
    let age = Int(inserted &- insertions[slot])
    let name = fixed.name(index)
    if insertions[slot] > 0, age < table.count {
      let field = table.field(age)
      if field.valueCount == count, field.nameCount == name.count,
        ByteComparison.areEqual(field.value, value, count),
        ByteComparison.areEqual(field.name, name.baseAddress!, name.count)
      {
        return StaticTable.count &+ 1 &+ age
      }
    }
    table.insert(name.baseAddress!, name.count, value, count)
    inserted &+= 1
    insertions[slot] = inserted
    return 0
  }

  private mutating func makeSlots() -> UnsafeMutablePointer<UInt32> {
    let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: RepeatedFields.slots)
    slots.initialize(repeating: 0, count: RepeatedFields.slots)
    insertions = slots
    return slots
  }

  /// Eight bytes at a time; up to seven behind the value are read, and left out.
  @inline(__always)
  private static func slot(_ index: Int, _ value: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let raw = UnsafeRawPointer(value)
    var hash = UInt64(truncatingIfNeeded: index &* 31 &+ count)
    var at = 0
    while at < count {
      var word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      let rest = count &- at
      if rest < 8 { word &= ~(UInt64.max << UInt64(rest &* 8)) }
      hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
      at &+= 8
    }
    return Int(truncatingIfNeeded: hash & UInt64(slots - 1))
  }

  /// Follows what the peer announces: it must be told of every table that is smaller than before (RFC 7541 §4.2). What
  /// is used never grows again, so that one update tells the smallest of several sizes.
  mutating func follow(tableSize: Int) {
    if tableSize < announced {
      table.resize(to: min(tableSize, table.limit))
      mustUpdate = true
    }
    announced = tableSize
  }

  /// The size that the next block must begin with, if any.
  mutating func takeSizeUpdate() -> Int? {
    guard mustUpdate else { return nil }
    mustUpdate = false
    return table.limit
  }
}
