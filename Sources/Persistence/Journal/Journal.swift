import Glibc

/// Records that outlive the process: a snapshot of all that holds, and a journal of what came after it.
///
/// Files in a folder, `NAME.snapshot` and `NAME.journal`. Records are the caller's; reading gives them back in the order
/// in which they were written, those of the snapshot first. A snapshot is written aside and renamed into place, and a journal
/// names the snapshot it follows, so that whenever the process or the machine dies, what is read is what was written up to
/// some moment: what `sync` had confirmed, and maybe more. What was appended at once is read in whole or not at all.
///
/// A snapshot may also be written by another thread (`fork`): meanwhile records go to `NAME.journal.next`, which follows the
/// snapshot that is to come, and count behind those of the journal until it is there. Used by one thread at a time.
public final class Journal: @unchecked Sendable {
  // Unchecked: whoever has it sees to it that one thread uses it at a time.
  private static let title = Array("gatehouse 1 ".utf8)

  private let folder: String
  private let name: String
  private let calls: FileCalls
  private var file: Int32 = -1
  /// Where the file that is written to is.
  private var path: String
  /// Which snapshot is in place; grows with each.
  private var generation: UInt64 = 0
  /// Whether the file that is written to follows the snapshot that is to come.
  private var isForked = false
  /// Bytes of the journal, those before a fork included.
  public private(set) var size = 0
  /// Bytes of the file that is written to.
  private var end = 0
  /// Whether the files hold all that was given, and can be added to; otherwise `replace` has to succeed first.
  public private(set) var isWhole = true

  /// Opens, or makes, the records called `name` in `folder`, and calls `body` with each that is there.
  public convenience init(
    folder: String, name: String, _ body: (ArraySlice<UInt8>) -> Void
  ) throws(PersistenceError) {
    try self.init(folder: folder, name: name, calls: .system, body)
  }

  init(
    folder: String, name: String, calls: FileCalls, _ body: (ArraySlice<UInt8>) -> Void
  ) throws(PersistenceError) {
    self.folder = folder
    self.name = name
    self.calls = calls
    path = "\(folder)/\(name).journal"
    if let bytes = try FileCalls.read(snapshotPath) {
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
  private var nextPath: String { "\(folder)/\(name).journal.next" }

  // MARK: - reading

  /// A journal as it was found.
  private struct Found {
    /// Which snapshot it follows; `nil` when it is none.
    var follows: UInt64?
    /// Bytes that count.
    var used = 0
    var bytes: [UInt8] = []
  }

  private func find(_ path: String) throws(PersistenceError) -> Found {
    var found = Found()
    found.bytes = try FileCalls.read(path) ?? []
    var isFirst = true
    found.used = RecordFrame.read(found.bytes) { record in
      if isFirst { found.follows = Journal.generation(record) }
      isFirst = false
    }
    return found
  }

  private static func deliver(_ found: Found, _ body: (ArraySlice<UInt8>) -> Void) {
    var isFirst = true
    _ = RecordFrame.read(found.bytes) { record in
      if !isFirst { body(record) }
      isFirst = false
    }
  }

  private func openJournal(_ body: (ArraySlice<UInt8>) -> Void) throws(PersistenceError) {
    let journal = try find(journalPath)
    let next = try find(nextPath)
    if next.follows == generation, generation > 0 {
      // The snapshot came into place, and its journal had not yet.
      Journal.deliver(next, body)
      try calls.move(nextPath, to: journalPath, in: folder)
      return try goOn(journalPath, next)
    }
    // One of an earlier snapshot is in this one already.
    guard journal.follows == generation else { return try startJournal() }
    Journal.deliver(journal, body)
    guard next.follows == generation + 1 else {
      if !next.bytes.isEmpty { _ = calls.remove(nextPath) }
      return try goOn(journalPath, journal)
    }
    Journal.deliver(next, body)
    isForked = true
    try goOn(nextPath, next)
    size += journal.used
  }

  /// Goes on behind what counts of a journal.
  private func goOn(_ path: String, _ found: Found) throws(PersistenceError) {
    self.path = path
    file = calls.open(path, O_WRONLY)
    guard file >= 0 else { throw PersistenceError("open", path, errno) }
    if found.used < found.bytes.count, calls.cut(file, found.used) != 0 { throw PersistenceError("cut", path, errno) }
    end = found.used
    size = found.used
  }

  // MARK: - writing

  /// Writes an empty journal that follows snapshot `generation`, and goes on with it.
  private func begin(_ path: String, follows generation: UInt64) throws(PersistenceError) {
    var bytes: [UInt8] = []
    RecordFrame.append(Journal.title + Array(String(generation).utf8), to: &bytes)
    let fresh = try calls.create(path + ".new")
    do throws(PersistenceError) {
      try calls.write(bytes, to: fresh, at: 0, path)
      try calls.settle(fresh, path)
      try calls.move(path + ".new", to: path, in: folder)
    } catch {
      close(fresh)
      throw error
    }
    if file >= 0 { close(file) }
    file = fresh
    self.path = path
    end = bytes.count
  }

  /// Puts an empty journal that follows the snapshot in place.
  private func startJournal() throws(PersistenceError) {
    try begin(journalPath, follows: generation)
    size = end
    isForked = false
    _ = calls.remove(nextPath)
  }

  /// Adds records; once this returns they outlive the process, and after `sync` the machine. What could not be written
  /// in whole is taken back.
  public func append(_ records: some Sequence<[UInt8]>) throws(PersistenceError) {
    guard isWhole else { throw PersistenceError("\(path) could not be written before") }
    var bytes: [UInt8] = []
    RecordFrame.append(together: Array(records), to: &bytes)
    guard !bytes.isEmpty else { return }
    do throws(PersistenceError) {
      try calls.write(bytes, to: file, at: end, path)
      end += bytes.count
      size += bytes.count
    } catch {
      isWhole = calls.cut(file, end) == 0
      throw error
    }
  }

  /// Waits until all that was appended is on the disk.
  public func sync() throws(PersistenceError) {
    do throws(PersistenceError) {
      try calls.settle(file, path)
    } catch {
      isWhole = false
      throw error
    }
  }

  /// Adds records, down to the disk, or leaves all as it was.
  public func commit(_ records: some Sequence<[UInt8]>) throws(PersistenceError) {
    let (end, size) = (end, size)
    try append(records)
    do throws(PersistenceError) {
      try sync()
    } catch {
      // Whether they are there nobody knows; they must not come back.
      _ = calls.cut(file, end)
      (self.end, self.size) = (end, size)
      throw error
    }
  }

  /// Puts `records` in the place of all that was written before.
  public func replace(with records: some Sequence<[UInt8]>) throws(PersistenceError) {
    let fresh = try SnapshotWriter(
      snapshotPath, calls, title: Journal.title, generation: generation + (isForked ? 2 : 1))
    for record in records { try fresh.add(record) }
    try fresh.finish()
    try calls.move(fresh.path, to: snapshotPath, in: folder)
    // From here on the old journal counts for nothing.
    generation = fresh.generation
    isWhole = false
    try startJournal()
    isWhole = true
  }

  // MARK: - snapshots by another thread

  /// From here on records go to a journal of their own. The snapshot returned is to be given all that holds now, or
  /// later, on any thread, then to `adopt(_:)`.
  public func fork() throws(PersistenceError) -> SnapshotWriter {
    guard isWhole else { throw PersistenceError("\(path) could not be written before") }
    if !isForked {
      if path == nextPath { try settlePath() }
      try sync()
      try begin(nextPath, follows: generation + 1)
      size += end
      isForked = true
    }
    return try SnapshotWriter(snapshotPath, calls, title: Journal.title, generation: generation + 1)
  }

  /// Puts a snapshot in place that was finished. When this fails, all still counts as it did.
  public func adopt(_ snapshot: SnapshotWriter) throws(PersistenceError) {
    // One of another fork is out of date.
    guard isForked, snapshot.generation == generation + 1 else { return }
    try calls.move(snapshot.path, to: snapshotPath, in: folder)
    generation += 1
    isForked = false
    size = end
    try settlePath()
  }

  /// Gives the journal, whose snapshot has come, its name.
  private func settlePath() throws(PersistenceError) {
    try calls.move(path, to: journalPath, in: folder)
    path = journalPath
  }

  private static func generation(_ record: ArraySlice<UInt8>) -> UInt64? {
    guard record.starts(with: title) else { return nil }
    return UInt64(String(decoding: record.dropFirst(title.count), as: UTF8.self))
  }
}
