import Balancing
import Primitives
import Synchronization

extension Roster {
  /// Takes a backend out for its answers, if enough of its shard's others are left.
  func eject(_ number: Int32, of backends: UnsafeBufferPointer<BackendEntry>, _ rules: OutlierRules, at now: Instant) {
    ejected.withLock { list in
      let (out, down) = unavailable(of: backends)
      let status = statuses + Int(number)
      guard status.pointee.isUp.load(ordering: .relaxed), list.count < Limit.backends,
        rules.mayEject(of: backends.count, ejected: out, down: down)
      else { return }
      let until = status.pointee.health.withLock { health in
        let length = health.outlier.eject(rules, at: now)
        status.pointee.isFailing.store(false, ordering: .relaxed)
        status.pointee.isEjected.store(true, ordering: .relaxed)
        status.pointee.isUp.store(false, ordering: .releasing)
        return now.advanced(by: length).nanoseconds
      }
      status.pointee.ejections.add(1, ordering: .relaxed)
      list.append(number)
      nextReturn.store(min(until, nextReturn.load(ordering: .relaxed)), ordering: .relaxed)
      version.add(1, ordering: .releasing)
    }
  }

  /// How many of these are out for their answers, and how many are down besides.
  private func unavailable(of backends: UnsafeBufferPointer<BackendEntry>) -> (ejected: Int, down: Int) {
    var (out, down) = (0, 0)
    for backend in backends {
      let status = statuses + Int(backend.number)
      if status.pointee.isEjected.load(ordering: .relaxed) {
        out += 1
      } else if !status.pointee.isUp.load(ordering: .relaxed) {
        down += 1
      }
    }
    return (out, down)
  }

  /// Puts those back whose time has come.
  func readmit(at now: Instant) {
    readmit(at: now) { _, until in until <= now }
  }

  /// Puts back whatever of these is out, if too few of them are left.
  func readmit(of backends: UnsafeBufferPointer<BackendEntry>, _ rules: OutlierRules, at now: Instant) {
    let (out, down) = unavailable(of: backends)
    guard rules.isPanic(of: backends.count, ejected: out, down: down) else { return }
    readmit(at: now) { number, _ in backends.contains { $0.number == number } }
  }

  private func readmit(at now: Instant, where isDue: (Int32, Instant) -> Bool) {
    ejected.withLock { list in
      var next = Int64.max
      list.removeAll { number in
        let status = statuses + Int(number)
        return status.pointee.health.withLock { health in
          let until = health.outlier.ejectedUntil
          guard isDue(number, until) else {
            next = min(next, until.nanoseconds)
            return false
          }
          health.outlier.readmit(at: now)
          status.pointee.isEjected.store(false, ordering: .relaxed)
          if health.checks.isUp, status.pointee.wanted == .active {
            status.pointee.recoveredAt.store(now.nanoseconds, ordering: .relaxed)
            status.pointee.isUp.store(true, ordering: .releasing)
          }
          return true
        }
      }
      nextReturn.store(next, ordering: .relaxed)
      version.add(1, ordering: .releasing)
    }
  }
}
