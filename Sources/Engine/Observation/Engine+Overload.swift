public import Balancing
import Platform
import Primitives
import Synchronization

extension Engine {
  /// Sockets in use: connections of clients, and those to backends.
  public var socketCount: Int {
    var count = process.connections.load(ordering: .relaxed)
    for worker in workers {
      for number in 0..<worker.counters.backends.count {
        let row = worker.counters.backends.row(number)
        count += Int(row[BackendPlace.active].current &+ row[BackendPlace.idle].current)
      }
    }
    return count
  }

  /// Asks each worker to look up; returns for how long the slowest has kept this, or the question before, waiting, in
  /// nanoseconds. For one thread.
  public func loopLag() -> Int64 {
    let now = Clock.now().nanoseconds
    var most: Int64 = 0
    for worker in workers {
      let asked = worker.mailbox.askedAt.load(ordering: .acquiring)
      most = max(most, asked == 0 ? worker.mailbox.lag.load(ordering: .relaxed) : now - asked)
      guard asked == 0 else { continue }
      worker.mailbox.askedAt.store(now, ordering: .releasing)
      worker.waker.wake()
    }
    return most
  }

  /// What the workers no longer do from now on.
  public var overload: OverloadLevel {
    get { process.overload }
    set { process.overload = newValue }
  }
}

extension Engine {
  /// Whether what the workers no longer do is for want of descriptors: idle clients make room then.
  public var isShortOfDescriptors: Bool {
    get { process.isShortOfDescriptors.load(ordering: .relaxed) }
    set { process.isShortOfDescriptors.store(newValue, ordering: .relaxed) }
  }
}

extension Worker where N: ~Copyable {
  /// Whether a request of this tenant is refused, now that the process runs out of something.
  @inline(never)
  mutating func sheds(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
    let level = process.overload
    let tenant = exchange.pointee.tenant
    let criticality = view.directory._withUnsafeGuaranteedRef { $0.limits(of: tenant).pointee.scheduling.criticality }
    let isShed =
      switch criticality {
      case .critical: false
      case .default: level >= .shedsDefault
      case .sheddable: level >= .shedsSheddable
      }
    if isShed { mine[WorkerPlace.overloaded].add() }
    return isShed
  }
}
