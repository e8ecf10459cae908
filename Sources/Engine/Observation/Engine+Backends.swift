public import Balancing
import Platform
import Primitives
import Synchronization

/// A backend of the blueprint in use, and whether it may be chosen.
public struct BackendState: Sendable, Hashable {
  /// Its shard's name.
  public var shard: String
  /// Its address as the configuration wrote it.
  public var name: String
  /// Whether it may be chosen.
  public var isUp: Bool
  /// Whether it may not for what it answered to requests.
  public var isEjected: Bool
  /// What an operator wants of it.
  public var duty: BackendDuty

  /// The state of backend `name` of shard `shard`.
  public init(_ shard: String, _ name: String, isUp: Bool, isEjected: Bool = false, duty: BackendDuty = .active) {
    self.duty = duty
    self.shard = shard
    self.name = name
    self.isUp = isUp
    self.isEjected = isEjected
  }
}

extension Engine {
  /// Grows whenever a backend went up or down. Any thread may ask.
  public var backendVersion: UInt64 {
    readmitBackends()
    return process.roster.version.load(ordering: .acquiring)
  }

  /// Puts backends back whose time out is over: where there are no requests, no worker does.
  func readmitBackends() {
    let now = Clock.now()
    if process.roster.nextReturn.load(ordering: .relaxed) <= now.nanoseconds { process.roster.readmit(at: now) }
  }

  /// Gives the backend of this address another duty; one that drains serves those bound to it for `span` nanoseconds more.
  /// False when there is no such backend. For any thread.
  public func assign(_ duty: BackendDuty, toBackend name: String, ofShard shard: String, for span: Int64) -> Bool {
    guard let image = images.withLock({ $0.last }) else { return false }
    let now = Clock.now()
    var place = 0
    var isFound = false
    for known in image.blueprint.shards {
      for backend in known.backends {
        if known.name == shard, backend.name == name {
          let number = image.tables.backends[place].number
          process.roster.assign(duty, to: number, until: now.advanced(by: span), at: now)
          isFound = true
        }
        place += 1
      }
    }
    return isFound
  }

  /// The backends of the blueprint in use, in its order. For the control thread.
  public func backendStates() -> [BackendState] {
    guard let image = images.withLock({ $0.last }) else { return [] }
    var place = 0
    var states: [BackendState] = []
    for shard in image.blueprint.shards {
      for backend in shard.backends {
        let status = process.roster.statuses + Int(image.tables.backends[place].number)
        states.append(
          BackendState(
            shard.name, backend.name, isUp: status.pointee.isUp.load(ordering: .acquiring),
            isEjected: status.pointee.isEjected.load(ordering: .relaxed), duty: status.pointee.wanted))
        place += 1
      }
    }
    return states
  }
}
