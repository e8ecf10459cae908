/// A fixed set of names, looked up by their bytes without making a String.
struct NameTable: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var start: Int32
    var count: Int32
    var value: Int32
  }

  private let bytes: UnsafeMutablePointer<UInt8>
  private let slots: UnsafeMutablePointer<Slot>
  private let mask: Int
  /// The names, sorted, for suggestions.
  let names: [String]

  /// A table of these names and their numbers (0 ... 2^31 - 1).
  init(_ values: [String: Int]) {
    names = values.keys.sorted()
    var capacity = 8
    while capacity < values.count * 2 { capacity *= 2 }
    mask = capacity - 1
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(start: 0, count: -1, value: -1), count: capacity)
    bytes = .allocate(capacity: max(1, values.keys.reduce(0) { $0 + $1.utf8.count }))
    var used = 0
    for name in names {
      let start = used
      for byte in name.utf8 {
        bytes[used] = byte
        used += 1
      }
      var at = NameTable.hash(bytes + start, used - start) & mask
      while slots[at].count >= 0 { at = (at + 1) & mask }
      slots[at] = Slot(start: Int32(start), count: Int32(used - start), value: Int32(values[name]!))
    }
  }

  deinit {
    bytes.deallocate()
    slots.deallocate()
  }

  /// The number of the name of these bytes, or -1.
  func value(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var at = NameTable.hash(name, count) & mask
    while slots[at].count >= 0 {
      if Int(slots[at].count) == count, isEqual(bytes + Int(slots[at].start), name, count) { return slots[at].value }
      at = (at + 1) & mask
    }
    return -1
  }

  private func isEqual(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    for index in 0..<count where a[index] != b[index] { return false }
    return true
  }

  // FNV-1a; the names are the operator's own and few.
  private static func hash(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<count { hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7FFF_FFFF)
  }
}
