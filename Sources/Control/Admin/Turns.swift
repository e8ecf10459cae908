import Synchronization

/// A number of turns that calls take and give back.
final class Turns: Sendable {
  private let left: Mutex<Int>

  init(_ count: Int) { left = Mutex(count) }

  /// Takes one; false when none is left.
  func take() -> Bool {
    left.withLock { left in
      guard left > 0 else { return false }
      left -= 1
      return true
    }
  }

  /// Takes one as soon as there is one, if a call has `patience` for that.
  func take(_ call: AdminCall, patience: Duration = .seconds(5)) throws(AdminProblem) {
    let end = ContinuousClock().now + patience
    while !take() {
      guard ContinuousClock().now < end, call.pause(.milliseconds(20)) else {
        throw AdminProblem(503, "busy", "Another call of this kind is under way.")
      }
    }
  }

  func giveBack() { left.withLock { $0 += 1 } }
}
