import Configuration
import Platform
import Primitives
import Synchronization
import Telemetry

/// Serves the admin API on threads of its own: one crew for Unix sockets, one for TCP, so that who floods the one does not
/// keep anybody out of the other.
final class AdminServer: Sendable {
  /// Connections of a crew that are served at a time.
  static let connectionBound = 32
  /// Calls of a crew that may wait for something (`?wait=`) at a time.
  static let waitBound = 16
  /// Bodies of more than the usual size that are held at a time.
  static let largeBodies = 2

  private let door: AdminDoor
  private let inherited: InheritedSockets
  private let rests: Bool
  private let router: AdminRouter
  private let auditor: Auditor
  private let tls: Mutex<ServerTLS?>
  private let isStopping = Atomic<Bool>(false)
  private let waits = Turns(AdminServer.waitBound)
  private let large = Turns(AdminServer.largeBodies)
  let servers = Mutex<[PlainServer]>([])
  private let calls = Atomic<UInt64>(0)
  private let refusals = Atomic<UInt64>(0)

  /// Binds every address of `settings`, or none, and starts to serve.
  ///
  /// - Parameters:
  ///   - inherited: sockets that are open already.
  ///   - rests: whether connections wait until the servers resume.
  init(
    _ settings: AdminSettings, door: AdminDoor, auditor: Auditor, routes: [AdminRoute],
    inherited: InheritedSockets = InheritedSockets(), rests: Bool = false
  ) throws(SystemError) {
    self.inherited = inherited
    self.rests = rests
    self.door = door
    self.auditor = auditor
    router = AdminRouter(routes)
    tls = Mutex(settings.tls)
    let (unix, tcp) = AdminServer.split(settings.endpoints)
    for endpoints in [unix, tcp] where !endpoints.isEmpty {
      do throws(SystemError) {
        let server = try start(endpoints, mode: settings.users.isEmpty ? 0o600 : 0o666)
        servers.withLock { $0.append(server) }
      } catch {
        stop()
        throw error
      }
    }
  }

  /// Where it listens; a port 0 asked for is here the one that was given.
  var endpoints: [Endpoint] { servers.withLock { $0.flatMap(\.endpoints) } }

  /// Goes by a new configuration, as far as its addresses are the same.
  func adopt(_ settings: AdminSettings) {
    tls.withLock { $0 = settings.tls }
    door.allow(settings.users)
    for case .unix(let path) in endpoints { Socket.setMode(of: path, settings.users.isEmpty ? 0o600 : 0o666) }
  }

  /// What is known of it, with what its door knows.
  var facts: AdminFacts {
    let seals = door.breakGlass
    return AdminFacts(
      calls: calls.load(ordering: .relaxed), refusals: refusals.load(ordering: .relaxed),
      openings: UInt64(seals.openings), openSeals: seals.open, isAudited: auditor.log?.trouble == nil)
  }

  /// Ends the threads and closes the sockets; must be called before the server is let go.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    for server in servers.withLock({ $0 }) { server.stop() }
  }

  private static func split(_ endpoints: [Endpoint]) -> (unix: [Endpoint], tcp: [Endpoint]) {
    let unix = endpoints.filter { if case .unix = $0 { true } else { false } }
    return (unix, endpoints.filter { !unix.contains($0) })
  }

  private func start(_ endpoints: [Endpoint], mode: UInt32) throws(SystemError) -> PlainServer {
    var bounds = PlainServer.Bounds(connections: AdminServer.connectionBound)
    bounds.headSize = 64 << 10
    bounds.header = .seconds(10)
    bounds.patience = .seconds(10)
    bounds.takesBodies = true
    bounds.tellsProblems = true
    bounds.socketMode = mode
    bounds.inherited = inherited
    bounds.use = .admin
    bounds.rests = rests
    // The server is stopped before it is let go, and its threads with it.
    return try PlainServer(
      name: "admin", at: endpoints, bounds: bounds, secure: { [unowned self] in tls.withLock { $0 } },
      .screening { [unowned self] in screen($0) })
  }

  // MARK: - one request

  /// Looks at a head: who asks, for what, and whether they may.
  private func screen(_ request: PlainRequest) -> PlainScreening {
    calls.add(1, ordering: .relaxed)
    do throws(AdminProblem) {
      let caller = try door.caller(of: request)
      return try screen(request, caller)
    } catch {
      if [401, 403, 429].contains(error.status) {
        refusals.add(1, ordering: .relaxed)
        auditor.noteRefusal(
          AuditEntry(
            actor: "unknown", role: "", from: AdminDoor.place(of: request.peer), action: "authenticate",
            target: AdminServer.clipped("\(request.method) \(request.path)"), result: error.code))
      }
      return .refuse(AdminServer.refusal(error))
    }
  }

  private func screen(_ request: PlainRequest, _ caller: AdminCaller) throws(AdminProblem) -> PlainScreening {
    let (route, call): (AdminRoute, AdminCall)
    switch router.find(request.method, request.path) {
    case .nowhere: return .refuse(AdminServer.refusal(.notFound("There is no \(AdminServer.clipped(request.path)).")))
    case .malformed: return .refuse(AdminServer.refusal(.badRequest("The path can't be decoded.")))
    case .wrongMethod(let methods):
      let problem = AdminProblem(405, "method_not_allowed", "Here one may \(methods.joined(separator: ", ")).")
      return .refuse(AdminServer.refusal(problem, fields: "Allow: \(methods.joined(separator: ", "))\r\n"))
    case .route(let found, let parameters):
      guard let queries = AdminQuery.values(request.query) else {
        return .refuse(AdminServer.refusal(.badRequest("The query can't be decoded.")))
      }
      route = found
      call = self.call(request, caller, parameters, queries)
    }
    if let problem = AdminServer.objection(to: call, route) {
      refusals.add(1, ordering: .relaxed)
      auditor.noteRefusal(AdminServer.entry(call, route, result: problem.code))
      return .refuse(AdminServer.refusal(problem))
    }
    return admit(route, call)
  }

  private func call(
    _ request: PlainRequest, _ caller: AdminCaller, _ parameters: [String: String], _ queries: [String: [String]]
  ) -> AdminCall {
    var call = AdminCall(caller: caller)
    call.parameters = parameters
    call.queries = queries
    call.query = queries.mapValues { $0.last ?? "" }
    call.ifMatch = request.field("if-match")
    call.reason = request.field("x-audit-reason")
    call.pause = { [unowned self] in pause($0) }
    return call
  }

  /// Why a caller may not do what it asks for; `nil` when it may.
  private static func objection(to call: AdminCall, _ route: AdminRoute) -> AdminProblem? {
    if call.caller.role < route.role {
      return .forbidden("This takes the role \(route.role.rawValue), and the caller is \(call.caller.role.rawValue).")
    }
    if let name = route.tenantParameter, let tenant = call.parameters[name], !call.caller.mayReach(tenant) {
      return .forbidden("The caller is limited to other tenants.")
    }
    if let reason = call.reason, reason.utf8.count > 1024 {
      return .badRequest("X-Audit-Reason has 1,024 bytes at most.")
    }
    return nil
  }

  /// Takes a turn where the call needs one.
  private func admit(_ route: AdminRoute, _ call: AdminCall) -> PlainScreening {
    let turns = [call.query["wait"] != nil ? waits : nil, route.mostBody > AdminRoute.usualBody ? large : nil]
    var taken: [Turns] = []
    for case let turns? in turns {
      guard turns.take() else {
        for turns in taken { turns.giveBack() }
        let problem = AdminProblem(503, "busy", "Too many calls of this kind are under way.")
        return .refuse(AdminServer.refusal(problem, fields: "Retry-After: 1\r\n"))
      }
      taken.append(turns)
    }
    let held = taken
    return .take(
      bodyBound: route.mostBody,
      answer: { [unowned self] exchange in
        var call = call
        call.body = exchange.request.body
        perform(call, route, &exchange)
      }, finally: { for turns in held { turns.giveBack() } })
  }

  private func perform(_ call: AdminCall, _ route: AdminRoute, _ exchange: inout PlainExchange) {
    let isAudited = !route.action.isEmpty && !call.isDryRun
    do throws(AdminProblem) {
      if isAudited { try auditor.check() }
      let answer: AdminAnswer
      do throws(AdminProblem) {
        answer = try route.handler(call)
      } catch {
        if isAudited { try? auditor.note(AdminServer.entry(call, route, result: error.code)) }
        throw error
      }
      if isAudited { try auditor.note(AdminServer.entry(call, route, result: "done", answer.change)) }
      let etag = answer.etag.map { "ETag: \($0)\r\n" } ?? ""
      let status = answer.status == 200 ? route.success : answer.status
      exchange.answer(
        status, answer.body.isEmpty ? "" : "application/json", answer.body, fields: etag + AdminServer.commonFields)
    } catch {
      let refusal = AdminServer.refusal(error)
      exchange.answer(refusal.status, refusal.contentType, refusal.body, fields: refusal.fields)
    }
  }

  private func pause(_ span: Duration) -> Bool {
    let end = ContinuousClock().now + span
    while true {
      if isStopping.load(ordering: .acquiring) { return false }
      let left = end - ContinuousClock().now
      guard left > .zero else { return true }
      Machine.rest(nanoseconds: min(10 * .millisecond, Int64(left / .nanoseconds(1))))
    }
  }
}
