import Glibc

/// The folder of what outlives the process; one process has it at a time.
public final class StateFolder: Sendable {
  /// Its path.
  public let path: String
  /// The descriptor that locks it; a copy of it in another process holds the same lock.
  public let lock: Int32

  /// Makes the folder if there is none, and takes it.
  ///
  /// - Parameter inherited: the lock as another process holds it, which this one shares if it is of this folder; is closed.
  public init(path: String, inherited: Int32? = nil) throws(PersistenceError) {
    defer { if let inherited { close(inherited) } }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw PersistenceError("make", path, errno) }
    self.path = path
    let file = "\(path)/lock"
    lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw PersistenceError("open", file, errno) }
    if let inherited, StateFolder.areSame(inherited, lock) {
      // The lock belongs to the descriptor that was locked and its copies, not to the file.
      guard dup2(inherited, lock) >= 0, fcntl(lock, F_SETFD, FD_CLOEXEC) == 0 else {
        throw PersistenceError("lock", file, errno)
      }
      return
    }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let number = errno
      close(lock)
      if number == EWOULDBLOCK { throw PersistenceError("another process uses the state in \(path)") }
      throw PersistenceError("lock", file, number)
    }
  }

  private static func areSame(_ one: Int32, _ other: Int32) -> Bool {
    var (first, second) = (stat(), stat())
    return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev
      && first.st_ino == second.st_ino
  }

  deinit { close(lock) }
}
