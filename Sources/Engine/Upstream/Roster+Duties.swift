import Balancing
import Primitives
import Synchronization

extension BackendStatus {
  /// What an operator wants of it.
  var wanted: BackendDuty { BackendDuty(rawValue: duty.load(ordering: .relaxed)) ?? .active }
}

extension Roster {
  /// Gives a backend another duty; one that drains serves those bound to it until `deadline`.
  func assign(_ duty: BackendDuty, to number: Int32, until deadline: Instant, at now: Instant) {
    let status = statuses + Int(number)
    status.pointee.health.withLock { health in
      status.pointee.drainsUntil.store(deadline.nanoseconds, ordering: .relaxed)
      let known = status.pointee.wanted
      status.pointee.duty.store(duty.rawValue, ordering: .relaxed)
      let isUp = health.checks.isUp && !health.outlier.isEjected && duty == .active
      if isUp, known != .active { status.pointee.recoveredAt.store(now.nanoseconds, ordering: .relaxed) }
      status.pointee.isUp.store(isUp, ordering: .releasing)
      version.add(1, ordering: .releasing)
    }
  }

  /// Whether a backend that may not be chosen still serves those that are bound to it.
  func servesBound(_ number: Int32, at now: Instant) -> Bool {
    let status = statuses + Int(number)
    guard status.pointee.wanted == .draining, now.nanoseconds < status.pointee.drainsUntil.load(ordering: .relaxed)
    else { return false }
    return status.pointee.health.withLock { $0.checks.isUp && !$0.outlier.isEjected }
  }
}
