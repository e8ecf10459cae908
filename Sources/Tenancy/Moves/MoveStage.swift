public import Primitives

/// How far a move is, each stage with what it needs to know and nothing else.
public enum MoveStage: Sendable, Equatable {
  /// The new shard is looked at; nothing has changed yet.
  case preparing(until: Instant)
  /// Requests are held; those under way at the old shard are waited for.
  case draining(until: Instant)
  /// None is under way; what must come before the cutover is awaited.
  case holding(until: Instant, MoveAwaits)
  /// Safe requests, which were served until now, are held too; those under way are waited for.
  case sealing(until: Instant)
  /// The new placement is being written down.
  case placing
  /// What was held goes to the new shard.
  case releasing(until: Instant)
  /// The new shard is watched.
  case watching(until: Instant)

  /// There is no cutover: what was held goes to the old shard.
  case lettingGo(until: Instant, String)
  /// Back after a cutover: requests are held, those under way at the new shard are waited for.
  case recalling(until: Instant, String)
  /// Back after a cutover: the old shard's placement is being written down.
  case replacing(String)
  /// Back after a cutover: what was held goes to the old shard.
  case returning(until: Instant, String)

  /// The tenant is at the new shard.
  case done
  /// The tenant is at the old shard, and why.
  case rolledBack(String)
  /// Neither could be; what was held went to where the tenant is.
  case failed(String)

  /// Its name for users.
  public var name: String {
    switch self {
    case .preparing: "preparing"
    case .draining, .recalling: "draining"
    case .holding: "holding"
    case .sealing, .placing, .replacing: "cutover"
    case .releasing, .lettingGo, .returning: "releasing"
    case .watching: "watching"
    case .done: "done"
    case .rolledBack: "rolled_back"
    case .failed: "failed"
    }
  }

  /// The names, in the order in which a move has them.
  public static let names = [
    "preparing", "draining", "holding", "cutover", "releasing", "watching", "done", "rolled_back", "failed",
  ]

  /// Whether nothing more will happen.
  public var isOver: Bool {
    switch self {
    case .done, .rolledBack, .failed: true
    default: false
    }
  }

  /// Whether requests may be held.
  public var holdsRequests: Bool {
    switch self {
    case .preparing, .watching, .done, .rolledBack, .failed: false
    default: true
    }
  }

  /// Why it went back, or will; `nil` when it does not.
  public var reason: String? {
    switch self {
    case .lettingGo(_, let reason), .recalling(_, let reason), .replacing(let reason), .returning(_, let reason),
      .rolledBack(let reason), .failed(let reason):
      reason
    default: nil
    }
  }

  /// When something is due if nothing happens; `nil` when nothing is.
  public var until: Instant? {
    switch self {
    case .preparing(let until), .draining(let until), .holding(let until, _), .sealing(let until),
      .releasing(let until), .watching(let until), .lettingGo(let until, _), .recalling(let until, _),
      .returning(let until, _):
      until
    case .placing, .replacing, .done, .rolledBack, .failed: nil
    }
  }
}
