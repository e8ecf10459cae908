import Platform
import Primitives
import Synchronization

/// Writes down what is done through the admin API: to the audit log where there is a state, else to the process's own log.
final class Auditor: Sendable {
  /// Refused callers that are written down in a second at most; the others are counted.
  static let refusalsPerSecond = 5

  private struct Refusals {
    var second: Int64 = 0
    var count = 0
    var untold = 0
  }

  let log: AuditLog?
  private let refusals = Mutex(Refusals())

  init(log: AuditLog?) { self.log = log }

  /// Whether what is done could be written down now.
  func check() throws(AdminProblem) {
    guard let trouble = log?.trouble else { return }
    // Once more: the disk may have room again.
    do throws(AuditFault) {
      try log?.append(
        AuditEntry(actor: "gatehouse", role: "", from: "", action: "audit.resume", target: "audit", result: "done"))
    } catch {
      throw AdminProblem(503, "audit_unavailable", "Nothing is changed while it can't be audited: \(trouble).")
    }
  }

  /// Writes down what was done, or not.
  func note(_ entry: AuditEntry) throws(AdminProblem) {
    // The process that was handed over to has written that down itself.
    if entry.action == UpgradeDesk.action, entry.result == "done", log?.isHandedOver == true { return }
    guard let log, !log.isHandedOver else {
      say("audit: " + String(decoding: AdminJSON.bytes(entry), as: UTF8.self))
      return
    }
    do throws(AuditFault) {
      try log.append(entry)
    } catch {
      say("audit: \(error); not written: " + String(decoding: AdminJSON.bytes(entry), as: UTF8.self))
      throw AdminProblem(500, "audit_failed", "This was done, but could not be audited: \(error).")
    }
  }

  /// Writes down a caller that was refused, if not too many were just now.
  func noteRefusal(_ entry: AuditEntry) {
    let second = Clock.now().nanoseconds / .second
    let isTold = refusals.withLock { refusals in
      if refusals.second != second {
        refusals.second = second
        refusals.count = 0
      }
      refusals.count += 1
      let isTold = refusals.count <= Auditor.refusalsPerSecond
      if !isTold { refusals.untold += 1 }
      return isTold
    }
    guard isTold else { return }
    var entry = entry
    let untold = refusals.withLock { refusals in
      defer { refusals.untold = 0 }
      return refusals.untold
    }
    if untold > 0 { entry.reason = "\(untold) more refusals before this one are not written down" }
    try? note(entry)
  }
}
