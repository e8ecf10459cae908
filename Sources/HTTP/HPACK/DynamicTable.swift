import Primitives

/// The dynamic table of HPACK (RFC 7541 §2.3.2): the fields inserted last, the newest first, as many as fit its size.
///
/// Memory comes with the first entry. Fields lie one behind the other in memory twice the size, so that each is in one
/// run; when the end is reached those that still count move to the front.
struct DynamicTable: ~Copyable {
  /// What an entry counts beside its name and value.
  static let overhead = 32

  private struct Entry: BitwiseCopyable {
    var start: Int32
    var nameCount: Int32
    var valueCount: Int32
  }

  /// The most that `limit` may ever be.
  let capacity: Int
  /// The size in use: what entries may count together.
  private(set) var limit: Int
  /// What the entries count now.
  private(set) var size = 0
  /// How many entries there are.
  private(set) var count = 0
  private var bytes: UnsafeMutablePointer<UInt8>?
  private var entries: UnsafeMutablePointer<Entry>?
  /// The ring's place of the newest entry, and the mask of its places.
  private var newest = 0
  private let mask: Int
  private var end = 0

  init(capacity: Int) {
    self.capacity = capacity
    limit = capacity
    var places = 1
    while places < capacity / DynamicTable.overhead { places <<= 1 }
    mask = places - 1
  }

  deinit {
    bytes?.deallocate()
    entries?.deallocate()
  }

  /// The place in the ring of the entry that is `age` steps older than the newest.
  @inline(__always)
  private func place(_ age: Int) -> Int { (newest &- age) & mask }

  /// The field `age` steps older than the newest, below `count`: where its name and value are.
  @inline(__always)
  func field(_ age: Int) -> (name: UnsafePointer<UInt8>, nameCount: Int, value: UnsafePointer<UInt8>, valueCount: Int) {
    let entry = entries![place(age)]
    let name = UnsafePointer(bytes! + Int(entry.start))
    return (name, Int(entry.nameCount), name + Int(entry.nameCount), Int(entry.valueCount))
  }

  /// Changes the size in use, at most `capacity`; what no longer fits goes (RFC 7541 §4.3).
  mutating func resize(to limit: Int) {
    self.limit = min(limit, capacity)
    evict(to: self.limit)
  }

  private mutating func evict(to bound: Int) {
    while size > bound {
      let oldest = entries![place(count &- 1)]
      size &-= Int(oldest.nameCount &+ oldest.valueCount) &+ DynamicTable.overhead
      count &-= 1
    }
  }

  /// Inserts a field, none of whose bytes may lie in the table; one that is larger than the table only empties it.
  mutating func insert(
    _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int
  ) {
    let cost = nameCount &+ valueCount &+ DynamicTable.overhead
    evict(to: max(0, limit &- cost))
    guard cost <= limit else { return }
    makeRoom(nameCount &+ valueCount)
    let start = bytes! + end
    start.update(from: name, count: nameCount)
    (start + nameCount).update(from: value, count: valueCount)
    newest = (newest &+ 1) & mask
    entries![newest] = Entry(start: narrow(end), nameCount: narrow(nameCount), valueCount: narrow(valueCount))
    end &+= nameCount &+ valueCount
    count &+= 1
    size &+= cost
  }

  /// Empties the table: an entry larger than it was inserted.
  mutating func clear() { evict(to: 0) }

  private mutating func makeRoom(_ needed: Int) {
    if bytes == nil {
      bytes = .allocate(capacity: 2 * capacity)
      entries = .allocate(capacity: mask + 1)
    }
    guard end &+ needed > 2 * capacity else { return }
    let start = count == 0 ? end : Int(entries![place(count &- 1)].start)
    bytes!.update(from: bytes! + start, count: end &- start)
    for age in 0..<count { entries![place(age)].start &-= narrow(start) }
    end &-= start
  }
}
