import Glibc
import Platform
import Synchronization

/// Where an upgrade is asked for, and what became of it is told.
final class UpgradeDesk: Sendable {
  /// What became of an upgrade.
  enum Outcome: Sendable {
    /// Process `id` serves.
    case done(id: Int32)
    /// Why all is as it was.
    case failed(String)
  }

  private struct State {
    /// Upgrades that were begun, and the number and outcome of the last that has ended.
    var begun = 0
    var ended = 0
    var outcome = Outcome.failed("nothing was asked for")
    /// Who asked for the next one.
    var entry: AuditEntry?
    var isAsked = false
  }

  private let state = Mutex(State())

  /// An upgrade begins; who asked for it.
  func begin() -> AuditEntry {
    state.withLock { state in
      state.begun += 1
      defer { (state.entry, state.isAsked) = (nil, false) }
      return state.entry
        ?? AuditEntry(
          actor: "signal", role: "", from: "process", action: UpgradeDesk.action, target: "process", result: "done")
    }
  }

  /// The upgrade that was begun has ended.
  func end(_ outcome: Outcome) {
    state.withLock { state in
      state.ended = state.begun
      state.outcome = outcome
    }
  }

  /// What audit entries call it.
  static let action = "upgrade"

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "POST", path: "/v1/upgrade", role: .admin,
        summary: "Has the binary as it is now take this one's place.",
        response: "Upgrade", action: UpgradeDesk.action, handler: upgrade)
    ]
  }

  @Sendable private func upgrade(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    let entry = AuditEntry(
      actor: call.caller.actor, role: call.caller.role.rawValue, from: call.caller.from, action: UpgradeDesk.action,
      target: "process", reason: call.reason, result: "done")
    let before: Int? = state.withLock { state in
      guard !state.isAsked, state.begun == state.ended else { return nil }
      (state.entry, state.isAsked) = (entry, true)
      return state.begun
    }
    guard let before else { throw .conflict("upgrade_under_way", "An upgrade is under way.") }
    kill(getpid(), SIGUSR2)
    while true {
      let goesOn = call.pause(.milliseconds(10))
      switch state.withLock({ $0.ended > before ? $0.outcome : nil }) {
      case .done(let id)?:
        let answer = UpgradeAnswer(process: id, before: getpid())
        return AdminAnswer(body: AdminJSON.bytes(answer), change: AdminChange(target: "process"))
      case .failed(let reason)?: throw .conflict("upgrade_failed", reason)
      case nil: guard goesOn else { throw AdminProblem(503, "draining", "The proxy stops.") }
      }
    }
  }
}
