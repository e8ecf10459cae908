/// A run of trivial values that grows by half; what it held is moved.
struct GrowingMemory<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = max(16, capacity)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// Makes room for `more` values.
  mutating func reserve(_ more: Int) {
    guard count + more > capacity else { return }
    capacity = max(count + more, capacity + capacity / 2)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }

  /// Adds one value and returns its place.
  mutating func append(_ element: Element) -> Int {
    reserve(1)
    (base + count).initialize(to: element)
    count += 1
    return count - 1
  }

  /// Adds values and returns the place of the first.
  mutating func append(_ elements: UnsafePointer<Element>, _ more: Int) -> Int {
    reserve(more)
    (base + count).update(from: elements, count: more)
    count += more
    return count - more
  }

  /// Adds copies of `element` until there are `count`.
  mutating func fill(upTo count: Int, with element: Element) {
    guard count > self.count else { return }
    reserve(count - self.count)
    (base + self.count).initialize(repeating: element, count: count - self.count)
    self.count = count
  }
}
