import Platform

/// Handshakes of one worker that wait until a certificate has been loaded. For one thread.
///
/// One that was closed meanwhile is known by its stale token.
final class SuspendedHandshakes {
  /// How many wait at most, those that were closed meanwhile included.
  static let most = 65_536

  /// The poller's tokens of those that wait.
  private var waiting: [UInt64] = []
  /// Those to be gone on with in this turn.
  private(set) var resumed: [UInt64] = []
  /// The loader's count when they were last gone on with.
  private var finished: UInt64 = 0

  /// Whether none waits, nor is to be gone on with.
  var isEmpty: Bool { waiting.isEmpty && resumed.isEmpty }

  /// One more waits; false when there are too many.
  func add(_ token: UInt64) -> Bool {
    guard waiting.count < SuspendedHandshakes.most else { return false }
    waiting.append(token)
    return true
  }

  /// Takes those that wait to be gone on with, if anything was loaded since; returns how many there are.
  func resume() -> Int {
    resumed.removeAll(keepingCapacity: true)
    let count = CertificateLoader.finished
    guard count != finished else { return 0 }
    finished = count
    swap(&waiting, &resumed)
    return resumed.count
  }
}
