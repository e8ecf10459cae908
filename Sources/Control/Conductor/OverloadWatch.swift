import Balancing
import Engine
import Platform
import Primitives
import Synchronization
import Telemetry

/// The thread that looks at what the process uses, and tells the workers what to stop doing when it runs out.
final class OverloadWatch: Sendable {
  /// Nanoseconds between two looks.
  private static let rest: Int64 = 50 * .millisecond
  /// Descriptors that are neither clients' nor backends': listeners, logs, pollers, spare ones of the process.
  private static let others: Int64 = 32

  private let isStopping = Atomic<Bool>(false)
  private let thread: Mutex<Platform.Thread?> = Mutex(nil)

  /// Starts the thread for `engine`, which may open so many `descriptors`.
  func start(_ engine: Engine, descriptors: Int) throws(SystemError) {
    let allowed = Machine.memoryBound
    let thread = try Platform.Thread(name: "overload-watch") { [self] in
      var watch = OverloadGuard()
      while !isStopping.load(ordering: .acquiring) {
        Machine.rest(nanoseconds: OverloadWatch.rest)
        let rules = engine.blueprint.overload
        guard rules.isActive || watch.level != .none else { continue }
        var use = ResourceUse()
        if rules.memory != nil { use.memory = Machine.residentMemory }
        use.memoryBound = rules.memoryBound ?? allowed
        if rules.descriptors != nil { use.descriptors = Int64(engine.socketCount) + OverloadWatch.others }
        use.descriptorBound = Int64(descriptors)
        if rules.loopLag != nil { use.loopLag = engine.loopLag() }
        guard watch.note(use, rules, at: Clock.now()) else { continue }
        engine.overload = watch.level
        engine.isShortOfDescriptors = watch.level != .none && watch.cause == .descriptors
        say(OverloadWatch.line(watch, use))
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Ends the thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    thread.withLock { $0 }?.join()
  }

  /// What has changed, in words.
  private static func line(_ watch: OverloadGuard, _ use: ResourceUse) -> String {
    let cause =
      switch watch.cause {
      case .memory: "memory \(use.memory >> 20) of \(use.memoryBound >> 20) MiB"
      case .descriptors: "descriptors \(use.descriptors) of \(use.descriptorBound)"
      case .loopLag: "a worker kept others waiting for \(use.loopLag / .millisecond) ms"
      }
    return switch watch.level {
    case .none: "overload is over"
    case .noConnections: "overload: \(cause); no connections are accepted"
    case .shedsSheddable: "overload: \(cause); sheddable requests are refused"
    case .shedsDefault: "overload: \(cause); only critical requests are served"
    }
  }
}
