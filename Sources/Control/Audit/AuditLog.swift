import Glibc
import Platform
import Synchronization

/// What was done through the admin API, line by line and chained, in the folder of the state.
final class AuditLog: Sendable {
  /// Bytes of a file, after which a new one is begun.
  static let fileSize = 8 << 20
  /// Files of older entries that are kept.
  static let mostFiles = 64
  /// Files that one page looks through.
  static let filesOfPage = 4

  private struct Books {
    var file: Int32
    var headFile: Int32
    var size: Int
    var head: AuditHead
    /// The number of the first entry of the file that is written.
    var first: Int64
    /// What has gone wrong, until a write succeeds.
    var trouble: String?
    /// Whether another process writes by now.
    var isHandedOver = false
  }

  private let folder: AuditFolder
  private let fileSize: Int
  private let mostFiles: Int
  private let books: Mutex<Books>
  /// Entries that wait to be written.
  private let waiting = Mutex<[Ticket]>([])

  /// An entry on its way, and what became of it.
  private final class Ticket: @unchecked Sendable {
    // Unchecked: `result` is written and read by whoever holds the lock of the books.
    let entry: AuditEntry
    var result: Result<Void, AuditFault>?

    init(_ entry: AuditEntry) { self.entry = entry }
  }
  /// What was found wrong with the end of the log when it was opened; `nil` when nothing was.
  let finding: String?

  /// Opens the log in a folder, or begins one.
  init(folder path: String, fileSize: Int = fileSize, mostFiles: Int = mostFiles) throws(AuditFault) {
    folder = AuditFolder(path: path)
    self.fileSize = fileSize
    self.mostFiles = mostFiles
    let start = try AuditStart(folder)
    finding = start.finding
    for first in folder.olderFirsts() where first < start.head.first { unlink(folder.older(first)) }
    let file = try AuditLog.open(folder.current)
    let headFile = try AuditLog.open(folder.head)
    guard ftruncate(file, start.size) == 0, lseek(file, 0, SEEK_END) == start.size else {
      throw AuditFault("cut", folder.current)
    }
    books = Mutex(Books(file: file, headFile: headFile, size: start.size, head: start.head, first: start.first))
  }

  deinit {
    books.withLock { books in
      close(books.file)
      close(books.headFile)
    }
  }

  /// Adds an entry, which gets its number and time here; once this returns it is on the disk. Entries that come while others
  /// are written are written together.
  func append(_ entry: AuditEntry) throws(AuditFault) {
    let ticket = Ticket(entry)
    waiting.withLock { $0.append(ticket) }
    try books.withLock { books throws(AuditFault) in
      // Whoever comes first writes for all that wait by then.
      while ticket.result == nil { write(take(), &books) }
      try ticket.result?.get()
    }
  }

  /// Writes nothing while `body` runs, and nothing ever again if that is true.
  func handOver(_ body: () -> Bool) -> Bool {
    books.withLock { books in
      books.isHandedOver = body()
      return books.isHandedOver
    }
  }

  /// Whether another process writes by now.
  var isHandedOver: Bool { books.withLock { $0.isHandedOver } }

  private func take() -> [Ticket] {
    waiting.withLock { waiting in
      let taken = Array(waiting.prefix(AuditStart.mostUnheaded))
      waiting.removeFirst(taken.count)
      return taken
    }
  }

  private func write(_ tickets: [Ticket], _ books: inout Books) {
    if books.isHandedOver {
      for ticket in tickets { ticket.result = .failure(AuditFault("a new process has taken over")) }
      return
    }
    do throws(AuditFault) {
      if books.size >= fileSize { try turn(&books) }
      var head = books.head
      var bytes: [UInt8] = []
      for ticket in tickets {
        var entry = ticket.entry
        entry.n = head.n + 1
        entry.time = AdminTime.now
        let line = AuditLine(entry, after: head.chain)
        bytes += Array(line.bytes) + [0x0A]
        head.n = entry.n
        head.chain = line.chain
      }
      try AuditLog.write(bytes, to: books.file, at: books.size, folder.current)
      try AuditLog.write(head.bytes, to: books.headFile, at: 0, folder.head)
      books.head = head
      books.size += bytes.count
      books.trouble = nil
      for ticket in tickets { ticket.result = .success(()) }
    } catch {
      // What came of them is written over by the next ones.
      _ = ftruncate(books.file, books.size)
      books.trouble = error.description
      for ticket in tickets { ticket.result = .failure(error) }
    }
  }

  /// Why the last entry could not be written; `nil` when it could.
  var trouble: String? { books.withLock { $0.trouble } }

  /// Lets the file that is written be one of older entries, and begins a new one; lets the oldest go.
  private func turn(_ books: inout Books) throws(AuditFault) {
    let firsts = folder.olderFirsts()
    // It may have got there before, when the new one could not be opened.
    guard rename(folder.current, folder.older(books.first)) == 0 || errno == ENOENT else {
      throw AuditFault("rename", folder.current)
    }
    let file = try AuditLog.open(folder.current)
    close(books.file)
    books.file = file
    books.size = 0
    books.first = books.head.n + 1
    guard firsts.count >= mostFiles, let oldest = firsts.first else { return }
    if let bytes = try AuditFolder.read(folder.older(oldest)),
      let last = AuditFolder.lines(bytes).whole.last.flatMap(AuditLine.init)
    {
      books.head.first = last.entry.n + 1
      books.head.base = last.chain
    }
    try AuditLog.write(books.head.bytes, to: books.headFile, at: 0, folder.head)
    unlink(folder.older(oldest))
  }

  /// At most `limit` entries before number `before` that `fits` lets through, the newest first, as lines; and the number
  /// before which to go on, if there may be more.
  func page(
    before: Int64?, limit: Int, where fits: (AuditEntry) -> Bool
  ) throws(AuditFault) -> (lines: [ArraySlice<UInt8>], next: Int64?) {
    let (currentFirst, last) = books.withLock { ($0.first, $0.head.n) }
    let top = min(before ?? .max, last + 1)
    var files = [(path: folder.current, first: currentFirst)]
    files += folder.olderFirsts().reversed().map { (folder.older($0), $0) }
    var lines: [ArraySlice<UInt8>] = []
    var looked = 0
    var reached = top
    for file in files where file.first < top {
      if looked == AuditLog.filesOfPage { return (lines, reached) }
      looked += 1
      for bytes in AuditFolder.lines(try AuditFolder.read(file.path) ?? []).whole.reversed() {
        guard let line = AuditLine(bytes), line.entry.n < reached else { continue }
        if lines.count == limit { return (lines, reached) }
        reached = line.entry.n
        if fits(line.entry) { lines.append(line.bytes) }
      }
    }
    return (lines, nil)
  }

  private static func open(_ path: String) throws(AuditFault) -> Int32 {
    let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw AuditFault("open", path) }
    return file
  }

  /// Writes down to the disk.
  private static func write(_ bytes: [UInt8], to file: Int32, at place: Int, _ path: String) throws(AuditFault) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress! + done, bytes.count - done, place + done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw AuditFault("write", path) }
      done += count
    }
    guard fdatasync(file) == 0 else { throw AuditFault("write", path) }
  }
}
