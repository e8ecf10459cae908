import Engine
import FoundationEssentials
import Glibc
import Platform
import Primitives

/// The process whose place this one takes, as this one sees it.
final class Predecessor: @unchecked Sendable {
  // Unchecked: used by the main thread until the handover is done, then by the thread that follows.
  /// How long it may take for a step: no less than it waits for this process.
  private static let patience: Int64 = 130 * .second

  private let channel: MessageChannel
  /// What it said first.
  private(set) var hello = HandoverMessage.Hello(generation: 0, upgrades: 0, failures: 0)
  /// Its listening sockets.
  private(set) var listeners: [InheritedSockets.Listener] = []
  /// What nobody else knows.
  private(set) var secrets: HandoverMessage.Secrets?
  /// The descriptor of the state's lock, if it has one.
  private(set) var lock: Int32?

  /// The process that has started this one to take its place; `nil` when this one was just started.
  static func find(_ environment: [String: String]) throws(UpgradeFailure) -> Predecessor? {
    guard let number = environment[Successor.variable] else { return nil }
    unsetenv(Successor.variable)
    guard let descriptor = Int32(number), descriptor > 2, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
      throw UpgradeFailure("\(Successor.variable) names no channel")
    }
    let predecessor = Predecessor(MessageChannel(descriptor: descriptor))
    do throws(UpgradeFailure) {
      try predecessor.greet()
    } catch {
      predecessor.refuse(error.description)
      throw error
    }
    return predecessor
  }

  init(_ channel: MessageChannel) { self.channel = channel }

  /// Takes the sockets and what is secret; from then on the other process writes nothing down.
  private func greet() throws(UpgradeFailure) {
    guard case .hello(let hello) = try next().message else {
      throw UpgradeFailure("the handover begins with no greeting")
    }
    self.hello = hello
    while true {
      switch try next() {
      case (.sockets(let listener), _): add(listener)
      case (.listed, _):
        tell(.prepared)
        guard case (.secrets(let secrets), let descriptors) = try next() else {
          throw UpgradeFailure("the handover has no secrets")
        }
        self.secrets = secrets
        lock = descriptors.first
        return
      default: throw UpgradeFailure("the handover is out of order")
      }
    }
  }

  private func add(_ listener: InheritedSockets.Listener) {
    if let last = listeners.indices.last, listeners[last].endpoint == listener.endpoint,
      listeners[last].bound == listener.bound, listeners[last].use == listener.use
    {
      listeners[last].sockets += listener.sockets
    } else if !listener.sockets.isEmpty {
      listeners.append(listener)
    }
  }

  private func next() throws(UpgradeFailure) -> (message: HandoverMessage, descriptors: [Int32]) {
    guard
      case .message(let bytes, let descriptors) = channel.receive(
        milliseconds: Int(Predecessor.patience / .millisecond))
    else { throw UpgradeFailure("the process to be replaced is gone, or silent") }
    do throws(HandoverMessage.Fault) {
      return (try HandoverMessage(bytes, sockets: descriptors), descriptors)
    } catch {
      for descriptor in descriptors { close(descriptor) }
      switch error {
      case .malformed: throw UpgradeFailure("a message of the handover can't be read")
      case .version(let version):
        throw UpgradeFailure(
          "the running process hands over by version \(version), this binary (\(Build.version)) by version "
            + "\(HandoverMessage.version): it takes a restart")
      }
    }
  }

  private func tell(_ message: HandoverMessage) { try? channel.send(message.bytes) }

  /// Says why this process can't take over.
  func refuse(_ reason: String) { tell(.failed(reason)) }

  /// Says that all is done that can fail, and goes on with what the other process has counted; returns the entry for the
  /// audit log.
  func takeOver(_ engine: Engine) throws(UpgradeFailure) -> [UInt8] {
    tell(.loaded)
    while true {
      switch try next().message {
      case .counts(let counts): for count in counts { engine.restore(count) }
      case .take(let audit): return audit
      default: throw UpgradeFailure("the handover is out of order")
      }
    }
  }

  /// Says that this process serves, and follows how the other's requests in flight end.
  func confirm(_ engine: Engine) {
    tell(.ready)
    let thread = try? Platform.Thread(name: "predecessor") { [self] in
      while true {
        switch channel.receive(milliseconds: 60_000) {
        case .nothing: continue
        case .ended: return engine.forgetElsewhere()
        case .message(let bytes, let descriptors):
          for descriptor in descriptors { close(descriptor) }
          guard case .counts(let counts)? = try? HandoverMessage(bytes) else { continue }
          for count in counts where count.isLate { engine.restore(count) }
        }
      }
    }
    if let thread { thread.detach() } else { engine.forgetElsewhere() }
  }
}
