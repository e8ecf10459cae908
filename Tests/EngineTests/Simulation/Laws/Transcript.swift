/// What backends were asked and clients were answered, without what may differ from run to run: request ids, dates, and
/// whether a client may go on with its connection, which depends on whether all that it sent is there already.
struct Transcript {
  /// Who was told.
  enum Side: String {
    case request, answer
  }

  /// Whole messages and outcomes, by request.
  private(set) var lines: [Int: [String]] = [:]
  private var parts: [String: (head: String, body: [UInt8])] = [:]
  /// Whether it is compared with those of other versions of HTTP: then what each says of its framing is left out.
  var isOfAnyVersion = false

  /// What first differs from another transcript, if anything does.
  func difference(from other: Transcript) -> String? {
    for request in Set(lines.keys).union(other.lines.keys).sorted() where lines[request] != other.lines[request] {
      return "request \(request): \(lines[request] ?? []), not \(other.lines[request] ?? [])"
    }
    return nil
  }

  mutating func begin(_ head: Head, of request: Int, _ side: Side) {
    let varying = side == .answer ? ["x-request-id", "date", "connection"] : ["x-request-id"]
    let fields = head.fields.filter { !varying.contains($0.name) }
    var lines = fields.map { "\($0.name): \($0.value)" }
    var first = head.line
    if isOfAnyVersion {
      let framing: Set = ["connection", "transfer-encoding", "content-length", "via", "ratelimit", "retry-after"]
      // When a cookie ends depends on the second it is given in.
      lines = fields.filter { !framing.contains($0.name) }.map {
        $0.name.hasSuffix("cookie") ? "\($0.name): \($0.value.count)" : "\($0.name): \($0.value)"
      }.sorted()
      first = side == .answer ? "\(head.status)" : "\(head.method) \(head.target)"
    }
    let text = ([first] + lines).joined(separator: "\n")
    parts["\(side) \(request)"] = (text, [])
  }

  mutating func add(_ bytes: [UInt8], of request: Int, _ side: Side) { parts["\(side) \(request)"]?.body += bytes }

  mutating func end(_ trailers: [(name: String, value: String)], of request: Int, _ side: Side) {
    guard let part = parts.removeValue(forKey: "\(side) \(request)") else { return }
    let trailers = trailers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
    lines[request, default: []].append("\(side)\n\(part.head)\n\n\(Self.withoutID(part.body))\n\(trailers)")
  }

  /// A short body, with the request id of our own answers taken out; the fingerprint of a long one.
  private static func withoutID(_ body: [UInt8]) -> String {
    guard body.count < 1_000 else { return "\(body.count) bytes, \(body.reduce(0) { $0 &* 31 &+ Int($1) })" }
    let text = String(decoding: body, as: UTF8.self)
    guard let start = text.firstRange(of: "\"request_id\":\"") else { return "\(body)" }
    return String(text[..<start.upperBound] + text[start.upperBound...].drop { $0 != "\"" })
  }

  mutating func note(_ outcome: Outcome, of request: Int) { lines[request, default: []].append("\(outcome)") }
}
