import Primitives
import Tenancy

/// All that is kept of a move.
struct MoveRecord: Codable, Sendable {
  /// Its number.
  var n: UInt64
  var order: MoveOrder
  var from: String
  /// The tenant's epoch before it.
  var epoch: UInt64
  var stage: KeptStage
  /// Nanoseconds since 1970.
  var started: Int64
  var ended: Int64?
  var actor: String
  var why: String?
  /// The wave that it belongs to.
  var wave: UInt64?
  /// Requests that it has held, as far as their holds have ended.
  var held: UInt64 = 0
  /// What was counted at the old shard before.
  var base: Base?

  struct Base: Codable, Sendable {
    var requests: UInt64
    var errors: UInt64
    var p99: Int64
  }

  var id: String { "m\(n)" }

  /// The number of a move that is called so; `nil` when none can be.
  static func number(_ id: String) -> UInt64? { id.hasPrefix("m") ? UInt64(id.dropFirst()) : nil }
}

/// A stage as it is kept: what matters of it to a process that is started again.
struct KeptStage: Codable, Sendable, Equatable {
  var name: String
  var reason: String?

  init(_ stage: MoveStage) {
    reason = stage.reason
    name =
      switch stage {
      case .preparing: "preparing"
      case .draining: "draining"
      case .holding: "holding"
      case .sealing: "sealing"
      case .placing: "placing"
      case .releasing: "releasing"
      case .watching: "watching"
      case .lettingGo: "letting_go"
      case .recalling: "recalling"
      case .replacing: "replacing"
      case .returning: "returning"
      case .done: "done"
      case .rolledBack: "rolled_back"
      case .failed: "failed"
      }
  }

  /// The stage; spans of time begin anew.
  var stage: MoveStage {
    let (soon, why) = (Instant.distantFuture, reason ?? "")
    return switch name {
    case "preparing": .preparing(until: soon)
    case "draining": .draining(until: soon)
    case "holding": .holding(until: soon, [])
    case "sealing": .sealing(until: soon)
    case "placing": .placing
    case "releasing": .releasing(until: soon)
    case "watching": .watching(until: soon)
    case "letting_go": .lettingGo(until: soon, why)
    case "recalling": .recalling(until: soon, why)
    case "replacing": .replacing(why)
    case "returning": .returning(until: soon, why)
    case "done": .done
    case "rolled_back": .rolledBack(why)
    default: .failed(why)
    }
  }
}

/// A move as the admin API tells it.
struct MoveAnswer: Codable, Sendable {
  var id: String
  var tenant: String
  var from: String
  var to: String
  var mode: MoveMode
  var hold: String
  var max: Int
  var maxBytes: Int
  var confirm: Bool
  var command: [String]?
  var deadline: String
  var streams: String
  var `guard`: MoveOrder.Guard?
  var state: String
  /// The tenant's epoch now, as far as this move has changed it.
  var epoch: UInt64
  /// Requests under way at the shard that is left, and held.
  var inFlight: Int
  var parked: Int
  /// Requests held so far, and long streams left behind.
  var held: UInt64
  var longStreams: Int
  var started: String
  var ended: String?
  var actor: String
  var reason: String?
  var wave: String?

  enum CodingKeys: String, CodingKey {
    case id, tenant, from, to, mode, hold, max, confirm, command, deadline, streams, `guard`, state, epoch, parked
    case held, started, ended, actor, reason, wave
    case maxBytes = "max_bytes"
    case inFlight = "in_flight"
    case longStreams = "long_streams"
  }

  init(_ record: MoveRecord, epoch: UInt64) {
    let order = record.order.completed()
    id = record.id
    tenant = order.tenant
    from = record.from
    to = order.to
    mode = order.mode ?? .hold
    hold = order.hold ?? ""
    max = order.max ?? 0
    maxBytes = order.maxBytes ?? 0
    confirm = order.confirm ?? false
    command = order.command
    deadline = order.deadline ?? ""
    streams = order.streams ?? ""
    `guard` = order.guard
    state = record.stage.stage.name
    self.epoch = epoch
    inFlight = 0
    parked = 0
    held = record.held
    longStreams = 0
    started = AdminTime.text(record.started)
    ended = record.ended.map { AdminTime.text($0) }
    actor = record.actor
    reason = record.stage.reason
    wave = record.wave.map { "w\($0)" }
  }
}
