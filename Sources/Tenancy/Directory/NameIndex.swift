/// Names to numbers: open addressing over a slot of eight bytes, half of the hash above a number plus one.
struct NameIndex: ~Copyable {
  private var slots: UnsafeMutablePointer<UInt64>
  private var mask: Int
  private(set) var count = 0

  /// Room for `capacity` names before it grows.
  init(capacity: Int) {
    var size = 16
    while size * 3 < capacity * 4 { size *= 2 }
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0, count: size)
    mask = size - 1
  }

  deinit { slots.deallocate() }

  /// The number of a name with `hash` for which `isEqual` holds; -1 when there is none.
  @inline(__always)
  func find(_ hash: UInt64, _ isEqual: (Int32) -> Bool) -> Int32 {
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let slot = slots[place]
      if slot == 0 { return -1 }
      if slot >> 32 == hash >> 32 {
        let number = Int32(truncatingIfNeeded: slot) &- 1
        if isEqual(number) { return number }
      }
      place = (place + 1) & mask
    }
  }

  /// The number in the first slot of `hash`, -1 when it is empty.
  @inline(__always)
  func guess(_ hash: UInt64) -> Int32 {
    Int32(truncatingIfNeeded: slots[Int(truncatingIfNeeded: hash) & mask]) &- 1
  }

  /// Adds a name that is not there; `rehash` tells the hash of a number when the table grows.
  mutating func insert(_ hash: UInt64, _ number: Int32, rehash: (Int32) -> UInt64) {
    if (count + 1) * 4 > (mask + 1) * 3 { grow(rehash) }
    place(hash, number)
    count += 1
  }

  private func place(_ hash: UInt64, _ number: Int32) {
    var place = Int(truncatingIfNeeded: hash) & mask
    while slots[place] != 0 { place = (place + 1) & mask }
    slots[place] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(UInt32(bitPattern: number &+ 1))
  }

  private mutating func grow(_ rehash: (Int32) -> UInt64) {
    let old = slots
    let size = mask + 1
    slots = .allocate(capacity: size * 2)
    slots.initialize(repeating: 0, count: size * 2)
    mask = size * 2 - 1
    for index in 0..<size where old[index] != 0 {
      let number = Int32(truncatingIfNeeded: old[index]) &- 1
      place(rehash(number), number)
    }
    old.deallocate()
  }
}
