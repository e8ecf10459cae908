import Primitives

/// Something that happened in a world, as the checkers are told.
enum Fact {
  /// A client began to send a request.
  case asked(request: Int)
  /// The engine's socket took the first line of a request; connection `link`.
  case attempted(request: Int, isSafe: Bool, link: Int)
  /// A backend said that nobody has looked at a request it was sent: it may be sent again.
  case unseen(request: Int)
  /// The engine received the first byte of a backend's answer to a request.
  case answerBegan(request: Int, link: Int)
  /// A request's head came to a backend that reads it; whether its tenant's bucket was asked for certain.
  case arrived(
    request: Int, tenant: Int, namedTenant: String, namedShard: String, ownShard: String, isRated: Bool = true)
  /// Where its head says a request belongs, and where the configurations in use have it.
  case placed(request: Int, at: String, allowed: [String])
  /// A backend answered a request whose cookie binds it to another one, or to itself.
  case returned(request: Int, place: String, boundTo: String)
  /// A configuration is put into use that says so of a tenant.
  case limits(tenant: Int, isDeclared: Bool, bucket: RateBound.Bucket?)
  /// Every worker uses the newest configuration.
  case settled
  /// A drain's deadline has passed, with so many workers left.
  case drained(running: Int)
  /// A client or backend read bytes of a body of `request`; whether they are the ones sent to it.
  case read(request: Int, isOwn: Bool)
  /// A backend broke its answer off before its end.
  case brokenOff(request: Int)
  /// A backend will answer `request` anew: what it broke off before no longer counts.
  case answersAnew(request: Int)
  /// A client got a whole final answer, of a backend or of the proxy itself.
  case answered(request: Int, status: Int, isOwn: Bool = false)
  /// Bytes of an answer, or of a request, that the engine has received and not sent on.
  case held(request: Int, bytes: Int)
  /// The engine finished an exchange.
  case finished(request: Int)
  /// What an account of a tenant says.
  case inFlight(tenant: Int, count: Int, bound: Int)
  /// Requests that hold a slot of a shard, and that are at its backends without one.
  case slots(shard: Int, held: Int, bound: Int, without: Int)
  /// The engine's socket took the head of a request of a tenant, placed by an epoch; a long one may outlive a move.
  case routed(request: Int, tenant: Int, epoch: UInt64, isSafe: Bool, isLong: Bool)
  /// Every worker holds the requests of a tenant, but for safe ones if those pass, and none is under way.
  case quiet(tenant: Int, passesSafe: Bool)
  /// Every worker goes by a new placement of a tenant.
  case cutOver(tenant: Int, epoch: UInt64)
  /// What is held of a tenant is let go from now on.
  case letGo(tenant: Int)
  /// Requests of a tenant that are held, of so many.
  case parked(tenant: Int, count: Int, bound: Int)
  /// A request that was held was let go; a request that came before it to the same worker is still held.
  case freed(request: Int, heldBefore: Int?)
  /// Nothing more will happen.
  case atRest(Remains)
}

/// What is left in a process at rest.
struct Remains {
  var sockets = 0
  var exchanges = 0
  var connections = 0
  var lentBytes = 0
  var inFlight: [Int] = []
  /// Slots of shards, of backends and of tenants that are still taken, and requests that still wait.
  var slots = 0
  var waiting = 0
}
