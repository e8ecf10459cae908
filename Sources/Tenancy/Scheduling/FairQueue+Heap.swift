extension FairQueue {
  /// Whether line `left` is served before `right`: by class, then by virtual time, then by number.
  private func isEarlier(_ left: Int32, _ right: Int32) -> Bool {
    let (a, b) = (lines[Int(left)], lines[Int(right)])
    if a.terms.criticality != b.terms.criticality { return a.terms.criticality.rawValue < b.terms.criticality.rawValue }
    return a.start == b.start ? a.tenant < b.tenant : a.start < b.start
  }

  /// Puts a line among those that may be served.
  mutating func heapInsert(_ line: Int32) {
    lines[Int(line)].reason = .none
    heap.append(line)
    lines[Int(line)].heapPlace = Int32(heap.count - 1)
    siftUp(heap.count - 1)
  }

  /// Takes a line out of those that may be served.
  mutating func heapRemove(_ line: Int32) {
    let place = Int(lines[Int(line)].heapPlace)
    lines[Int(line)].heapPlace = -1
    let moved = heap.removeLast()
    guard moved != line else { return }
    heap[place] = moved
    lines[Int(moved)].heapPlace = Int32(place)
    siftDown(place)
    siftUp(Int(lines[Int(moved)].heapPlace))
  }

  /// Finds the place of a line whose virtual time has grown.
  mutating func heapMovedOn(_ line: Int32) { siftDown(Int(lines[Int(line)].heapPlace)) }

  private mutating func siftUp(_ start: Int) {
    var place = start
    while place > 0 {
      let parent = (place - 1) / 2
      guard isEarlier(heap[place], heap[parent]) else { return }
      swapPlaces(place, parent)
      place = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var place = start
    while true {
      var child = 2 * place + 1
      guard child < heap.count else { return }
      if child + 1 < heap.count, isEarlier(heap[child + 1], heap[child]) { child += 1 }
      guard isEarlier(heap[child], heap[place]) else { return }
      swapPlaces(place, child)
      place = child
    }
  }

  private mutating func swapPlaces(_ left: Int, _ right: Int) {
    heap.swapAt(left, right)
    lines[Int(heap[left])].heapPlace = Int32(left)
    lines[Int(heap[right])].heapPlace = Int32(right)
  }
}
