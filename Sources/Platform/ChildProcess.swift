import CLinux

/// A program that was started, with a process group of its own. Used by one thread at a time.
public struct ChildProcess: Sendable {
  /// How a program has ended.
  public enum End: Sendable, Equatable {
    /// With this status.
    case exited(Int32)
    /// By this signal.
    case killed(Int32)
  }

  private let identifier: pid_t

  /// Starts the program at a path, without a shell: its words are passed as they are. It reads nothing, what it says goes
  /// where this process's errors go, and no other descriptor is passed on.
  public init(_ words: [String], environment: [String: String]) throws(SystemError) {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, 2, 1)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    // This process holds signals back and ignores some: the program is to start as any other.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var identifier = pid_t()
    let status = posix_spawn(&identifier, words[0], &actions, &attributes, &arguments, &variables)
    guard status == 0 else { throw SystemError("posix_spawn", status) }
    self.identifier = identifier
  }

  /// How it has ended; `nil` while it runs. To be asked until it tells.
  public func end() -> End? {
    var status: Int32 = 0
    guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal)
  }

  /// Ends it, and all of its group, at once; waits for it.
  public func kill() {
    _ = CLinux.kill(-identifier, SIGKILL)
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0, linux_errno() == EINTR {}
  }
}
