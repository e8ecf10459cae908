import Configuration
import FoundationEssentials

extension Verb {
  /// What `audit` does.
  static let ofAudit = [
    Verb(
      name: "", options: [.tenant, .actor, .action, .limit], summary: "what was done, the newest first",
      perform: listAudit),
    Verb(
      name: "verify", options: [.config, .state, .json], isCall: false,
      summary: "whether the audit log is whole: nothing changed, taken out, moved or cut off", perform: verifyAudit),
  ]

  @Sendable private static func listAudit(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    var query = [("limit", invocation.value(.limit) ?? "20")]
    for (name, option) in [("tenant", Option.tenant), ("actor", .actor), ("action", .action)] {
      if let value = invocation.value(option) { query.append((name, value)) }
    }
    let reply = try AdminClient(invocation).call("GET", "/v1/audit", query: query)
    if invocation.isJSON { return show(reply) }
    var table = TextTable(["N", "TIME", "ACTOR", "ROLE", "FROM", "ACTION", "TARGET", "RESULT", "REASON"], numbers: [0])
    for entry in try AdminClient.decode(AdminList<AuditEntry>.self, reply.body).items {
      table.add([
        "\(entry.n)", entry.time, entry.actor, entry.role, entry.from, entry.action, entry.target, entry.result,
        entry.reason ?? "",
      ])
    }
    print(table.text, terminator: "")
    return 0
  }

  /// What `audit verify --json` prints.
  private struct Verdict: Encodable {
    var whole: Bool
    var entries: Int
    var first: Int64?
    var last: Int64
    var chain: String
    var faults: [String]
    var faultCount: Int

    enum CodingKeys: String, CodingKey {
      case whole, entries, first, last, chain, faults
      case faultCount = "fault_count"
    }
  }

  @Sendable private static func verifyAudit(_ invocation: Invocation) throws(CommandFailure) -> Int32 {
    let named = invocation.value(.state)
    let folder = if let named { named } else { try stateFolder(of: invocation) }
    let verification: AuditVerification
    do throws(AuditFault) {
      verification = try AuditVerification(folder: folder)
    } catch {
      throw CommandFailure("\(error)")
    }
    let isWhole = verification.faultCount == 0
    if invocation.isJSON {
      let verdict = Verdict(
        whole: isWhole, entries: verification.count, first: verification.first, last: verification.end.n,
        chain: verification.end.chain, faults: verification.faults, faultCount: verification.faultCount)
      print(String(decoding: AdminJSON.bytes(verdict), as: UTF8.self))
      return isWhole ? 0 : 1
    }
    for fault in verification.faults { print("\(folder)/\(fault)") }
    let more = verification.faultCount - verification.faults.count
    if more > 0 { print("and \(more) more") }
    let range = verification.first.map { ", \($0) to \(verification.end.n)" } ?? ""
    print("\(folder): \(verification.count) entries\(range), \(isWhole ? "whole" : "NOT WHOLE")")
    print("chain \(verification.end.chain)")
    return isWhole ? 0 : 1
  }

  private static func stateFolder(of invocation: Invocation) throws(CommandFailure) -> String {
    let path = try Entrance.configuration(of: invocation)
    let glance = AdminGlance(path: path, environment: ProcessInfo.processInfo.environment)
    guard let state = glance.state else {
      throw CommandFailure("\(path) has no 'state' line; name the folder with --state")
    }
    return state
  }
}
