public import Platform
public import Primitives

/// An app server for the demo: answers any request with what it received, and from which backend.
///
/// `/healthz` is always fine, `/slow?ms=` takes its time (10 s at most), `/stream` sends five events.
public final class SampleApplication: Sendable {
  /// Connections served at a time.
  static let connectionBound = 512
  /// The longest `/slow`, in milliseconds.
  static let slowestAnswer = 10_000
  /// Events of `/stream`.
  static let eventCount = 5
  /// Between two events of `/stream`.
  static let eventSpacing = Duration.milliseconds(200)

  private let server: PlainServer

  /// Binds `endpoint` and starts to serve as the backend of that name (by default its address).
  public init(at endpoint: Endpoint, named name: String) throws(SystemError) {
    var bounds = PlainServer.Bounds(connections: SampleApplication.connectionBound)
    bounds.headSize = 256 << 10
    bounds.header = .seconds(120)
    bounds.patience = .seconds(30)
    bounds.takesBodies = true
    server = try PlainServer(name: "sample", at: [endpoint], bounds: bounds) { exchange in
      SampleApplication.answer(&exchange, as: name)
    }
  }

  /// Where it listens; a port 0 asked for is here the one that was given.
  public var endpoint: Endpoint { server.endpoints[0] }

  /// Ends it; must be called before it is let go.
  public func stop() { server.stop() }

  private static func answer(_ exchange: inout PlainExchange, as name: String) {
    switch exchange.request.path {
    case "/healthz":
      return exchange.answer(200, "text/plain; charset=utf-8", Array("ok\n".utf8))
    case "/stream":
      return stream(&exchange, as: name)
    case "/slow":
      let wanted = exchange.request.parameter("ms").flatMap { Int($0) } ?? 1000
      _ = exchange.pause(.milliseconds(min(max(0, wanted), slowestAnswer)))
    default: break
    }
    exchange.answer(200, "application/json", Array((describe(exchange.request, as: name) + "\n").utf8))
  }

  private static func stream(_ exchange: inout PlainExchange, as name: String) {
    guard exchange.beginStream("text/event-stream") else { return }
    var isWhole = true
    for number in 1...eventCount where isWhole {
      let event = "id: \(number)\ndata: {\"backend\":\(quoted(name)),\"event\":\(number)}\n\n"
      isWhole = exchange.send(Array(event.utf8)) && (number == eventCount || exchange.pause(eventSpacing))
    }
    exchange.endStream(isWhole: isWhole)
  }

  /// What the request said, as one JSON object.
  private static func describe(_ request: PlainRequest, as name: String) -> String {
    let fields = [
      ("tenant", "x-tenant-id"), ("shard", "x-placement-shard"), ("epoch", "x-placement-epoch"), ("host", "host"),
      ("request_id", "x-request-id"), ("forwarded_for", "x-forwarded-for"),
    ]
    var members = [("backend", quoted(name))]
    members += fields.compactMap { key, field in request.field(field).map { (key, quoted($0)) } }
    members += [("method", quoted(request.method)), ("path", quoted(request.path))]
    if !request.query.isEmpty { members.append(("query", quoted(request.query))) }
    members.append(("body_bytes", String(request.bodyCount)))
    return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
  }

  /// A JSON string (RFC 8259, section 7).
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\u{0}"..."\u{1F}": quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
