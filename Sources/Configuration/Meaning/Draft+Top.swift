import ConfigLanguage
import Engine
import Primitives

/// An address somebody listens on, and where that was said.
struct Claim {
  var endpoint: Endpoint
  var purpose: String
  var word: Word
}

extension Draft {
  /// Applies the directives of the top level that stand for themselves.
  mutating func readTop(_ blueprint: inout Blueprint, processors: Int) {
    let workers = top("workers")?["N"]
    blueprint.workers = workers.map { $0.text == "auto" ? processors : Int($0.number) } ?? processors
    if let drain = top("drain")?["TIME"] { blueprint.drain = drain.number }
    if let shows = top("rate-limit-headers")?["SWITCH"] {
      blueprint.showsRateLimits = shows.text != "off"
      blueprint.addsLegacyRateLimits = shows.text == "legacy"
    }
    blueprint.addsForwarded = top("forwarded")?["SWITCH"]?.text == "on"
    readAddresses(&blueprint)
    readAccessLog()
    blueprint.keepsRecords = process.accessLog != .off
    blueprint.trust = all("trust").flatMap { $0.all("NETWORK") }.compactMap { addresses.network($0.word) }
    readTimeouts(&blueprint.timeouts)
    readBounds(&blueprint.bounds)
    readHTTP2(&blueprint.http2)
    readOverload(&blueprint.overload)
  }

  /// The most addresses to listen on.
  private static let mostAddresses = 1000

  private mutating func readAddresses(_ blueprint: inout Blueprint) {
    var claims: [Claim] = []
    for directive in all("listen") {
      guard let value = directive["ADDRESS"], let endpoint = addresses.listenAddress(value.word) else { continue }
      var listener = Listener(endpoint)
      readListener(directive, &listener)
      if claim(endpoint, "listen", value.word, &claims) { blueprint.listeners.append(listener) }
    }
    blueprint.tickets = tickets
    checkRedirects(blueprint)
    let metrics = top("metrics")
    for value in metrics?.all("ADDRESS") ?? [] {
      guard let endpoint = addresses.listenAddress(value.word) else { continue }
      if claim(endpoint, "metrics", value.word, &claims) { process.metrics.append(endpoint) }
    }
    readAdmin(&claims)
    if let most = metrics?.child("tenants")?["N"] { process.metricsTenants = Int(most.number) }
  }

  /// Takes an address for one purpose; says so when another one has it.
  func claim(_ endpoint: Endpoint, _ purpose: String, _ word: Word, _ claims: inout [Claim]) -> Bool {
    guard claims.count < Draft.mostAddresses else {
      diagnostics.error("there may be \(Draft.mostAddresses) addresses to listen on", at: word.range)
      return false
    }
    if let other = claims.first(where: { $0.endpoint.overlaps(endpoint) }) {
      diagnostics.error(
        "\(word.shown) is taken by '\(other.purpose) \(other.word.text)' at \(sources.place(of: other.word.range))",
        at: word.range)
      return false
    }
    claims.append(Claim(endpoint: endpoint, purpose: purpose, word: word))
    return true
  }

  private mutating func readAccessLog() {
    guard let directive = top("access-log"), let target = directive.values.first else { return }
    switch target.text {
    case "off": process.accessLog = .off
    case "stdout": process.accessLog = .standardOutput
    case let path
    where path.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") })
      && path.utf8.last != UInt8(ascii: "/"):
      process.accessLog = .file(SourceAccess.path(path, besides: name(of: target.word)))
    default:
      diagnostics.error(
        "\(target.word.shown) is neither 'stdout' nor 'off', and a path has a '/' or a '.'", at: target.word.range,
        suggestion: Suggestion.text(for: target.text, among: ["stdout", "off"]) ?? "write './\(target.text)'")
    }
    if let form = directive.child("format")?["FORMAT"].flatMap({ AccessLogForm(rawValue: $0.text) }) {
      process.accessLogFormat = form
    }
  }

  /// The name of the file that holds `word`.
  func name(of word: Word) -> String { sources.files[Int(word.range.file)].name }

  private func readTimeouts(_ timeouts: inout Timeouts) {
    let block = top("timeouts")
    func read(_ name: String, _ field: inout Int64) {
      if let value = block?.child(name)?["TIME"] { field = value.number }
    }
    read("header", &timeouts.header)
    read("body-idle", &timeouts.bodyIdle)
    read("keep-alive", &timeouts.keepAlive)
    read("connect", &timeouts.connect)
    read("response", &timeouts.response)
    read("idle", &timeouts.idle)
  }

  private func readBounds(_ bounds: inout Bounds) {
    guard let block = top("bounds") else { return }
    if let value = block.child("header-size")?["SIZE"] { bounds.headerSize = Int(value.number) }
    if let value = block.child("header-count")?["N"] { bounds.headerCount = Int(value.number) }
    if let value = block.child("body-size")?["SIZE"] { bounds.bodySize = value.number }
    if let value = block.child("connections")?["N"] { bounds.connections = Int(value.number) }
  }
}

extension Endpoint {
  /// Whether not both can be listened on. Port 0 is a new port each time and overlaps nothing.
  fileprivate func overlaps(_ other: Endpoint) -> Bool {
    switch (self, other) {
    case (.unix(let a), .unix(let b)): return a == b
    case (.unix, _), (_, .unix): return false
    default: break
    }
    guard let port, port == other.port, port > 0 else { return false }
    guard let a = address, let b = other.address else { return true }
    return a == b || (a.isV4 == b.isV4 && (a.isUnspecified || b.isUnspecified))
  }

  private var port: UInt16? {
    switch self {
    case .tcp(_, let port), .anyAddress(let port): port
    case .unix: nil
    }
  }

  private var address: IPAddress? {
    if case .tcp(let address, _) = self { address } else { nil }
  }
}

extension IPAddress {
  /// Whether this is `0.0.0.0` or `::`, which stand for every address of their family.
  fileprivate var isUnspecified: Bool { high == 0 && (low == 0 || low == 0xFFFF_0000_0000) }
}
