import Glibc

/// The system calls by which records get to the disk; a test puts others in their places and ends the world between any
/// two. Each returns what the call returns, and leaves `errno`.
struct FileCalls: Sendable {
  var open: @Sendable (_ path: String, _ flags: Int32) -> Int32 = { Glibc.open($0, $1 | O_CLOEXEC, 0o600) }
  var write: @Sendable (_ file: Int32, _ bytes: UnsafeRawPointer, _ count: Int, _ place: Int) -> Int = {
    Glibc.pwrite($0, $1, $2, $3)
  }
  var sync: @Sendable (_ file: Int32) -> Int32 = { Glibc.fsync($0) }
  var cut: @Sendable (_ file: Int32, _ size: Int) -> Int32 = { Glibc.ftruncate($0, $1) }
  var rename: @Sendable (_ old: String, _ new: String) -> Int32 = { Glibc.rename($0, $1) }
  var remove: @Sendable (_ path: String) -> Int32 = { Glibc.unlink($0) }

  /// Those of the system.
  static let system = FileCalls()

  // MARK: - with errors

  /// The bytes of a file; `nil` when there is none.
  static func read(_ path: String) throws(PersistenceError) -> [UInt8]? {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw PersistenceError("open", path, errno)
    }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0 else { throw PersistenceError("read", path, errno) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(facts.st_size))
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw PersistenceError("read", path, errno) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  /// Writes all of `bytes` from `place` on.
  func write(_ bytes: [UInt8], to file: Int32, at place: Int, _ path: String) throws(PersistenceError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { write(file, $0.baseAddress! + done, bytes.count - done, place + done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw PersistenceError("write", path, errno) }
      done += count
    }
  }

  /// Opens a file that is written anew.
  func create(_ path: String) throws(PersistenceError) -> Int32 {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC)
    guard file >= 0 else { throw PersistenceError("make", path, errno) }
    return file
  }

  /// Waits until what was written to a file is on the disk.
  func settle(_ file: Int32, _ path: String) throws(PersistenceError) {
    guard sync(file) == 0 else { throw PersistenceError("write", path, errno) }
  }

  /// Puts a file in the place of another, down to the disk.
  func move(_ old: String, to new: String, in folder: String) throws(PersistenceError) {
    guard rename(old, new) == 0 else { throw PersistenceError("rename", old, errno) }
    let directory = open(folder, O_RDONLY | O_DIRECTORY)
    guard directory >= 0 else { throw PersistenceError("open", folder, errno) }
    defer { close(directory) }
    try settle(directory, folder)
  }
}
