import Engine
import FoundationEssentials
import Glibc
import Platform
import Primitives

/// The process that is to take this one's place, as this one sees it.
final class Successor {
  /// Names the descriptor of the channel for the new process.
  static let variable = "GATEHOUSE_HANDOVER"
  /// Names the program to start, where it is not to be this process's own.
  static let binaryVariable = "GATEHOUSE_BINARY"
  /// The descriptor that the new process finds the channel at.
  private static let channelNumber: Int32 = 3
  /// Milliseconds between two looks at signals while the new process is waited for.
  private static let look = 50

  /// How long a new process may take for a step.
  enum Patience {
    /// To start and to take the sockets.
    static let greeting: Int64 = 10 * .second
    /// To read the configuration and the state, and to do all that can fail.
    static let loading: Int64 = 120 * .second
    /// To accept.
    static let taking: Int64 = 10 * .second
  }

  private let channel: MessageChannel
  private let child: SpawnedProcess
  /// What was told of counts, and when.
  private let late = LateCounts()
  private var toldAt = Instant.distantPast
  /// Whether it takes what is told.
  private var isListening = true
  private var isGone = false
  /// Whether it has said that it serves.
  var hasConfirmed = false

  /// Its number.
  var id: Int32 { child.id }

  /// Starts `program` as this process was started.
  init(_ program: String) throws(UpgradeFailure) {
    do throws(SystemError) {
      let (ours, theirs) = try MessageChannel.pair()
      let without = [Successor.variable, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"]
      var variables = ProcessInfo.processInfo.environment.filter { !without.contains($0.key) }
      variables[Successor.variable] = "\(Successor.channelNumber)"
      child = try SpawnedProcess(
        program, arguments: CommandLine.arguments, environment: variables.map { "\($0.key)=\($0.value)" },
        handing: theirs.descriptor, as: Successor.channelNumber)
      channel = ours
    } catch {
      throw UpgradeFailure("\(program) can't be started: \(error)")
    }
  }

  /// The program that is to take this one's place: the one named by the environment, or what is now where this one was
  /// started from.
  static func program(environment: [String: String], arguments: [String]) throws(UpgradeFailure) -> String {
    if let named = environment[binaryVariable], !named.isEmpty { return try runnable(named) }
    let word = arguments.first ?? ""
    if word.contains("/") { return try runnable(word) }
    for folder in (environment["PATH"] ?? "").split(separator: ":") where access("\(folder)/\(word)", X_OK) == 0 {
      return "\(folder)/\(word)"
    }
    throw UpgradeFailure("there is no '\(word)' in $PATH any more; name the new binary with \(binaryVariable)")
  }

  private static func runnable(_ path: String) throws(UpgradeFailure) -> String {
    guard access(path, X_OK) == 0 else {
      throw UpgradeFailure("\(path) can't be run: \(String(cString: strerror(errno)))")
    }
    return path
  }

  // MARK: - talking

  /// Says something, with descriptors.
  func tell(_ message: HandoverMessage, _ descriptors: [Int32] = []) throws(UpgradeFailure) {
    do throws(SystemError) {
      try channel.send(message.bytes, descriptors)
    } catch {
      throw end ?? UpgradeFailure("the new process does not listen: \(error)")
    }
  }

  /// Hands over the sockets of an address.
  func tell(_ listener: InheritedSockets.Listener) throws(UpgradeFailure) {
    for start in stride(from: 0, to: listener.sockets.count, by: MessageChannel.mostDescriptors) {
      let part = listener.sockets[start..<min(listener.sockets.count, start + MessageChannel.mostDescriptors)]
      try tell(.sockets(listener), Array(part))
    }
  }

  /// Waits for the new process's next word, which must be `wanted`; `meanwhile` is called now and then, and says why not to
  /// wait any longer.
  func await(
    _ wanted: HandoverMessage, _ step: String, for patience: Int64, meanwhile: () -> String?
  ) throws(UpgradeFailure) {
    let end = Clock.now().advanced(by: patience)
    while Clock.now() < end {
      switch channel.receive(milliseconds: Successor.look) {
      case .nothing: if let reason = meanwhile() { throw UpgradeFailure(reason) }
      case .ended: throw self.end ?? UpgradeFailure("the new process has closed the channel")
      case .message(let bytes, let descriptors):
        for descriptor in descriptors { close(descriptor) }
        let message = try? HandoverMessage(bytes)
        if message == wanted { return }
        if case .failed(let reason)? = message { throw UpgradeFailure(reason) }
        throw UpgradeFailure("the new process says what it should not")
      }
    }
    throw UpgradeFailure("the new process did not \(step) within \(patience / .second) s")
  }

  /// How it ended, if it did: it closes the channel just before that.
  private var end: UpgradeFailure? {
    for _ in 0..<200 {
      if let end = child.end {
        isGone = true
        return UpgradeFailure("the new process ended before it could serve (\(end))")
      }
      Machine.rest(nanoseconds: 5 * .millisecond)
    }
    return nil
  }

  /// Ends the new process.
  func abandon() {
    if !isGone { child.kill() }
    isGone = true
  }

  // MARK: - counts

  /// Hands over all that `engine` has counted.
  func tellCounts(of engine: Engine) throws(UpgradeFailure) {
    var failure: UpgradeFailure?
    var batch: [HandedCount] = []
    engine.forEachCount(noting: late) { count in
      guard failure == nil else { return }
      batch.append(count)
      if batch.count == Successor.batch { failure = flush(&batch) }
    }
    if failure == nil { failure = flush(&batch) }
    if let failure { throw failure }
  }

  /// Counts in a message: each has a name of 253 bytes at most and a few numbers.
  static let batch = 150

  private func flush(_ batch: inout [HandedCount]) -> UpgradeFailure? {
    defer { batch.removeAll(keepingCapacity: true) }
    do throws(UpgradeFailure) {
      try tell(.counts(batch))
      return nil
    } catch {
      return error
    }
  }

  /// Tells what requests in flight have changed since this was last called, if that was long enough ago or `isLast`.
  func tellLate(of engine: Engine, isLast: Bool = false) {
    let pause = Successor.latePause + Successor.tenantPause * Int64(engine.blueprint.tenants.capacity)
    guard isListening, isLast || Clock.now() - toldAt >= pause else { return }
    toldAt = Clock.now()
    var batch: [HandedCount] = []
    engine.forEachLateCount(late) { count in
      guard isListening else { return }
      batch.append(count)
      if batch.count == Successor.batch, flush(&batch) != nil { isListening = false }
    }
    if !batch.isEmpty, isListening, flush(&batch) != nil { isListening = false }
  }

  /// Nanoseconds between two reports, and for each tenant that has to be looked at.
  private static let latePause: Int64 = 10 * .millisecond
  private static let tenantPause: Int64 = 200
}
