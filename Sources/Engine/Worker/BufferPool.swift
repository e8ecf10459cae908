/// Bytes that wait: a partial head, a body piece the other side can't take yet, a request kept for another attempt.
struct Buffer: BitwiseCopyable {
  /// The memory, `nil` when there is no buffer.
  var memory: UnsafeMutablePointer<UInt8>?
  /// Offset of the first byte that waits.
  var start: Int32 = 0
  /// Offset past the last byte that waits.
  var end: Int32 = 0
  /// Which size of the pool the memory has.
  var size: UInt8 = 0

  init() { memory = nil }

  /// Whether there is memory.
  var isAllocated: Bool { memory != nil }
  /// Bytes that wait.
  var count: Int { Int(end &- start) }
  /// Bytes that fit behind those that wait.
  var room: Int { memory == nil ? 0 : BufferPool.capacity(size) - Int(end) }
  /// The first byte that waits.
  var first: UnsafeMutablePointer<UInt8> { memory! + Int(start) }
  /// Where the next byte goes.
  var free: UnsafeMutablePointer<UInt8> { memory! + Int(end) }
}

/// Buffers of a few sizes, each size a stack: the memory used last is used next, while it is in the cache.
struct BufferPool: ~Copyable {
  /// Sizes from the smallest; each buffer has `padding` readable bytes more.
  static func capacity(_ size: UInt8) -> Int { 4096 << (2 * Int(size)) }
  /// How many sizes: 4, 16, 64 and 256 KiB and 1 MiB.
  static let sizes = 5
  /// Bytes behind each buffer that a parser may read and must not act on.
  static let padding = 64
  /// Unused bytes kept for each size; more goes back to the system.
  static let keptBytes = 4 << 20
  /// Bytes lent out now.
  private(set) var lentBytes = 0
  private let stacks: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
  private let depths: UnsafeMutablePointer<Int>

  init() {
    stacks = .allocate(capacity: BufferPool.sizes)
    stacks.initialize(repeating: nil, count: BufferPool.sizes)
    depths = .allocate(capacity: BufferPool.sizes)
    depths.initialize(repeating: 0, count: BufferPool.sizes)
  }

  deinit {
    for size in 0..<BufferPool.sizes {
      var next = stacks[size]
      while let memory = next {
        next = BufferPool.link(memory).pointee
        memory.deallocate()
      }
    }
    stacks.deallocate()
    depths.deallocate()
  }

  private static func link(_ memory: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
  {
    UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self)
  }

  /// An empty buffer for at least `count` bytes; the largest size if none is that large.
  mutating func take(_ count: Int) -> Buffer {
    var buffer = Buffer()
    while Int(buffer.size) < BufferPool.sizes - 1, BufferPool.capacity(buffer.size) < count { buffer.size += 1 }
    let size = Int(buffer.size)
    if let memory = stacks[size] {
      stacks[size] = BufferPool.link(memory).pointee
      // Not `-=`, here and below: Swift 6.3 can't build that for the thread sanitizer.
      depths[size] = depths[size] - 1
      buffer.memory = memory
    } else {
      let bytes = BufferPool.capacity(buffer.size) + BufferPool.padding
      buffer.memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        .bindMemory(to: UInt8.self, capacity: bytes)
    }
    lentBytes += BufferPool.capacity(buffer.size)
    return buffer
  }

  /// Takes a buffer back and empties the caller's; does nothing when there is none.
  mutating func giveBack(_ buffer: inout Buffer) {
    guard let memory = buffer.memory else { return }
    let size = Int(buffer.size)
    let capacity = BufferPool.capacity(buffer.size)
    lentBytes -= capacity
    if (depths[size] + 1) * capacity <= BufferPool.keptBytes {
      BufferPool.link(memory).pointee = stacks[size]
      stacks[size] = memory
      depths[size] = depths[size] + 1
    } else {
      memory.deallocate()
    }
    buffer = Buffer()
  }

  /// Adds bytes behind those that wait, in a larger buffer if need be; false when even the largest is too small.
  mutating func append(_ bytes: UnsafePointer<UInt8>, _ count: Int, to buffer: inout Buffer) -> Bool {
    guard makeRoom(count, in: &buffer) else { return false }
    buffer.free.update(from: bytes, count: count)
    buffer.end += Int32(count)
    return true
  }

  /// Sees to it that `count` bytes fit behind those that wait; false when even the largest buffer is too small.
  @inline(__always)
  mutating func makeRoom(_ count: Int, in buffer: inout Buffer) -> Bool {
    buffer.room >= count || enlarge(&buffer, by: count)
  }

  private mutating func enlarge(_ buffer: inout Buffer, by count: Int) -> Bool {
    // Offsets into the buffer stay what they were: what lies before the bytes that wait may still be read.
    let whole = Int(buffer.end) + count
    guard whole <= BufferPool.capacity(UInt8(BufferPool.sizes - 1)) else { return false }
    var larger = take(whole)
    if let memory = buffer.memory {
      larger.memory!.update(from: memory, count: Int(buffer.end))
      larger.start = buffer.start
      larger.end = buffer.end
      giveBack(&buffer)
    }
    buffer = larger
    return true
  }
}
