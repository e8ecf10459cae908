import Synchronization

/// A block of memory that several versions of a directory hold; how many do stands in front of it.
enum SharedBlock {
  private static let front = 16

  /// A block of `bytes` bytes, held once.
  static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    let start = UnsafeMutableRawPointer.allocate(byteCount: front + bytes, alignment: front)
    start.bindMemory(to: Atomic<Int>.self, capacity: 1).initialize(to: Atomic(1))
    return start + front
  }

  private static func holders(_ block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<Int>> {
    (block - front).assumingMemoryBound(to: Atomic<Int>.self)
  }

  /// Holds the block once more.
  static func hold(_ block: UnsafeMutableRawPointer) { holders(block).pointee.add(1, ordering: .relaxed) }

  /// Whether somebody else holds the block, so that it must not be written.
  static func isShared(_ block: UnsafeMutableRawPointer) -> Bool {
    holders(block).pointee.load(ordering: .acquiring) > 1
  }

  /// Lets go of the block; the last to do so calls `end` for what is in it, then it is freed.
  static func release(_ block: UnsafeMutableRawPointer, _ end: () -> Void = {}) {
    guard holders(block).pointee.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    end()
    holders(block).deinitialize(count: 1)
    (block - front).deallocate()
  }
}

/// A long run of trivial values in chunks that versions share. A copy holds the same chunks; a write to a chunk that
/// another version holds too copies that chunk first, so nobody else sees it.
///
/// One thread writes, before it shows the version to others; versions may end on any thread.
struct SharedMemory<Element: BitwiseCopyable>: ~Copyable {
  /// Bytes of a chunk, at most.
  private static var chunkBytes: Int { 64 << 10 }
  private static var shift: Int {
    Int.bitWidth - 1 - (chunkBytes / MemoryLayout<Element>.stride).leadingZeroBitCount
  }
  /// Values of a chunk, a power of two.
  static var chunk: Int { 1 << shift }

  private typealias Chunk = UnsafeMutablePointer<Element>

  /// The list of chunks, a block of its own.
  private var chunks: UnsafeMutablePointer<Chunk>
  private var capacity: Int
  private(set) var count: Int

  /// No values.
  init() {
    capacity = 4
    chunks = SharedMemory.list(capacity)
    count = 0
  }

  private init(chunks: UnsafeMutablePointer<Chunk>, capacity: Int, count: Int) {
    self.chunks = chunks
    self.capacity = capacity
    self.count = count
  }

  deinit { SharedMemory.release(chunks, chunkCount) }

  /// The same values, to be written apart from these.
  borrowing func copy() -> SharedMemory {
    SharedBlock.hold(chunks)
    return SharedMemory(chunks: chunks, capacity: capacity, count: count)
  }

  private var chunkCount: Int { (count + SharedMemory.chunk - 1) >> SharedMemory.shift }

  private static func list(_ capacity: Int) -> UnsafeMutablePointer<Chunk> {
    SharedBlock.allocate(capacity * MemoryLayout<Chunk>.stride).bindMemory(to: Chunk.self, capacity: capacity)
  }

  private static func release(_ chunks: UnsafeMutablePointer<Chunk>, _ count: Int) {
    SharedBlock.release(chunks) {
      for index in 0..<count { SharedBlock.release(chunks[index]) }
    }
  }

  // MARK: - reading

  /// The value at a place, to be read; good as long as this version lives unwritten.
  @inline(__always)
  subscript(place: Int) -> UnsafePointer<Element> {
    UnsafePointer(chunks[place >> SharedMemory.shift] + (place & (SharedMemory.chunk - 1)))
  }

  /// Whether the chunk of a place is the very one that `other` has there.
  func shares(_ place: Int, with other: borrowing SharedMemory) -> Bool {
    place < other.count && chunks[place >> SharedMemory.shift] == other.chunks[place >> SharedMemory.shift]
  }

  // MARK: - writing

  /// The value at a place, to be written; good until the next write.
  mutating func writable(_ place: Int) -> UnsafeMutablePointer<Element> {
    if SharedBlock.isShared(chunks) { makeOwnList(capacity) }
    let index = place >> SharedMemory.shift
    if SharedBlock.isShared(chunks[index]) {
      let fresh = SharedMemory.freshChunk()
      fresh.update(from: chunks[index], count: min(SharedMemory.chunk, count - index << SharedMemory.shift))
      SharedBlock.release(chunks[index])
      chunks[index] = fresh
    }
    return chunks[index] + (place & (SharedMemory.chunk - 1))
  }

  /// Adds one value and returns its place.
  @discardableResult
  mutating func append(_ element: Element) -> Int {
    let place = extend(by: 1)
    writable(place).initialize(to: element)
    return place
  }

  /// Adds `more` values, at most a chunk, that are to be written next; they lie in one chunk, so some before them may be
  /// left out. Returns the place of the first.
  mutating func extend(by more: Int) -> Int {
    var start = count
    if (start & (SharedMemory.chunk - 1)) + more > SharedMemory.chunk { start = chunkCount << SharedMemory.shift }
    let index = start >> SharedMemory.shift
    if index == chunkCount {
      if index == capacity || SharedBlock.isShared(chunks) { makeOwnList(index == capacity ? capacity * 2 : capacity) }
      chunks[index] = SharedMemory.freshChunk()
    }
    count = start + more
    return start
  }

  private static func freshChunk() -> Chunk {
    SharedBlock.allocate(chunk * MemoryLayout<Element>.stride).bindMemory(to: Element.self, capacity: chunk)
  }

  private mutating func makeOwnList(_ capacity: Int) {
    let (old, count) = (chunks, chunkCount)
    chunks = SharedMemory.list(capacity)
    self.capacity = capacity
    chunks.update(from: old, count: count)
    for index in 0..<count { SharedBlock.hold(chunks[index]) }
    SharedMemory.release(old, count)
  }
}
