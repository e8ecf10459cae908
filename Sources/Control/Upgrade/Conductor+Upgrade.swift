import Engine
import FoundationEssentials
import Glibc
import Platform
import Primitives

extension Conductor {
  /// What became of an upgrade.
  enum UpgradeOutcome {
    /// All is as it was.
    case failed
    /// The process was told to stop meanwhile.
    case stopped
    /// Another process serves.
    case handedOver(Successor)
  }

  /// Has a new process take this one's place, or says why not: then all is as it was.
  func upgrade(isDemo: Bool) -> UpgradeOutcome {
    let entry = shared.upgrades.begin()
    isStopped = false
    do throws(UpgradeFailure) {
      if isDemo { throw UpgradeFailure("the demo's sample apps can't be handed over") }
      let environment = ProcessInfo.processInfo.environment
      let program = try Successor.program(environment: environment, arguments: CommandLine.arguments)
      say("upgrade: starting \(program)")
      let successor = try Successor(program)
      do throws(UpgradeFailure) {
        try handOver(to: successor, entry)
      } catch {
        successor.abandon()
        throw error
      }
      shared.upgrades.end(.done(id: successor.id))
      return .handedOver(successor)
    } catch {
      shared.upgradeFacts.withLock { $0.failed += 1 }
      say("upgrade failed, process \(getpid()) goes on: \(error)")
      shared.upgrades.end(.failed("\(error)"))
      return isStopped ? .stopped : .failed
    }
  }

  private func handOver(to successor: Successor, _ entry: AuditEntry) throws(UpgradeFailure) {
    let facts = shared.upgradeFacts.withLock { $0 }
    try successor.tell(
      .hello(
        HandoverMessage.Hello(
          generation: engine.blueprint.generation, upgrades: facts.done, failures: facts.failed)))
    for listener in engine.handedListeners { try successor.tell(listener) }
    for server in plainServers {
      for listener in server.handedListeners { try successor.tell(listener) }
    }
    try successor.tell(.listed)
    try successor.await(.prepared, "take the sockets", for: Successor.Patience.greeting, meanwhile: objection)
    var failure = UpgradeFailure("a move of a tenant holds requests; try again when it is done")
    let isDone = withStateHeld {
      do throws(UpgradeFailure) {
        try commit(to: successor, entry)
        return true
      } catch {
        failure = error
        return false
      }
    }
    if !isDone { throw failure }
  }

  /// Writes nothing down while `body` runs, and nothing ever again if that is true.
  private func withStateHeld(_ body: () -> Bool) -> Bool {
    // In the order in which a move takes them.
    withMovesHeld { tenants.handOver { withQuotasHeld { withGrantsHeld { withAuditHeld(body) } } } }
  }

  private func withMovesHeld(_ body: () -> Bool) -> Bool {
    guard let moves else { return body() }
    return moves.handOver(body)
  }

  private func withQuotasHeld(_ body: () -> Bool) -> Bool {
    guard let quotas else { return body() }
    return quotas.handOver(engine, body)
  }

  private func withGrantsHeld(_ body: () -> Bool) -> Bool {
    guard let grants else { return body() }
    return grants.handOver(body)
  }

  private func withAuditHeld(_ body: () -> Bool) -> Bool {
    guard let log = auditor.log else { return body() }
    return log.handOver(body)
  }

  /// Hands over what is known; once the new process has all done that can fail, there is no way back.
  private func commit(to successor: Successor, _ entry: AuditEntry) throws(UpgradeFailure) {
    let tickets = engine.blueprint.tickets?.handedOver ?? []
    let secrets = HandoverMessage.Secrets(
      hashKeys: engine.hashKeys,
      tickets: tickets.map { HandoverMessage.Secrets.Ticket(bytes: $0.bytes, made: $0.made) })
    try successor.tell(.secrets(secrets), state.map { [$0.lock] } ?? [])
    try successor.await(.loaded, "load its configuration", for: Successor.Patience.loading, meanwhile: objection)
    for server in plainServers {
      server.leavePaths(true)
      server.rest()
    }
    shared.isDraining.store(true, ordering: .releasing)
    say("upgrade: handing over to process \(successor.id), draining")
    engine.handOver(drainingFor: engine.blueprint.drain)
    do throws(UpgradeFailure) {
      try successor.tellCounts(of: engine)
      notifier.mainProcess(successor.id)
      try successor.tell(.take(audit: AdminJSON.bytes(entry)))
      try successor.await(.ready, "accept", for: Successor.Patience.taking) { nil }
      successor.hasConfirmed = true
    } catch {
      // It has the sockets and the state: what is in flight here is served to its end, and whoever watches over the
      // service starts it anew.
      say("upgrade: process \(successor.id) has taken over and does not answer: \(error)")
    }
  }

  /// What comes while a new process is waited for: why not to wait any longer.
  private func objection() -> String? {
    notifier.beat()
    switch Signals.next(of: [SIGTERM, SIGINT, SIGUSR2], milliseconds: 0) {
    case SIGUSR2: say("USR2: an upgrade is under way")
    case nil: break
    default:
      isStopped = true
      return "the process is to stop"
    }
    return nil
  }

  /// Serves what is in flight to its end, while another process serves all else.
  func finish(after successor: Successor) -> Int32 {
    while !engine.hasEnded {
      successor.tellLate(of: engine)
      guard let signal = Signals.next(of: Conductor.signals, milliseconds: 20) else { continue }
      if signal == SIGTERM || signal == SIGINT { engine.drain(for: 0) }
      if signal == SIGUSR2 { say("USR2: process \(successor.id) serves by now; tell it") }
    }
    successor.tellLate(of: engine, isLast: true)
    for server in plainServers { server.settle(milliseconds: Conductor.answerPatience) }
    end()
    say("process \(getpid()) has ended; \(successor.id) serves")
    return successor.hasConfirmed ? 0 : 1
  }

  /// Milliseconds that calls of the admin API have to be answered when the process ends.
  private static let answerPatience = 2_000
}
