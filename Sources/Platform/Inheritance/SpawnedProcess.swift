import CLinux

/// A program that is to go on beside this process, and after it: it keeps its group, its signals and what it writes to.
public struct SpawnedProcess: Sendable {
  /// Its number.
  public let id: Int32

  /// Starts the program at `path`; of this process's descriptors it has the standard ones and `descriptor`, as `number`.
  public init(
    _ path: String, arguments: [String], environment: [String], handing descriptor: Int32, as number: Int32
  ) throws(SystemError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, descriptor, number)
    var id: pid_t = 0
    let words = arguments.map { strdup($0) } + [nil]
    let variables = environment.map { strdup($0) } + [nil]
    defer { for text in words + variables { free(text) } }
    let status = posix_spawn(&id, path, &actions, nil, words, variables)
    guard status == 0 else { throw SystemError("posix_spawn", status) }
    self.id = id
  }

  /// How it has ended, in words; `nil` while it has not.
  public var end: String? {
    var status: Int32 = 0
    guard waitpid(id, &status, WNOHANG) == id else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
  }

  /// Ends it at once, and waits until it is gone.
  public func kill() {
    _ = CLinux.kill(id, SIGKILL)
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0, linux_errno() == EINTR {}
  }
}
