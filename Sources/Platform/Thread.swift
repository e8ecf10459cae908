import CLinux
import Synchronization

/// Threads of the operating system.
public struct Thread: @unchecked Sendable {
  // A pthread_t is a number that any thread may join; it is unchecked only since the C type says nothing.
  private let identifier: pthread_t

  /// Starts `body` on a thread of its own, named `name` (15 bytes at most count).
  public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let start = UnsafeMutablePointer<@Sendable () -> Void>.allocate(capacity: 1)
    start.initialize(to: body)
    var identifier = pthread_t()
    let status = pthread_create(&identifier, nil, runThread, start)
    guard status == 0 else {
      start.deinitialize(count: 1).deallocate()
      throw SystemError("pthread_create", status)
    }
    _ = pthread_setname_np(identifier, String(name.prefix(15)))
    self.identifier = identifier
  }

  /// Waits until the thread has ended.
  public func join() { _ = pthread_join(identifier, nil) }

  /// Lets the thread end by itself: nobody will wait for it.
  public func detach() { _ = pthread_detach(identifier) }

  /// How much a thread that works aside gives way: it has a tenth of the time of one that competes with it.
  public static let asideNiceness: Int32 = 10

  /// Does long work on a thread of its own that gives way to all others, and waits for it.
  ///
  /// A thread of its own, since only the privileged may take back a niceness.
  public static func aside<Outcome: Sendable>(
    named name: String, _ work: @escaping @Sendable () -> Outcome
  ) throws(SystemError) -> Outcome {
    let place = Place<Outcome>()
    try Thread(name: name) {
      linux_set_niceness(max(linux_niceness(), asideNiceness))
      place.outcome.withLock { $0 = work() }
    }.join()
    guard let outcome = place.outcome.withLock({ $0 }) else { preconditionFailure("the work has no outcome") }
    return outcome
  }

  /// Where a thread leaves what it made.
  private final class Place<Outcome: Sendable>: Sendable {
    let outcome = Mutex<Outcome?>(nil)
  }
}

private func runThread(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let start = raw!.assumingMemoryBound(to: (@Sendable () -> Void).self)
  let body = start.move()
  start.deallocate()
  body()
  return nil
}
