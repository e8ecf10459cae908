import Glibc
import Synchronization

/// Where a reload is asked for, and what became of it is told.
final class ReloadDesk: Sendable {
  /// What became of a reload.
  enum Outcome: Sendable {
    case done(generation: UInt64, warnings: String, atNextStart: [String])
    /// Why nothing has changed.
    case refused(String)
  }

  private struct State {
    /// Reloads that were begun, and the number and outcome of the last that has ended.
    var begun = 0
    var ended = 0
    var outcome = Outcome.refused("nothing was asked for")
  }

  private let state = Mutex(State())

  /// A reload begins.
  func begin() { state.withLock { $0.begun += 1 } }

  /// The reload that was begun has ended.
  func end(_ outcome: Outcome) {
    state.withLock { state in
      state.ended = state.begun
      state.outcome = outcome
    }
  }

  /// Has a reload made that begins after this call, as the signal HUP does, and waits for it.
  func ask(_ call: AdminCall) throws(AdminProblem) -> Outcome {
    let before = state.withLock { $0.begun }
    kill(getpid(), SIGHUP)
    while true {
      let outcome = state.withLock { $0.ended > before ? $0.outcome : nil }
      if let outcome { return outcome }
      guard call.pause(.milliseconds(10)) else { throw AdminProblem(503, "draining", "The proxy stops.") }
    }
  }

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "POST", path: "/v1/reload", role: .operator, summary: "Puts the configuration as it is now into use.",
        response: "Reload", action: "config.reload", handler: reload)
    ]
  }

  @Sendable private func reload(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    switch try ask(call) {
    case .refused(let reason): throw .conflict("bad_configuration", reason)
    case .done(let generation, let warnings, let later):
      let answer = ReloadAnswer(generation: generation, warnings: warnings, atNextStart: later)
      let change = AdminChange(target: "config", after: Array("\(generation)".utf8))
      return AdminAnswer(body: AdminJSON.bytes(answer), change: change)
    }
  }
}
