/// Where the records of one send are gathered, so that they go out in one system call. One for a thread.
public struct TLSBatch: BitwiseCopyable {
  /// Bytes that a record carries at most (RFC 8446, section 5.1).
  public static let recordSize = 16 << 10
  /// Records gathered at most.
  static let records = 4
  /// Bytes of gathered records, what encryption adds and an alert between them included.
  private static let capacity = records * (recordSize + 1_024)

  /// The gathered records, encrypted.
  let memory: UnsafeMutablePointer<UInt8>
  /// Where a record is put together that two runs share: `recordSize` bytes.
  public let joint: UnsafeMutablePointer<UInt8>
  /// Bytes gathered.
  var count = 0

  /// Room for the records of one thread's sends.
  public static func make() -> UnsafeMutablePointer<TLSBatch> {
    let batch = UnsafeMutablePointer<TLSBatch>.allocate(capacity: 1)
    batch.initialize(to: TLSBatch())
    return batch
  }

  private init() {
    memory = .allocate(capacity: TLSBatch.capacity)
    joint = .allocate(capacity: TLSBatch.recordSize)
  }

  /// Frees the room.
  public static func free(_ batch: UnsafeMutablePointer<TLSBatch>) {
    batch.pointee.memory.deallocate()
    batch.pointee.joint.deallocate()
    batch.deallocate()
  }

  /// Gathers bytes; false when there is no room for them.
  mutating func append(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    guard count + length <= TLSBatch.capacity else { return false }
    (memory + count).update(from: bytes, count: length)
    count += length
    return true
  }
}

/// Records that are encrypted and that the socket did not take yet, of one connection.
struct TLSBacklog: BitwiseCopyable {
  private let memory: UnsafeMutablePointer<UInt8>
  private var start = 0
  private let end: Int
  /// Bytes of the caller's within them that it was not told were sent: it offers them again.
  var owed: Int

  init(_ bytes: UnsafePointer<UInt8>, _ count: Int, owed: Int) {
    memory = .allocate(capacity: count)
    memory.update(from: bytes, count: count)
    end = count
    self.owed = owed
  }

  /// What is left to send.
  var rest: (bytes: UnsafeMutablePointer<UInt8>, count: Int) { (memory + start, end - start) }

  /// Notes that the socket took bytes.
  mutating func advance(_ count: Int) { start += count }

  /// Frees the bytes.
  func free() { memory.deallocate() }
}
