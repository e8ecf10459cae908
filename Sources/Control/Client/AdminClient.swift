import Configuration
import FoundationEssentials
import Platform
import Primitives

/// Calls the admin API for a command.
struct AdminClient {
  /// An answer of the API.
  struct Reply {
    var status: Int
    var body: [UInt8]
    var etag: String?
  }

  /// How long a connection may take to come about.
  static let patience = Duration.seconds(5)
  /// Bytes of an answer at most.
  static let largestReply = 1 << 30

  let target: AdminTarget

  /// A client of the API that a command line, or the configuration, names.
  init(_ invocation: Invocation) throws(CommandFailure) { target = try AdminTarget(invocation) }

  /// The value that a path has.
  func get<Value: Decodable>(
    _ type: Value.Type, _ path: String, query: [(String, String)] = []
  ) throws(CommandFailure) -> Value {
    try AdminClient.decode(type, call("GET", path, query: query).body)
  }

  /// The value of an answer.
  static func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(CommandFailure) -> Value {
    guard let value = try? JSONDecoder().decode(type, from: Data(body)) else {
      throw CommandFailure("the proxy answers with something else; is it of another version?")
    }
    return value
  }

  /// Calls the API, and fails with its words when it refuses.
  ///
  /// - Parameter patience: how long the answer may take.
  func call(
    _ method: String, _ path: String, query: [(String, String)] = [], body: [UInt8]? = nil, reason: String? = nil,
    ifMatch: String? = nil, patience: Duration = .seconds(600)
  ) throws(CommandFailure) -> Reply {
    let pairs = query.map { "\(AdminQuery.encode($0.0))=\(AdminQuery.encode($0.1))" }
    var head = "\(method) \(path)\(pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")) HTTP/1.1\r\n"
    head += "Host: \(target.authority)\r\nConnection: close\r\nAccept: application/json\r\n"
    if let token = target.token { head += "Authorization: Bearer \(token)\r\n" }
    if let ifMatch { head += try AdminClient.line("If-Match", ifMatch) }
    if let reason { head += try AdminClient.line("X-Audit-Reason", reason) }
    if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
    let reply = try exchange(Array((head + "\r\n").utf8) + (body ?? []), patience)
    guard (200..<300).contains(reply.status) else { throw AdminClient.failure(reply) }
    return reply
  }

  private static func line(_ name: String, _ value: String) throws(CommandFailure) -> String {
    guard value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
      throw CommandFailure("\(name) must be one line of text", status: 2)
    }
    return "\(name): \(value)\r\n"
  }

  /// The words of a refusal.
  private static func failure(_ reply: Reply) -> CommandFailure {
    struct Problem: Decodable {
      var code: String
      var detail: String
    }
    guard let problem = try? JSONDecoder().decode(Problem.self, from: Data(reply.body)) else {
      return CommandFailure("the proxy answers with status \(reply.status)")
    }
    return CommandFailure("\(problem.detail) (\(reply.status) \(problem.code))")
  }

  private func exchange(_ request: [UInt8], _ patience: Duration) throws(CommandFailure) -> Reply {
    var channel = try target.connect(until: ContinuousClock().now + AdminClient.patience)
    guard channel.send(request, patience: .seconds(60)) else { throw lost }
    let deadline = ContinuousClock().now + patience
    while channel.receive(until: deadline) {
      if channel.pending.count > AdminClient.largestReply { throw CommandFailure("the answer has no end") }
      if let reply = AdminReplyText(channel.pending).reply { return reply }
    }
    guard let reply = AdminReplyText(channel.pending, isWhole: true).reply else { throw lost }
    return reply
  }

  private var lost: CommandFailure { CommandFailure("the connection to \(target) broke off without an answer") }
}
