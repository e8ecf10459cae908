/// Slots of one type in one run of memory, found by number; a freed slot is the next one used.
///
/// The memory is reserved whole and touched only as slots are first used, so that addresses never change. A slot's
/// generation grows each time it is freed: a handle made before then is recognised as stale.
struct Slab<Element: BitwiseCopyable>: ~Copyable {
  /// The slots; valid below `highest`.
  let base: UnsafeMutablePointer<Element>
  /// Most slots that may be in use.
  let capacity: Int
  /// Slots in use.
  private(set) var count = 0
  private let generations: UnsafeMutablePointer<UInt32>
  private let nextFree: UnsafeMutablePointer<Int32>
  private var firstFree: Int32 = -1
  private var highest: Int32 = 0
  /// One more than the highest slot that was ever used.
  var extent: Int32 { highest }

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
    generations = .allocate(capacity: capacity)
    nextFree = .allocate(capacity: capacity)
  }

  deinit {
    base.deallocate()
    generations.deallocate()
    nextFree.deallocate()
  }

  /// Takes a slot for `element`; -1 when all are in use.
  mutating func insert(_ element: Element) -> Int32 {
    let slot = take()
    if slot >= 0 { base[Int(slot)] = element }
    return slot
  }

  /// Takes a slot for a copy of `element`, in one run of bytes; -1 when all are in use.
  @inline(__always)
  mutating func insert(copying element: UnsafePointer<Element>) -> Int32 {
    let slot = take()
    if slot >= 0 { (base + Int(slot)).update(from: element, count: 1) }
    return slot
  }

  @inline(__always)
  private mutating func take() -> Int32 {
    let slot: Int32
    if firstFree >= 0 {
      slot = firstFree
      firstFree = nextFree[Int(slot)]
    } else {
      guard Int(highest) < capacity else { return -1 }
      slot = highest
      highest += 1
      generations[Int(slot)] = 1
    }
    nextFree[Int(slot)] = -2
    count += 1
    return slot
  }

  /// Frees a slot that is in use.
  mutating func remove(_ slot: Int32) {
    assert(nextFree[Int(slot)] == -2, "slot freed twice")
    generations[Int(slot)] &+= 1
    nextFree[Int(slot)] = firstFree
    firstFree = slot
    count -= 1
  }

  /// The handle of a slot in use: its generation above its number.
  func handle(_ slot: Int32) -> UInt64 { UInt64(generations[Int(slot)] & 0x7FFF_FFFF) << 32 | UInt64(UInt32(slot)) }

  /// The slot a handle names, -1 if it was freed since.
  func slot(of handle: UInt64) -> Int32 {
    let slot = Int32(truncatingIfNeeded: handle)
    guard slot >= 0, slot < highest, self.handle(slot) == handle, nextFree[Int(slot)] == -2 else { return -1 }
    return slot
  }

  /// The slots in use, for rare walks over all of them.
  func forEachSlot(_ body: (Int32) -> Void) {
    for slot in 0..<highest where nextFree[Int(slot)] == -2 { body(slot) }
  }

  @inline(__always)
  subscript(slot: Int32) -> UnsafeMutablePointer<Element> { base + Int(slot) }
}
