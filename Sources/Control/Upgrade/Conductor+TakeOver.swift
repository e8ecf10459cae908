import Engine
import FoundationEssentials
import Glibc
import Platform
import Telemetry

extension Conductor {
  /// Starts what writes the state down; takes the place of the process before, if there is one, once all is done that can
  /// fail.
  func takeOver() throws {
    guard let predecessor else {
      try startKeeping()
      return
    }
    for server in plainServers { server.leavePaths(true) }
    let audit = try predecessor.takeOver(engine)
    engine.leavePaths(false)
    engine.beginAccepting()
    for server in plainServers {
      server.leavePaths(false)
      server.resume()
    }
    predecessor.confirm(engine)
    try startKeeping()
    shared.upgradeFacts.withLock {
      $0 = UpgradeFacts(done: predecessor.hello.upgrades + 1, failed: predecessor.hello.failures)
    }
    if let entry = try? JSONDecoder().decode(AuditEntry.self, from: Data(audit)) { try? auditor.note(entry) }
  }

  /// Starts all that writes the state down.
  private func startKeeping() throws {
    try quotas?.start(engine)
    try tenants.start()
    try moves?.start()
    leaveUnwanted()
  }

  /// Closes sockets that were opened for addresses the configuration does not have.
  private func leaveUnwanted() {
    for listener in inherited.takeRest() {
      say("nobody listens on \(listener.bound): the configuration does not have it")
      for socket in listener.sockets { Socket.close(socket, resetting: false) }
      if case .unix(let path) = listener.bound, !listener.isForeign { Socket.removePath(path) }
    }
  }

  /// The servers around the data plane.
  var plainServers: [PlainServer] { (server.map { [$0.server] } ?? []) + (admin?.servers.withLock { $0 } ?? []) }
}
