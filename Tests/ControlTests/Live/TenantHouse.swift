import ConfigLanguage
import Configuration
import Engine
import Foundation
import Persistence
import Primitives
import Tenancy
import Testing

@testable import Control

/// A data plane with its tenants and a folder for what is kept, as the conductor has them.
final class TenantHouse {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)").path
  private(set) var tenants: LiveTenants
  private(set) var engine: Engine
  private let text: String
  private var state: StateFolder?

  static let least = """
    workers 1
    listen 127.0.0.1:0
    state state
    shard one {
      backend 127.0.0.1:1
    }
    shard two {
      backend 127.0.0.1:2
    }
    shard lab {
      test
      backend 127.0.0.1:3
    }
    plan gold {
      requests 500/s burst 1000
    }
    plan free {
      requests 5/s
    }
    tenant declared {
      host declared.example
      plan gold
      home one
      epoch 4
      requests 50/s burst 100
      requests 5/s burst 10 per client
    }
    tenants table t.tbl

    """
  static let table = "listed plan=free home=one host=listed.example concurrency=7\n"

  init(_ text: String = TenantHouse.least + "tenants store\n") throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(TenantHouse.table.utf8).write(to: URL(fileURLWithPath: folder + "/t.tbl"))
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/proxy.conf"))
    self.text = text
    (state, tenants, engine) = try TenantHouse.open(folder)
  }

  private static func open(_ folder: String) throws -> (StateFolder?, LiveTenants, Engine) {
    let opening = StateOpening()
    let outcome = ConfigurationLoader(processors: 1).load(
      path: folder + "/proxy.conf", environment: [:], resolveName: { _ in [] }, previous: nil,
      additions: { try opening.open($0) })
    guard case .loaded(let loaded) = outcome else {
      if case .refused(let report) = outcome { Issue.record("refused:\n\(report.text)") }
      throw AdminProblem.badRequest("refused")
    }
    let tenants = try opening.finish()
    let key = AffinityKey(bytes: [UInt8](repeating: 7, count: 32))
    let engine = try Engine(loaded.blueprint, affinityKey: key, descriptors: 1_000)
    tenants.begin(loaded, engine)
    return (opening.folder, tenants, engine)
  }

  /// Ends the process and starts it anew.
  func restart() throws {
    tenants.stop()
    engine.abandon()
    // The lock of the folder goes with it.
    state = nil
    tenants = try LiveTenants(folder: nil)
    (state, tenants, engine) = try TenantHouse.open(folder)
  }

  deinit {
    tenants.stop()
    engine.abandon()
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: - calls

  static let boss = AdminCaller(actor: "test", role: .admin, tenants: nil, from: "unix")

  /// Calls the API: the answer, or the problem.
  func call(
    _ method: String, _ path: String, _ body: String = "", by caller: AdminCaller = TenantHouse.boss,
    ifMatch: String? = nil, reason: String? = nil
  ) -> Result<AdminAnswer, AdminProblem> {
    let parts = path.split(separator: "?", maxSplits: 1)
    let router = AdminRouter(TenantDesk(tenants: tenants).routes)
    guard case .route(let route, let parameters) = router.find(method, String(parts[0])) else {
      return .failure(.notFound(path))
    }
    var call = AdminCall(
      caller: caller, parameters: parameters, body: Array(body.utf8), ifMatch: ifMatch, reason: reason)
    call.query = (AdminQuery.values(parts.count > 1 ? String(parts[1]) : "") ?? [:]).mapValues { $0.last ?? "" }
    do throws(AdminProblem) {
      return .success(try route.handler(call))
    } catch {
      return .failure(error)
    }
  }

  /// What a call answers, as JSON.
  func json(
    _ method: String, _ path: String, _ body: String = "", by caller: AdminCaller = TenantHouse.boss,
    ifMatch: String? = nil, reason: String? = nil
  ) throws -> JSONValue {
    let answer = try call(method, path, body, by: caller, ifMatch: ifMatch, reason: reason).get()
    return answer.body.isEmpty ? .null : try AdminJSON.read(JSONValue.self, answer.body)
  }

  /// Why a call is refused: status and code.
  func refusal(
    _ method: String, _ path: String, _ body: String = "", by caller: AdminCaller = TenantHouse.boss,
    ifMatch: String? = nil
  ) -> String {
    switch call(method, path, body, by: caller, ifMatch: ifMatch) {
    case .success(let answer): "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
    case .failure(let problem): "\(problem.status) \(problem.code)"
    }
  }

  /// Whom a request of a host is for, and why it is refused, as the data path would have it.
  func verdict(_ host: String, _ method: String = "GET") -> String {
    var question = RequestQuestion()
    question.host = host
    question.method = method
    let blueprint = engine.blueprint
    let verdict = question.decide(with: blueprint)
    let name = verdict.tenant.map { blueprint.tenants.name(of: $0) } ?? "nobody"
    let shard = verdict.shard.map { blueprint.shards[$0].name } ?? "nowhere"
    return verdict.code == .none ? "\(name) \(shard)" : "\(verdict.code.name)"
  }
}

extension JSONValue {
  /// The member of this name; `null` when there is none.
  subscript(name: String) -> JSONValue {
    if case .object(let members) = self { members[name] ?? .null } else { .null }
  }

  /// The item at a place; `null` when there is none.
  subscript(place: Int) -> JSONValue {
    if case .list(let items) = self, items.indices.contains(place) { items[place] } else { .null }
  }

  /// Items of a list.
  var count: Int { if case .list(let items) = self { items.count } else { -1 } }

  /// The text, or "".
  var words: String { if case .text(let text) = self { text } else { "" } }
}

/// Whether a value is this text, number or truth.
func == (value: JSONValue, text: String) -> Bool { value == .text(text) }
func == (value: JSONValue, number: Int) -> Bool { value == .whole(Int64(number)) }
func == (value: JSONValue, flag: Bool) -> Bool { value == .bool(flag) }
