import Primitives

/// What will happen, by time; what was planned first happens first at the same time.
struct Agenda {
  private struct Entry {
    let time: Instant
    let number: Int
    let action: () -> Void
  }

  private var heap: [Entry] = []
  private var last = 0

  var next: Instant? { heap.first?.time }

  /// Plans `action`; returns its number.
  @discardableResult
  mutating func add(_ time: Instant, _ action: @escaping () -> Void) -> Int {
    last += 1
    heap.append(Entry(time: time, number: last, action: action))
    var child = heap.count - 1
    while child > 0, isEarlier(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
    return last
  }

  /// Takes out what is due first, if it is due at `now`.
  mutating func takeDue(_ now: Instant) -> (() -> Void)? {
    guard let first = heap.first, first.time <= now else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isEarlier(child, least) {
        least = child
      }
      if least == parent { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return first.action
  }

  mutating func removeAll() { heap.removeAll() }

  private func isEarlier(_ left: Int, _ right: Int) -> Bool {
    let (left, right) = (heap[left], heap[right])
    return left.time == right.time ? left.number < right.number : left.time < right.time
  }
}
