import Glibc
import Persistence
import Platform
import Primitives
import Synchronization

/// Says who calls the admin API, or refuses.
///
/// Unix sockets: root and the process's own user are `admin`, users of `allow-uid` are `operator`; nobody else comes in. TCP,
/// loopback too: a token. A token that is shown through a Unix socket counts there as well, in place of the user.
final class AdminDoor: Sendable {
  /// Failed attempts in a second, of all callers, that are told more than that there were too many.
  static let failuresPerSecond = 20

  private struct Failures {
    var second: Int64 = 0
    var count = 0
  }

  private let users: Mutex<Set<UInt32>>
  private let grants: GrantBook?
  private let auditor: Auditor
  private let failures = Mutex(Failures())

  init(users: Set<UInt32>, grants: GrantBook?, auditor: Auditor) {
    self.users = Mutex(users)
    self.grants = grants
    self.auditor = auditor
  }

  /// Lets other users in from now on.
  func allow(_ users: Set<UInt32>) { self.users.withLock { $0 = users } }

  /// Sealed tokens that this process saw opened, and those that are open now.
  var breakGlass: (openings: Int, open: Int) { grants?.breakGlass(at: Clock.wall()) ?? (0, 0) }

  /// Who sent a request.
  func caller(of request: PlainRequest, now: Int64 = Clock.wall()) throws(AdminProblem) -> AdminCaller {
    try keepBrowsersOut(request)
    var caller: AdminCaller?
    if case .user(let user) = request.peer { caller = try self.caller(user: user) }
    if let credentials = request.field("authorization") {
      return try self.caller(credentials, from: AdminDoor.place(of: request.peer), at: now)
    }
    guard let caller else { throw failure(AdminProblem(401, "unauthorized", "A token is needed.")) }
    return caller
  }

  /// Where a peer calls from.
  static func place(of peer: PlainPeer) -> String {
    switch peer {
    case .user: "unix"
    case .address(let address): "\(address)"
    case .unknown: "unknown"
    }
  }

  private func caller(user: UInt32) throws(AdminProblem) -> AdminCaller {
    if user == 0 || user == geteuid() {
      return AdminCaller(actor: "uid:\(user)", role: .admin, tenants: nil, from: "unix")
    }
    guard users.withLock({ $0.contains(user) }) else {
      throw failure(.forbidden("User \(user) may not call the admin API; 'allow-uid' says who may."))
    }
    return AdminCaller(actor: "uid:\(user)", role: .operator, tenants: nil, from: "unix")
  }

  private func caller(
    _ credentials: String, from place: String, at now: Int64
  ) throws(AdminProblem) -> AdminCaller {
    let words = credentials.split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0].lowercased() == "bearer",
      let token = GrantToken(String(words[1].drop { $0 == " " })), let grants
    else { throw failure(AdminProblem(401, "unauthorized", "This is no token.")) }
    let admission: GrantBook.Admission
    do throws(PersistenceError) {
      admission = try grants.admit(token, at: now)
    } catch {
      throw AdminProblem(500, "state_failed", "The use of a sealed token can't be kept: \(error).")
    }
    switch admission {
    case .unknown: throw failure(AdminProblem(401, "unauthorized", "Nobody was given this token."))
    case .expired(let grant):
      let end = grant.end.map { AdminTime.text($0) } ?? ""
      throw failure(AdminProblem(403, "grant_expired", "Grant \(grant.id) ended at \(end)."))
    case .granted(let grant, let isOpening):
      let caller = AdminCaller(
        actor: "grant:\(grant.id)", role: grant.role, tenants: grant.tenants.map { Set($0) }, from: place)
      if grant.seal != nil { try raiseAlarm(grant, caller, isOpening: isOpening) }
      return caller
    }
  }

  /// Tells everybody that a sealed token is used: whoever does so means it.
  private func raiseAlarm(_ grant: Grant, _ caller: AdminCaller, isOpening: Bool) throws(AdminProblem) {
    let end = grant.end.map { AdminTime.text($0) } ?? "?"
    let what = isOpening ? "the seal is broken" : "it is used"
    say("BREAK GLASS: \(what): grant \(grant.id), role \(grant.role.rawValue), from \(caller.from), good until \(end)")
    guard isOpening else { return }
    try auditor.note(
      AuditEntry(
        actor: caller.actor, role: caller.role.rawValue, from: caller.from, action: "grant.break-glass",
        target: "grant/\(grant.id)", reason: grant.reason, result: "done", tenants: grant.tenants))
  }

  /// Counts a failed attempt. A token is looked at before that, so that a flood of bad ones keeps nobody out who has a good
  /// one; they can't be guessed.
  private func failure(_ problem: AdminProblem) -> AdminProblem {
    let second = Clock.now().nanoseconds / .second
    let isTooMany = failures.withLock { failures in
      if failures.second != second { failures = Failures(second: second) }
      failures.count += 1
      return failures.count > AdminDoor.failuresPerSecond
    }
    return isTooMany ? AdminProblem(429, "too_many_failures", "Too many callers were refused just now.") : problem
  }

  /// A page that a browser shows must not call the API with what the machine or its user may do.
  private func keepBrowsersOut(_ request: PlainRequest) throws(AdminProblem) {
    if request.field("origin") != nil {
      throw failure(.forbidden("The admin API is not for pages of a browser."))
    }
    guard case .address(let address) = request.peer, address.isLoopback else { return }
    guard let host = request.field("host"), AdminDoor.isLocal(host) else {
      throw failure(.forbidden("On a loopback address Host names one, or 'localhost'."))
    }
  }

  /// Whether a Host is one of this machine's loopback addresses.
  static func isLocal(_ host: String) -> Bool {
    var name = Substring(host)
    if let colon = name.lastIndex(of: ":"), name.last != "]", name[name.index(after: colon)...].allSatisfy(\.isNumber) {
      name = name[..<colon]
    }
    if name.lowercased() == "localhost" { return true }
    if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
    return IPAddress(name)?.isLoopback ?? false
  }
}
