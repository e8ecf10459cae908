import CLinux

/// Signals as a queue that one thread reads.
public enum Signals {
  /// Holds back `signals` in this thread and those it starts, so that `next()` gets them; ignores SIGPIPE and
  /// SIGXFSZ.
  public static func hold(_ signals: [Int32]) {
    linux_ignore_broken_pipes()
    var set = makeSet(signals)
    _ = pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for one of `signals`, which must be held, at most `milliseconds`; `nil` when none came.
  public static func next(of signals: [Int32], milliseconds: Int) -> Int32? {
    var set = makeSet(signals)
    var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    let number = sigtimedwait(&set, nil, &time)
    return number > 0 ? number : nil
  }

  private static func makeSet(_ signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
  }
}
