import Balancing
import ConfigLanguage
import Engine
import Primitives

/// Where backends are given other duties.
struct BackendDesk {
  /// How long a backend that drains serves those bound to it, unless it is said, and at most.
  static let drains: (usual: Int64, most: Int64) = (600 * .second, 7 * 86_400 * .second)

  let engine: Engine

  /// A duty as it is asked for.
  struct Request: Codable {
    var state: String
    /// Of one that drains: how long it serves those bound to it.
    var deadline: String?
  }

  /// The rows of the admin API.
  var routes: [AdminRoute] {
    [
      AdminRoute(
        method: "PUT", path: "/v1/shards/{name}/backends/{address}", role: .operator,
        summary: "Has a backend serve, drain or rest; it stays so over reloads, until the process ends.",
        request: "BackendRequest", response: "Backend", action: "backend.put", handler: put)
    ]
  }

  @Sendable private func put(_ call: AdminCall) throws(AdminProblem) -> AdminAnswer {
    try call.caller.mustReachAll()
    let request = try AdminJSON.read(Request.self, call.body)
    guard let duty = BackendDuty(name: request.state) else {
      throw .badRequest("'state' is active, draining or down.")
    }
    var span = BackendDesk.drains.usual
    if let text = request.deadline {
      guard let wanted = Quantity.duration(text), (0...BackendDesk.drains.most).contains(wanted) else {
        throw .badRequest("'deadline' is a span of at most 7d.")
      }
      span = wanted
    }
    let (shard, address) = (call.parameters["name"] ?? "", call.parameters["address"] ?? "")
    guard let before = backend(shard, address) else {
      throw .notFound("There is no backend '\(address.prefix(64))' of shard '\(shard.prefix(64))'.")
    }
    if !call.isDryRun { _ = engine.assign(duty, toBackend: address, ofShard: shard, for: span) }
    guard let after = backend(shard, address) else { throw .notFound("The backend is gone.") }
    var answer = AdminAnswer(body: AdminJSON.bytes(after))
    if !call.isDryRun {
      say("backend \(address) of shard \(shard): \(duty.name)")
      answer.change = AdminChange(
        target: "shard/\(shard)/backend/\(address)", before: AdminJSON.bytes(before), after: answer.body)
    }
    return answer
  }

  private func backend(_ shard: String, _ address: String) -> ShardAnswer.Backend? {
    let state = engine.shardStates().first { $0.name == shard }
    return state.map { ShardAnswer($0) }?.backends.first { $0.address == address }
  }
}
