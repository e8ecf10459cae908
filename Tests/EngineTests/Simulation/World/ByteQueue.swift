/// Bytes in order: in at the back, out at the front.
struct ByteQueue {
  private var bytes: [UInt8] = []
  private var head = 0

  var count: Int { bytes.count - head }
  var isEmpty: Bool { head == bytes.count }

  mutating func append(_ more: [UInt8]) { bytes += more }

  mutating func append(_ more: ArraySlice<UInt8>) { bytes += more }

  mutating func append(_ start: UnsafePointer<UInt8>, _ count: Int) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
  }

  /// Takes at most `bound` bytes out.
  mutating func take(_ bound: Int) -> [UInt8] {
    let count = min(bound, self.count)
    let result = Array(bytes[head..<head + count])
    drop(count)
    return result
  }

  /// Takes at most `bound` bytes out to `into`; returns how many.
  mutating func take(into: UnsafeMutablePointer<UInt8>, _ bound: Int) -> Int {
    let count = min(bound, self.count)
    bytes.withUnsafeBufferPointer { source in
      if count > 0 { into.update(from: source.baseAddress! + head, count: count) }
    }
    drop(count)
    return count
  }

  /// Moves `count` bytes, no more than there are, to the back of `other`.
  mutating func move(_ count: Int, to other: inout ByteQueue) {
    other.bytes += bytes[head..<head + count]
    drop(count)
  }

  /// The offset of `pattern` from the front, if it is there.
  func find(_ pattern: [UInt8], from: Int = 0) -> Int? {
    let last = bytes.count - pattern.count
    var place = head + from
    while place <= last {
      if bytes[place] == pattern[0], bytes[place..<place + pattern.count].elementsEqual(pattern) { return place - head }
      place += 1
    }
    return nil
  }

  /// The byte at `offset` from the front.
  subscript(offset: Int) -> UInt8 { bytes[head + offset] }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    head = 0
  }

  private mutating func drop(_ count: Int) {
    head += count
    if head == bytes.count {
      bytes.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 65_536, head * 2 > bytes.count {
      bytes.removeFirst(head)
      head = 0
    }
  }
}
