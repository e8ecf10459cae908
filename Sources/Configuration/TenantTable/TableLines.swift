import Glibc

/// The lines of a file, read in pieces of a fixed size; no more than a piece and a line is ever in memory.
struct TableLines: ~Copyable {
  /// Bytes asked of the file at once.
  static let chunk = 256 << 10
  /// Bytes of a line, its end not counted.
  static let lineBound = 64 << 10

  /// What came of asking for a line.
  enum Step {
    /// A line is at `start`, `count` bytes.
    case line
    /// A line was over the bound; its first bytes are at `start`.
    case tooLong
    /// The file has ended.
    case end
    /// Reading failed with this error number.
    case failed(Int32)
  }

  private let file: Int32
  private let buffer: UnsafeMutablePointer<UInt8>
  private var position = 0
  private var filled = 0
  private var isAtEnd = false
  /// The line's first byte; good until the next line is asked for.
  private(set) var start: UnsafePointer<UInt8>
  /// Bytes of the line, without LF or CRLF.
  private(set) var count = 0
  /// The line's number, from 1.
  private(set) var number = 0

  /// Lines of an open file, which is closed at the end of this value's life.
  init(file: Int32) {
    self.file = file
    // 64 bytes of room behind, so that a reader may look past the end in whole words.
    let capacity = TableLines.lineBound + TableLines.chunk + 64
    buffer = .allocate(capacity: capacity)
    buffer.initialize(repeating: 0, count: capacity)
    start = UnsafePointer(buffer)
  }

  deinit {
    buffer.deallocate()
    _ = close(file)
  }

  /// Moves on to the next line.
  mutating func next() -> Step {
    var searched = position
    while true {
      if let end = memchr(buffer + searched, 0x0A, filled - searched) {
        return found(endingAt: end - UnsafeMutableRawPointer(buffer), next: 1)
      }
      searched = filled
      if isAtEnd { return position == filled ? .end : found(endingAt: filled, next: 0) }
      if filled - position > TableLines.lineBound + 1 { return skipLongLine() }
      searched -= compact()
      if let error = fill() { return .failed(error) }
    }
  }

  private mutating func found(endingAt end: Int, next: Int) -> Step {
    number += 1
    start = UnsafePointer(buffer + position)
    count = end - position
    position = end + next
    if count > 0, start[count - 1] == 0x0D { count -= 1 }
    return count <= TableLines.lineBound ? .line : .tooLong
  }

  /// Moves the unread rest to the front; returns by how much.
  private mutating func compact() -> Int {
    let moved = position
    if moved > 0 { memmove(buffer, buffer + moved, filled - moved) }
    filled -= moved
    position = 0
    return moved
  }

  private mutating func fill() -> Int32? {
    while true {
      let got = read(file, buffer + filled, TableLines.lineBound + TableLines.chunk - filled)
      if got < 0, errno == EINTR { continue }
      if got < 0 { return errno }
      isAtEnd = got == 0
      filled += got
      return nil
    }
  }

  /// Drops the rest of a line that is over the bound, keeping its first bytes to show.
  private mutating func skipLongLine() -> Step {
    number += 1
    let kept = TableLines.lineBound
    _ = compact()
    start = UnsafePointer(buffer)
    count = kept
    while true {
      filled = kept
      if let error = fill() { return .failed(error) }
      if isAtEnd { break }
      if let end = memchr(buffer + kept, 0x0A, filled - kept) {
        position = end - UnsafeMutableRawPointer(buffer) + 1
        return .tooLong
      }
    }
    position = filled
    return .tooLong
  }
}
