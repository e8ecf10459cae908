import Glibc

/// Why something could not be kept, or read back.
public struct PersistenceError: Error, CustomStringConvertible {
  /// The error in words.
  public let description: String

  init(_ action: String, _ path: String, _ number: Int32) {
    description = "can't \(action) \(path): \(String(cString: strerror(number)))"
  }

  init(_ description: String) { self.description = description }
}

/// Records that outlive the process: a snapshot of all that holds, and a journal of what came after it.
///
/// Two files in a folder, `NAME.snapshot` and `NAME.journal`. Records are the caller's; reading gives them back in the order
/// in which they were written, those of the snapshot first. A snapshot is written aside and renamed into place, and a journal
/// names the snapshot it follows, so that whenever the process or the machine dies, what is read is what was written up to
/// some moment: what `sync` had confirmed, and maybe more. Used by one thread.
public final class Journal {
  private static let title = Array("gatehouse 1 ".utf8)

  private let folder: String
  private let name: String
  private var file: Int32 = -1
  /// Which snapshot the journal follows; grows with each.
  private var generation: UInt64 = 0
  /// Bytes of the journal.
  public private(set) var size = 0
  /// Whether the files hold all that was given: a write that failed spoils what comes behind it, until `replace` succeeds.
  public private(set) var isWhole = true

  /// Opens, or makes, the records called `name` in `folder`, and calls `body` with each that is there.
  public init(
    folder: String, name: String, _ body: (ArraySlice<UInt8>) -> Void
  ) throws(PersistenceError) {
    self.folder = folder
    self.name = name
    if let bytes = try Journal.read(snapshotPath) {
      var isFirst = true
      let used = RecordFrame.read(bytes) { record in
        if isFirst { generation = Journal.generation(record) ?? 0 } else { body(record) }
        isFirst = false
      }
      // It was whole when it was put there.
      guard used == bytes.count, generation > 0 else { throw PersistenceError("\(snapshotPath) is damaged") }
    }
    try openJournal(body)
  }

  deinit { if file >= 0 { close(file) } }

  private var snapshotPath: String { "\(folder)/\(name).snapshot" }
  private var journalPath: String { "\(folder)/\(name).journal" }

  private func openJournal(_ body: (ArraySlice<UInt8>) -> Void) throws(PersistenceError) {
    let bytes = try Journal.read(journalPath) ?? []
    var follows: UInt64?
    var isFirst = true
    var records: [ArraySlice<UInt8>] = []
    let used = RecordFrame.read(bytes) { record in
      if isFirst { follows = Journal.generation(record) } else { records.append(record) }
      isFirst = false
    }
    // One of an earlier snapshot is in this one already.
    guard let follows, follows == generation else { return try startJournal() }
    for record in records { body(record) }
    file = open(journalPath, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw PersistenceError("open", journalPath, errno) }
    guard ftruncate(file, used) == 0, lseek(file, used, SEEK_SET) == used else {
      throw PersistenceError("cut", journalPath, errno)
    }
    size = used
  }

  /// Puts an empty journal that follows the snapshot in place.
  private func startJournal() throws(PersistenceError) {
    var bytes: [UInt8] = []
    RecordFrame.append(Journal.title + Array(String(generation).utf8), to: &bytes)
    let fresh = try Journal.write(bytes, aside: journalPath)
    if file >= 0 { close(file) }
    file = fresh
    try Journal.rename(journalPath, in: folder)
    size = bytes.count
  }

  /// Adds records; once this returns they outlive the process, and after `sync` the machine.
  public func append(_ records: some Sequence<[UInt8]>) throws(PersistenceError) {
    var bytes: [UInt8] = []
    for record in records { RecordFrame.append(record, to: &bytes) }
    guard !bytes.isEmpty else { return }
    do throws(PersistenceError) {
      try Journal.write(bytes, to: file, journalPath)
      size += bytes.count
    } catch {
      isWhole = false
      throw error
    }
  }

  /// Waits until all that was appended is on the disk.
  public func sync() throws(PersistenceError) {
    guard fdatasync(file) == 0 else {
      isWhole = false
      throw PersistenceError("write", journalPath, errno)
    }
  }

  /// Puts `records` in the place of all that was written before.
  public func replace(with records: some Sequence<[UInt8]>) throws(PersistenceError) {
    var bytes: [UInt8] = []
    RecordFrame.append(Journal.title + Array(String(generation + 1).utf8), to: &bytes)
    for record in records { RecordFrame.append(record, to: &bytes) }
    close(try Journal.write(bytes, aside: snapshotPath))
    try Journal.rename(snapshotPath, in: folder)
    // From here on the old journal counts for nothing.
    generation += 1
    isWhole = false
    try startJournal()
    isWhole = true
  }

  // MARK: - files

  private static func generation(_ record: ArraySlice<UInt8>) -> UInt64? {
    guard record.starts(with: title) else { return nil }
    return UInt64(String(decoding: record.dropFirst(title.count), as: UTF8.self))
  }

  /// The bytes of a file; `nil` when there is none.
  private static func read(_ path: String) throws(PersistenceError) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw PersistenceError("open", path, errno)
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw PersistenceError("read", path, errno) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  private static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws(PersistenceError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, bytes.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw PersistenceError("write", path, errno) }
      done += count
    }
  }

  /// Writes a file that will be renamed to `path`, down to the disk; returns it, open.
  private static func write(_ bytes: [UInt8], aside path: String) throws(PersistenceError) -> Int32 {
    let aside = path + ".new"
    let file = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw PersistenceError("make", aside, errno) }
    do throws(PersistenceError) {
      try write(bytes, to: file, aside)
      guard fsync(file) == 0 else { throw PersistenceError("write", aside, errno) }
    } catch {
      close(file)
      throw error
    }
    return file
  }

  private static func rename(_ path: String, in folder: String) throws(PersistenceError) {
    guard Glibc.rename(path + ".new", path) == 0 else { throw PersistenceError("rename", path, errno) }
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw PersistenceError("open", folder, errno) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw PersistenceError("write", folder, errno) }
  }
}
