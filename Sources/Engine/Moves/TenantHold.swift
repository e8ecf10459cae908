public import Primitives
import Synchronization
import Tenancy

/// What a hold does with requests of its tenant, from stage to stage in this order.
enum HoldStage: UInt8, Comparable {
  /// Holds those that may change something; safe methods pass.
  case unsafeOnly
  /// Holds all.
  case all
  /// Lets go what it holds, in order; new ones pass.
  case releasing
  /// Is over.
  case over

  static func < (left: HoldStage, right: HoldStage) -> Bool { left.rawValue < right.rawValue }
}

/// How much a hold may hold, and for how long.
public struct HoldTerms: Sendable, Hashable {
  /// Requests.
  public var requests: Int
  /// Bytes of memory that they take.
  public var bytes: Int
  /// When each of them is refused that has not been let go by then.
  public var deadline: Instant
  /// Whether safe methods pass at first.
  public var passesSafe: Bool

  /// A hold of all requests within these bounds.
  public init(requests: Int, bytes: Int, deadline: Instant, passesSafe: Bool = false) {
    self.requests = requests
    self.bytes = bytes
    self.deadline = deadline
    self.passesSafe = passesSafe
  }
}

/// The requests of one tenant that all workers hold, and those that are still under way where it was.
///
/// The control thread raises the stage; each worker says when it has seen it. What is counted is exact from the moment on at
/// which every worker has.
public final class TenantHold: Sendable {
  /// The tenant.
  let tenant: TenantIndex
  /// How much may be held.
  let terms: HoldTerms
  /// How far it is (`HoldStage`).
  let stage: Atomic<UInt8>
  /// The epoch that a worker's directory must have before it lets anything go.
  let epoch = Atomic<UInt64>(0)
  /// Nanoseconds over which long streams that were left behind are ended, from `releasing` on; -1 leaves them.
  let grace = Atomic<Int64>(-1)
  /// What each worker has seen of `stage`, plus one.
  private let seen: [Seen]
  /// Requests held, and the bytes they take.
  let count = HoldCount()
  /// Requests under way that were not held, and streams among those that are not waited for.
  let underWay = Atomic<Int>(0)
  let streams = Atomic<Int>(0)
  /// Requests let go that have not ended.
  let released = Atomic<Int>(0)

  /// One worker's word; apart from each other, since each worker writes its own.
  final class Seen: Sendable {
    let stage = Atomic<UInt8>(0)
  }

  init(_ tenant: TenantIndex, _ terms: HoldTerms, workers: Int) {
    self.tenant = tenant
    self.terms = terms
    stage = Atomic((terms.passesSafe ? HoldStage.unsafeOnly : .all).rawValue)
    seen = (0..<workers).map { _ in Seen() }
  }

  /// The stage as it was last set.
  var current: HoldStage { HoldStage(rawValue: stage.load(ordering: .acquiring)) ?? .over }

  /// Says that a worker does as `stage` wants.
  func note(_ stage: HoldStage, by worker: Int) {
    seen[worker].stage.store(stage.rawValue + 1, ordering: .releasing)
  }

  /// Whether every worker does as the stage last set wants.
  public var isHeardByAll: Bool {
    let wanted = stage.load(ordering: .relaxed) + 1
    return seen.allSatisfy { $0.stage.load(ordering: .acquiring) >= wanted }
  }

  /// Requests held now.
  public var parkedCount: Int { count.parked.load(ordering: .acquiring) }
  /// Requests held so far.
  public var heldCount: UInt64 { count.total.load(ordering: .relaxed) }
  /// Requests under way where the tenant was; long streams are not among them.
  public var underWayCount: Int { underWay.load(ordering: .acquiring) }
  /// Long streams under way there that are not waited for.
  public var streamCount: Int { streams.load(ordering: .relaxed) }
  /// Requests that were let go and have not ended.
  public var releasedCount: Int { released.load(ordering: .acquiring) }

  /// Counts one request in that takes `bytes`; false when that is too much.
  func enter(_ bytes: Int) -> Bool { count.enter(bytes, mostRequests: terms.requests, mostBytes: terms.bytes) }

  /// Counts one out again.
  func leave(_ bytes: Int) { count.leave(bytes) }
}
