import Glibc
import Platform
import Synchronization
import Testing

@Suite struct SignalsTests {
  /// Runs `body` on a thread of its own, so that what it holds back stays there.
  private func onThread(_ body: @escaping @Sendable () -> Int32?) throws -> Int32? {
    let result = Result()
    try Thread(name: "signals") { result.value.withLock { $0 = body() } }.join()
    return result.value.withLock { $0 }
  }

  private final class Result: Sendable {
    let value = Mutex<Int32?>(-1)
  }

  @Test func noneComesWithinTheTime() throws {
    #expect(
      try onThread {
        Signals.hold([SIGUSR2])
        return Signals.next(of: [SIGUSR2], milliseconds: 1)
      } == nil)
  }

  @Test func aHeldSignalIsTold() throws {
    #expect(
      try onThread {
        Signals.hold([SIGUSR1, SIGUSR2])
        pthread_kill(pthread_self(), SIGUSR2)
        return Signals.next(of: [SIGUSR1, SIGUSR2], milliseconds: 5_000)
      } == SIGUSR2)
    #expect(
      try onThread {
        Signals.hold([SIGUSR1, SIGUSR2])
        pthread_kill(pthread_self(), SIGUSR1)
        return Signals.next(of: [SIGUSR1, SIGUSR2], milliseconds: 5_000)
      } == SIGUSR1)
  }

  @Test func eachIsToldOnceAndOthersWait() throws {
    #expect(
      try onThread {
        Signals.hold([SIGUSR1, SIGUSR2])
        pthread_kill(pthread_self(), SIGUSR1)
        pthread_kill(pthread_self(), SIGUSR2)
        guard Signals.next(of: [SIGUSR2], milliseconds: 5_000) == SIGUSR2 else { return 1 }
        guard Signals.next(of: [SIGUSR2], milliseconds: 0) == nil else { return 2 }
        guard Signals.next(of: [SIGUSR1], milliseconds: 5_000) == SIGUSR1 else { return 3 }
        return Signals.next(of: [SIGUSR1, SIGUSR2], milliseconds: 0)
      } == nil)
  }
}
