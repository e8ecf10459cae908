import Synchronization

/// Access records on their way from one worker to their writer: a ring of bytes, never waited for.
///
/// Each record: its length (4 bytes, a multiple of 8), the fixed part, the lengths of its texts (2 bytes each), then the
/// texts. A length of `wrap` sends the reader back to the start.
final class RecordRing: @unchecked Sendable {
  // Unchecked: one writer, one reader, each with an index of its own; bytes between the two belong to the reader.
  private static let wrap: UInt32 = .max
  private static let prefix = 8 + MemoryLayout<AccessRecord>.stride + 2 * AccessText.allCases.count
  private let memory: UnsafeMutableRawPointer
  private let capacity: Int
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  init(capacity: Int) {
    self.capacity = capacity
    memory = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { memory.deallocate() }

  /// Adds a record and its texts, each cut at `Limit.loggedText`; false when there is no room.
  func write(_ record: AccessRecord, _ texts: UnsafePointer<UnsafeBufferPointer<UInt8>>) -> Bool {
    var length = RecordRing.prefix
    for text in 0..<AccessText.allCases.count { length += min(texts[text].count, Limit.loggedText) }
    length = (length + 7) & ~7
    let start = tail.load(ordering: .relaxed)
    let oldest = head.load(ordering: .acquiring)
    var place = start % capacity
    var skipped = 0
    if place + length > capacity { skipped = capacity - place }
    guard start + skipped + length - oldest <= capacity else { return false }
    if skipped > 0 {
      memory.storeBytes(of: RecordRing.wrap, toByteOffset: place, as: UInt32.self)
      place = 0
    }
    memory.storeBytes(of: UInt32(length), toByteOffset: place, as: UInt32.self)
    memory.storeBytes(of: record, toByteOffset: place + 8, as: AccessRecord.self)
    copy(texts, to: place + 8 + MemoryLayout<AccessRecord>.stride)
    tail.store(start + skipped + length, ordering: .releasing)
    return true
  }

  private func copy(_ texts: UnsafePointer<UnsafeBufferPointer<UInt8>>, to place: Int) {
    var bytes = place + 2 * AccessText.allCases.count
    for text in 0..<AccessText.allCases.count {
      let count = min(texts[text].count, Limit.loggedText)
      memory.storeBytes(of: UInt16(count), toByteOffset: place + 2 * text, as: UInt16.self)
      if count > 0 { (memory + bytes).copyMemory(from: texts[text].baseAddress!, byteCount: count) }
      bytes += count
    }
  }

  /// The oldest record that waits; `nil` when none does. For the reader only, as is `removeFirst`.
  var first: AccessRecordView? {
    let next = head.load(ordering: .relaxed)
    guard next < tail.load(ordering: .acquiring) else { return nil }
    let place = next % capacity
    let isWrapped = memory.load(fromByteOffset: place, as: UInt32.self) == RecordRing.wrap
    return AccessRecordView(memory: memory + (isWrapped ? 0 : place) + 8)
  }

  /// Gives the place of the oldest record, which must be there, back to the writer.
  func removeFirst() {
    var next = head.load(ordering: .relaxed)
    if memory.load(fromByteOffset: next % capacity, as: UInt32.self) == RecordRing.wrap { next += capacity - next % capacity }
    next += Int(memory.load(fromByteOffset: next % capacity, as: UInt32.self))
    head.store(next, ordering: .releasing)
  }
}

/// An access record in the ring, good while its reader holds it.
public struct AccessRecordView {
  let memory: UnsafeMutableRawPointer

  /// The fixed part.
  public var record: AccessRecord { memory.load(as: AccessRecord.self) }

  /// A text of the record; empty when it is absent.
  public func text(_ text: AccessText) -> UnsafeBufferPointer<UInt8> {
    let lengths = memory + MemoryLayout<AccessRecord>.stride
    var start = 2 * AccessText.allCases.count
    for earlier in 0..<Int(text.rawValue) { start += Int(lengths.load(fromByteOffset: 2 * earlier, as: UInt16.self)) }
    let count = Int(lengths.load(fromByteOffset: 2 * Int(text.rawValue), as: UInt16.self))
    return UnsafeBufferPointer(start: (lengths + start).assumingMemoryBound(to: UInt8.self), count: count)
  }
}
