import Glibc

/// The folder of what outlives the process; one process has it at a time.
public final class StateFolder: Sendable {
  /// Its path.
  public let path: String
  private let lock: Int32

  /// Makes the folder if there is none, and takes it.
  public init(path: String) throws(PersistenceError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw PersistenceError("make", path, errno) }
    self.path = path
    let file = "\(path)/lock"
    lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw PersistenceError("open", file, errno) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let number = errno
      close(lock)
      if number == EWOULDBLOCK { throw PersistenceError("another process uses the state in \(path)") }
      throw PersistenceError("lock", file, number)
    }
  }

  deinit { close(lock) }
}
