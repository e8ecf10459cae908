import CLinux

/// Wakes a thread that waits in its poller (eventfd); any thread may call it.
public struct Waker: Sendable {
  /// The descriptor to poll.
  public let descriptor: Int32

  /// A new one, open until the process ends or `close()`.
  public init() throws(SystemError) {
    descriptor = linux_eventfd()
    if descriptor < 0 { throw SystemError("eventfd") }
  }

  /// Makes the descriptor readable.
  public func wake() { Waker.wake(descriptor) }

  /// Makes the descriptor of a waker readable.
  static func wake(_ descriptor: Int32) {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Takes all calls so far.
  public func clear() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
  }

  /// Closes the descriptor.
  public func close() { _ = CLinux.close(descriptor) }
}
