import Glibc
import Synchronization

/// Where lines of the access log go: a file that can be opened anew after a rotation, or the standard output.
///
/// Used by one writer; the counts may be read by anybody. Nothing that goes wrong is fatal: lines that can't be written
/// are dropped and counted. The process must ignore SIGPIPE.
public final class AccessLogFile: @unchecked Sendable {
  // Unchecked: all but the counts belongs to the one writer.
  /// Why a file could not be opened.
  public struct OpenError: Error, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What the kernel says.
    public let number: Int32

    /// The error in words.
    public var description: String { "can't open \(path): \(String(cString: strerror(number)))" }
  }

  /// Lines to be written by the next `flush()`; whole ones.
  public var pending: [UInt8] = []
  /// Bytes of `pending` that make `flushIfFull()` write.
  public static let fullCount = 64 << 10
  /// Bytes that are kept for a reader that is slow; beyond them lines are dropped.
  public static let pendingBound = 1 << 20
  /// How long a write waits for a slow reader, in milliseconds.
  static let patience: Int32 = 250

  private let path: String?
  private var descriptor: Int32
  private var isPlain: Bool
  /// Whether what was written ends inside a line.
  private var isInsideLine = false
  /// Whether the rest of that line was dropped.
  private var isTorn = false
  /// Whether the reader took nothing when it was last waited for.
  private var isStuck = false
  private let dropped = Atomic<UInt64>(0)
  private let errors = Atomic<UInt64>(0)

  /// Opens, or creates with mode 0640, the file at `path`; lines are added to it.
  public init(path: String) throws(OpenError) {
    self.path = path
    let opened = AccessLogFile.open(path)
    guard opened >= 0 else { throw OpenError(path: path, number: errno) }
    descriptor = opened
    isPlain = AccessLogFile.isPlain(opened)
  }

  /// Writes to a descriptor that belongs to somebody else and is never closed here, such as the standard output.
  public init(descriptor: Int32) {
    path = nil
    self.descriptor = descriptor
    isPlain = AccessLogFile.isPlain(descriptor)
  }

  /// The standard output.
  public static func standardOutput() -> AccessLogFile { AccessLogFile(descriptor: STDOUT_FILENO) }

  deinit {
    flush()
    if path != nil { close(descriptor) }
  }

  /// Lines that were dropped.
  public var droppedLines: UInt64 { dropped.load(ordering: .relaxed) }

  /// Writes and reopenings that failed.
  public var errorCount: UInt64 { errors.load(ordering: .relaxed) }

  /// Writes what is pending when that is much.
  public func flushIfFull() {
    if pending.count >= AccessLogFile.fullCount { flush() }
  }

  /// Writes what is pending. What a slow reader does not take at once stays pending, up to `pendingBound`.
  public func flush() {
    guard !pending.isEmpty else { return }
    if isTorn {
      // The line that was cut off ends here, so that the next one stands alone.
      guard write([0x0A]).count == 1 else { return drop(from: 0) }
      isTorn = false
      isInsideLine = false
    }
    let (count, isBroken) = write(pending)
    if count > 0 { isInsideLine = pending[count - 1] != 0x0A }
    if isBroken || pending.count - count > AccessLogFile.pendingBound {
      drop(from: count)
    } else {
      pending.removeFirst(count)
    }
  }

  /// Writes what is pending to the file as it is, then opens the path anew; the old file stays in use when that fails.
  public func reopen() {
    flush()
    guard let path else { return }
    let opened = AccessLogFile.open(path)
    guard opened >= 0 else {
      errors.add(1, ordering: .relaxed)
      return
    }
    close(descriptor)
    descriptor = opened
    isPlain = AccessLogFile.isPlain(opened)
    isInsideLine = false
    isTorn = false
    isStuck = false
  }

  /// Drops the lines of `pending` of which not all was written, and says so.
  private func drop(from start: Int) {
    isTorn = isInsideLine
    let lines = pending[start...].reduce(into: 0) { $0 += $1 == 0x0A ? 1 : 0 }
    dropped.add(UInt64(lines), ordering: .relaxed)
    pending.removeAll(keepingCapacity: true)
  }

  /// How much of `bytes` was written; broken when that will not get better by waiting.
  private func write(_ bytes: [UInt8]) -> (count: Int, isBroken: Bool) {
    var done = 0
    while done < bytes.count {
      guard isWritable() else { return (done, false) }
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, step(bytes.count - done)) }
      if count >= 0 {
        done += count
      } else if errno != EINTR && errno != EAGAIN {
        errors.add(1, ordering: .relaxed)
        return (done, true)
      }
    }
    return (done, false)
  }

  /// Waits a little until a write would not block, but not again after it waited in vain. Always true of plain files.
  private func isWritable() -> Bool {
    var wish = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    while true {
      let found = poll(&wish, 1, isStuck ? 0 : AccessLogFile.patience)
      if found < 0 && errno == EINTR { continue }
      isStuck = found == 0
      return found > 0
    }
  }

  /// A pipe that is ready takes this much without blocking.
  private func step(_ count: Int) -> Int { isPlain ? count : min(count, 4_096) }

  private static func isPlain(_ descriptor: Int32) -> Bool {
    var facts = stat()
    return fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
  }

  /// Never waits for the reader of a named pipe.
  private static func open(_ path: String) -> Int32 {
    Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
  }
}
