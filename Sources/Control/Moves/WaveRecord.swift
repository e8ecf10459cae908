/// A wave as it is asked for: many moves on the same terms, some at a time.
struct WaveOrder: Codable, Sendable {
  /// The tenants; or those that live on `from`, of these those of `plan`, of these so many `percent`.
  var tenants: [String]?
  var from: String?
  var plan: String?
  var percent: Int?
  var to: String
  /// Moves at once, and the rest between two batches.
  var batch: Int?
  var pause: String?
  /// Moves that may go back before the wave pauses by itself.
  var failures: Int?
  /// What else is said of each move.
  var mode: String?
  var hold: String?
  var max: Int?
  var maxBytes: Int?
  var command: [String]?
  var deadline: String?
  var streams: String?
  var `guard`: MoveOrder.Guard?

  enum CodingKeys: String, CodingKey {
    case tenants, from, plan, percent, to, batch, pause, failures, mode, hold, max, command, deadline, streams, `guard`
    case maxBytes = "max_bytes"
  }

  /// Tenants of a wave at most.
  static let mostTenants = 100_000
}

/// All that is kept of a wave.
struct WaveRecord: Codable, Sendable {
  /// How far it is.
  enum State: String, Codable, Sendable {
    case running, paused, done, aborted
  }

  var n: UInt64
  /// The terms of each move; its tenant is one of `tenants`.
  var order: MoveOrder
  var batch: Int
  /// Nanoseconds between two batches.
  var pause: Int64
  var failures: Int
  /// All tenants, in the order in which they are moved, and how many of them were begun with.
  var tenants: [String]
  var begun = 0
  var moved = 0
  var returned: [String] = []
  var state = State.running
  var reason: String?
  var started: Int64
  var ended: Int64?
  var actor: String
  var why: String?

  var id: String { "w\(n)" }

  /// The number of a wave that is called so; `nil` when none can be.
  static func number(_ id: String) -> UInt64? { id.hasPrefix("w") ? UInt64(id.dropFirst()) : nil }
}

/// A wave as the admin API tells it.
struct WaveAnswer: Codable, Sendable {
  var id: String
  var to: String
  var state: String
  var tenants: Int
  var begun: Int
  var moved: Int
  /// Tenants that are where they were.
  var returned: [String]
  var moving: [String]
  var batch: Int
  var started: String
  var ended: String?
  var actor: String
  var reason: String?

  init(_ record: WaveRecord, moving: [String]) {
    id = record.id
    to = record.order.to
    state = record.state.rawValue
    tenants = record.tenants.count
    begun = record.begun
    moved = record.moved
    returned = record.returned
    self.moving = moving
    batch = record.batch
    started = AdminTime.text(record.started)
    ended = record.ended.map { AdminTime.text($0) }
    actor = record.actor
    reason = record.reason
  }
}
