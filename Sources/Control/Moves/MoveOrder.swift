import ConfigLanguage
import Primitives
import Tenancy

/// A move as it is asked for, and as it is told afterwards.
struct MoveOrder: Codable, Sendable, Equatable {
  /// How much worse the new shard may fare.
  struct Guard: Codable, Sendable, Equatable {
    var errors: String?
    var p99: String?
    var time: String?

    enum CodingKeys: String, CodingKey {
      case errors, p99
      case time = "for"
    }
  }

  var tenant: String
  var to: String
  var mode: MoveMode?
  var hold: String?
  var max: Int?
  var maxBytes: Int?
  var confirm: Bool?
  var command: [String]?
  var deadline: String?
  /// `leave`, or `close` and over how long.
  var streams: String?
  var `guard`: Guard?

  enum CodingKeys: String, CodingKey {
    case tenant, to, mode, hold, max, confirm, command, deadline, streams, `guard`
    case maxBytes = "max_bytes"
  }

  /// Requests that a move may hold, and bytes, at most and unless it is said.
  static let requests = (usual: 1000, most: 65_536)
  static let bytes = (usual: 16 << 20, most: 512 << 20)
  /// How long requests are held at most, unless it is said, and by any move.
  static let holds: (usual: Int64, most: Int64) = (5 * .second, 300 * .second)
  /// The same of the time until the cutover.
  static let deadlines: (usual: Int64, most: Int64) = (60 * .second, 86_400 * .second)
  /// Words of a command, and bytes of all of them.
  static let commandWords = 64
  static let commandBytes = 8192

  /// What is said, and what holds where nothing is.
  func completed() -> MoveOrder {
    var order = self
    order.mode = mode ?? .hold
    order.hold = hold ?? "5s"
    order.max = max ?? MoveOrder.requests.usual
    order.maxBytes = maxBytes ?? MoveOrder.bytes.usual
    order.confirm = confirm ?? false
    order.deadline = deadline ?? "60s"
    order.streams = streams ?? "close 60s"
    if var known = `guard` {
      known.time = known.time ?? "60s"
      order.guard = known
    }
    return order
  }
}

/// What an order means.
struct MovePlan: Sendable {
  var terms: MoveTerms
  var requests: Int
  var bytes: Int
  /// Over how long streams that are left behind are ended; `nil` leaves them.
  var grace: Int64?
  var rule: MoveGuard?

  /// Reads an order that is complete.
  init(_ order: MoveOrder) throws(AdminProblem) {
    let hold = try MovePlan.span(order.hold ?? "", "hold", .millisecond, MoveOrder.holds.most)
    let deadline = try MovePlan.span(order.deadline ?? "", "deadline", .millisecond, MoveOrder.deadlines.most)
    requests = order.max ?? 0
    bytes = order.maxBytes ?? 0
    guard (1...MoveOrder.requests.most).contains(requests) else {
      throw .badRequest("'max' is 1 to \(MoveOrder.requests.most).")
    }
    guard (4096...MoveOrder.bytes.most).contains(bytes) else {
      throw .badRequest("'max_bytes' is 4096 to \(MoveOrder.bytes.most).")
    }
    var awaits: MoveAwaits = []
    if order.confirm == true { awaits.insert(.confirmation) }
    if let command = order.command {
      guard (1...MoveOrder.commandWords).contains(command.count), command[0].hasPrefix("/"),
        command.reduce(0, { $0 + $1.utf8.count }) <= MoveOrder.commandBytes,
        command.allSatisfy({ !$0.utf8.contains(0) })
      else { throw .badRequest("'command' is the absolute path of a program and its words.") }
      awaits.insert(.command)
    }
    if order.mode == .drain, !awaits.isEmpty {
      throw .badRequest("'drain' waits for nothing: 'command' and 'confirm' go with 'hold' and 'read_only'.")
    }
    grace = try MovePlan.grace(order.streams ?? "")
    var watch: Int64?
    if let known = order.guard {
      rule = try MovePlan.rule(known)
      watch = try MovePlan.span(known.time ?? "", "guard.for", .second, MoveOrder.deadlines.most)
    }
    terms = MoveTerms(mode: order.mode ?? .hold, hold: hold, deadline: deadline, awaits: awaits, watch: watch)
  }

  private static func span(
    _ text: String, _ name: String, _ least: Int64, _ most: Int64
  ) throws(AdminProblem) -> Int64 {
    guard let span = Quantity.duration(text), (least...most).contains(span) else {
      throw .badRequest(
        "'\(name)' is a span of \(Quantity.text(duration: least)) to \(Quantity.text(duration: most)), such as 5s.")
    }
    return span
  }

  private static func grace(_ text: String) throws(AdminProblem) -> Int64? {
    if text == "leave" { return nil }
    let words = text.split(separator: " ")
    guard words.count == 2, words[0] == "close", let span = Quantity.duration(String(words[1])),
      (0...3600 * .second).contains(span)
    else { throw .badRequest("'streams' is 'leave', or 'close' and a span, such as 'close 60s'.") }
    return span
  }

  private static func rule(_ order: MoveOrder.Guard) throws(AdminProblem) -> MoveGuard {
    var rule = MoveGuard()
    if let text = order.errors {
      guard text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...100).contains(percent) else {
        throw .badRequest("'guard.errors' is a part of all requests, such as 1%.")
      }
      rule.errors = UInt64(percent * 10_000)
    }
    if let text = order.p99 {
      guard text.hasSuffix("x"), let times = Double(text.dropLast()), (1...1000).contains(times) else {
        throw .badRequest("'guard.p99' says how many times as long, such as 1.5x.")
      }
      rule.p99 = Int64(times * 1000)
    }
    guard rule != MoveGuard() else { throw .badRequest("'guard' has 'errors' or 'p99', or both.") }
    return rule
  }
}
