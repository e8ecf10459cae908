import Engine

/// Notices which backends have gone down and which have come back.
struct BackendWatch {
  private var version: UInt64 = 0
  private var down: Set<BackendState> = []

  /// What has changed since the last look, a line each, those that went down first; most looks cost one load.
  mutating func changes(in engine: Engine) -> [String] {
    let current = engine.backendVersion
    guard current != version else { return [] }
    version = current
    return changes(to: engine.backendStates())
  }

  /// What has changed with these states. A backend that is not among them any more is no news.
  mutating func changes(to states: [BackendState]) -> [String] {
    let known = down
    down = Set(states.filter { !$0.isUp })
    let lost = states.filter { !$0.isUp && !known.contains($0) }
    let back = states.filter { state in
      state.isUp && known.contains { $0.shard == state.shard && $0.name == state.name }
    }
    return lost.map { "backend \($0.name) of shard \($0.shard) is \(BackendWatch.reason($0))" }
      + back.map { "backend \($0.name) of shard \($0.shard) is up again" }
  }

  /// Why a backend is not up.
  private static func reason(_ state: BackendState) -> String {
    if state.duty != .active {
      return state.duty == .draining ? "draining, as was asked for" : "down, as was asked for"
    }
    return state.isEjected ? "out: requests of several tenants failed there" : "down"
  }
}
