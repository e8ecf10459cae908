/// Names to numbers: extendible hashing (Fagin et al. 1979) over buckets that versions share.
///
/// The upper half of a name's hash is its key. Its first bits choose the bucket, its last ones the slot where the search
/// starts: open addressing over slots of eight bytes, the key above a number plus one. A full bucket is split, and only
/// that one, so no insertion ever costs more than a bucket and the list of them.
struct NameIndex: ~Copyable {
  /// Slots of the largest bucket that is split rather than doubled.
  private static let bucketSlots = 4096
  /// Bits of a key that may choose a bucket; past them buckets are doubled.
  private static let deepest = 16

  private struct Bucket: BitwiseCopyable {
    /// A block of its own: what is noted of it, then the slots.
    var slots: UnsafeMutablePointer<UInt64>
    var mask: Int
  }

  /// What is noted of a bucket, before its slots.
  private struct Note: BitwiseCopyable {
    var count: Int
    /// Bits of a key that lead here.
    var depth: Int
  }

  /// The list of buckets, a block of its own; a bucket that needs fewer bits than `depth` stands in it several times.
  private var buckets: UnsafeMutablePointer<Bucket>
  private var depth: Int
  private(set) var count: Int

  /// No names.
  init() {
    buckets = NameIndex.list(1)
    buckets[0] = NameIndex.bucket(slots: 16, depth: 0)
    depth = 0
    count = 0
  }

  private init(buckets: UnsafeMutablePointer<Bucket>, depth: Int, count: Int) {
    self.buckets = buckets
    self.depth = depth
    self.count = count
  }

  deinit { NameIndex.release(buckets, 1 << depth) }

  /// The same names, to be changed apart from these.
  borrowing func copy() -> NameIndex {
    SharedBlock.hold(buckets)
    return NameIndex(buckets: buckets, depth: depth, count: count)
  }

  // MARK: - finding

  /// The number of a name with `hash` for which `isEqual` holds; -1 when there is none.
  @inline(__always)
  func find(_ hash: UInt64, _ isEqual: (Int32) -> Bool) -> Int32 {
    let key = hash >> 32
    let bucket = buckets[place(of: key)]
    var slot = Int(truncatingIfNeeded: key) & bucket.mask
    while true {
      let content = bucket.slots[slot]
      if content == 0 { return -1 }
      if content >> 32 == key {
        let number = Int32(truncatingIfNeeded: content) &- 1
        if isEqual(number) { return number }
      }
      slot = (slot + 1) & bucket.mask
    }
  }

  /// The number in the slot where the search for `hash` starts, -1 when it is empty.
  @inline(__always)
  func guess(_ hash: UInt64) -> Int32 {
    let key = hash >> 32
    let bucket = buckets[place(of: key)]
    return Int32(truncatingIfNeeded: bucket.slots[Int(truncatingIfNeeded: key) & bucket.mask]) &- 1
  }

  @inline(__always)
  private func place(of key: UInt64) -> Int { Int(truncatingIfNeeded: key &>> UInt64(truncatingIfNeeded: 32 &- depth)) }

  // MARK: - changing

  /// Adds a name that is not there.
  mutating func insert(_ hash: UInt64, _ number: Int32) {
    let key = hash >> 32
    var bucket = ownBucket(key)
    while (NameIndex.note(bucket).pointee.count + 1) * 4 > (bucket.mask + 1) * 3 {
      makeRoom(in: place(of: key))
      bucket = ownBucket(key)
    }
    NameIndex.put(NameIndex.content(key, number), into: bucket)
    count += 1
  }

  /// Takes out the name with `hash` and this number; false when it is not there.
  mutating func remove(_ hash: UInt64, _ number: Int32) -> Bool {
    guard find(hash, { $0 == number }) == number else { return false }
    let bucket = ownBucket(hash >> 32)
    var hole = NameIndex.slot(of: NameIndex.content(hash >> 32, number), in: bucket)
    // What was pushed past the hole moves back, so that no search ends too early.
    var next = (hole + 1) & bucket.mask
    while bucket.slots[next] != 0 {
      let home = Int(truncatingIfNeeded: bucket.slots[next] >> 32) & bucket.mask
      if (next &- home) & bucket.mask >= (next &- hole) & bucket.mask {
        bucket.slots[hole] = bucket.slots[next]
        hole = next
      }
      next = (next + 1) & bucket.mask
    }
    bucket.slots[hole] = 0
    NameIndex.note(bucket).pointee.count -= 1
    count -= 1
    return true
  }

  /// Gives the name with `hash` and the number `old` another number.
  mutating func renumber(_ hash: UInt64, _ old: Int32, to new: Int32) {
    let bucket = ownBucket(hash >> 32)
    let slot = NameIndex.slot(of: NameIndex.content(hash >> 32, old), in: bucket)
    bucket.slots[slot] = NameIndex.content(hash >> 32, new)
  }

  private static func content(_ key: UInt64, _ number: Int32) -> UInt64 {
    key << 32 | UInt64(UInt32(bitPattern: number &+ 1))
  }

  /// The slot that holds `content`, which must be there.
  private static func slot(of content: UInt64, in bucket: Bucket) -> Int {
    var slot = Int(truncatingIfNeeded: content >> 32) & bucket.mask
    while bucket.slots[slot] != content {
      precondition(bucket.slots[slot] != 0, "a name that should be in the index is not")
      slot = (slot + 1) & bucket.mask
    }
    return slot
  }

  private static func put(_ content: UInt64, into bucket: Bucket) {
    var slot = Int(truncatingIfNeeded: content >> 32) & bucket.mask
    while bucket.slots[slot] != 0 { slot = (slot + 1) & bucket.mask }
    bucket.slots[slot] = content
    note(bucket).pointee.count += 1
  }

  // MARK: - buckets

  private static func list(_ count: Int) -> UnsafeMutablePointer<Bucket> {
    SharedBlock.allocate(count * MemoryLayout<Bucket>.stride).bindMemory(to: Bucket.self, capacity: count)
  }

  private static func bucket(slots count: Int, depth: Int) -> Bucket {
    let block = SharedBlock.allocate(MemoryLayout<Note>.stride + count * 8)
    block.bindMemory(to: Note.self, capacity: 1).initialize(to: Note(count: 0, depth: depth))
    let slots = (block + MemoryLayout<Note>.stride).bindMemory(to: UInt64.self, capacity: count)
    slots.initialize(repeating: 0, count: count)
    return Bucket(slots: slots, mask: count - 1)
  }

  private static func block(_ bucket: Bucket) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bucket.slots) - MemoryLayout<Note>.stride
  }

  private static func note(_ bucket: Bucket) -> UnsafeMutablePointer<Note> {
    block(bucket).assumingMemoryBound(to: Note.self)
  }

  /// How many places of a list of that depth lead to a bucket.
  private static func span(_ bucket: Bucket, in depth: Int) -> Int { 1 << (depth - note(bucket).pointee.depth) }

  /// Calls `body` with the first place of each bucket.
  private static func forEach(_ buckets: UnsafeMutablePointer<Bucket>, _ depth: Int, _ body: (Int) -> Void) {
    var place = 0
    while place < 1 << depth {
      let span = span(buckets[place], in: depth)
      body(place)
      place += span
    }
  }

  private static func release(_ buckets: UnsafeMutablePointer<Bucket>, _ count: Int) {
    let depth = count.trailingZeroBitCount
    SharedBlock.release(buckets) {
      forEach(buckets, depth) { SharedBlock.release(block(buckets[$0])) }
    }
  }

  /// Has the list to itself, `more` bits deeper.
  private mutating func makeOwnList(deeper more: Int) {
    let (old, oldDepth) = (buckets, depth)
    depth += more
    buckets = NameIndex.list(1 << depth)
    for place in 0..<1 << depth { buckets[place] = old[place >> more] }
    NameIndex.forEach(buckets, depth) { SharedBlock.hold(NameIndex.block(buckets[$0])) }
    NameIndex.release(old, 1 << oldDepth)
  }

  /// The bucket of `key`, which no other version has any more.
  private mutating func ownBucket(_ key: UInt64) -> Bucket {
    if SharedBlock.isShared(buckets) { makeOwnList(deeper: 0) }
    let place = place(of: key)
    let bucket = buckets[place]
    guard SharedBlock.isShared(NameIndex.block(bucket)) else { return bucket }
    let own = NameIndex.bucket(slots: bucket.mask + 1, depth: NameIndex.note(bucket).pointee.depth)
    own.slots.update(from: bucket.slots, count: bucket.mask + 1)
    NameIndex.note(own).pointee.count = NameIndex.note(bucket).pointee.count
    replace(place, by: own, own)
    return own
  }

  /// Doubles the bucket at `place`, or splits it.
  private mutating func makeRoom(in place: Int) {
    let full = buckets[place]
    let bits = NameIndex.note(full).pointee.depth
    if full.mask + 1 < NameIndex.bucketSlots || bits == NameIndex.deepest {
      let larger = NameIndex.bucket(slots: (full.mask + 1) * 2, depth: bits)
      NameIndex.pour(full, larger, larger, bit: 0)
      replace(place, by: larger, larger)
      return
    }
    let isAtEnd = bits == depth
    if isAtEnd { makeOwnList(deeper: 1) }
    let lower = NameIndex.bucket(slots: full.mask + 1, depth: bits + 1)
    let upper = NameIndex.bucket(slots: full.mask + 1, depth: bits + 1)
    NameIndex.pour(full, lower, upper, bit: UInt64(63 - bits))
    replace(isAtEnd ? place * 2 : place, by: lower, upper)
  }

  private static func pour(_ full: Bucket, _ lower: Bucket, _ upper: Bucket, bit: UInt64) {
    for slot in 0...full.mask where full.slots[slot] != 0 {
      let content = full.slots[slot]
      put(content, into: content >> bit & 1 == 0 ? lower : upper)
    }
  }

  /// Puts two buckets in the places of the one at `place`: the first in the lower half of them, the second in the upper.
  private func replace(_ place: Int, by lower: Bucket, _ upper: Bucket) {
    let old = buckets[place]
    let span = NameIndex.span(old, in: depth)
    let first = place & ~(span - 1)
    for index in 0..<span { buckets[first + index] = index < (span + 1) / 2 ? lower : upper }
    SharedBlock.release(NameIndex.block(old))
  }
}
