import Balancing
import ConfigLanguage
import Engine
import HTTP
import Primitives

extension Draft {
  /// Reads the shards, and gives them numbers by which tenants name them.
  mutating func readShards() {
    for section in sections("shard") {
      guard let name = section.directive["name"], shardNumbers[name.text] == nil else { continue }
      shardNumbers[name.text] = shards.count
      shards.append(shard(named: name.text, section))
    }
    readRegions()
    readStandbys()
    if all("shard").isEmpty, diagnostics.isClean, let file = sources.files.first {
      diagnostics.error("there is no 'shard'", file: file.name, suggestion: "add 'shard NAME {…}'")
    }
  }

  /// The most regions: a tenant keeps its region's number in 8 bits.
  private static let mostRegions = 255

  private mutating func readRegions() {
    for shard in shards {
      guard let region = shard.region, !regions.contains(region) else { continue }
      guard regions.count < Draft.mostRegions else {
        return diagnostics.error("there may be \(Draft.mostRegions) regions", file: sources.files[0].name)
      }
      regions.append(region)
    }
  }

  /// The shard `name` as its block and the defaults say.
  func shard(named name: String, _ section: Section) -> Shard {
    var shard = Shard(name: name)
    shard.region = section.value("region", "name")?.text
    shard.isTest = section.first("test") != nil
    shard.backends = backends(of: section)
    if let balance = section.value("balance", "ALGORITHM").flatMap({ BalanceAlgorithm(name: $0.text) }) {
      shard.balance = balance
    }
    if let idle = section.value("pool", "idle") { shard.poolIdle = Int(idle.number) }
    if let pool = section.first("pool") {
      shard.hasDedicatedPools = pool["dedicated"] != nil
      if ["idle", "per-tenant", "dedicated"].allSatisfy({ pool[$0] == nil }) {
        diagnostics.error("'pool' says nothing", at: pool.range, suggestion: "pool idle N")
      }
    }
    shard.speaksHTTP2 = section.value("protocol", "PROTOCOL")?.text == "h2"
    shard.sticky = section.first("sticky").flatMap(sticky)
    shard.concurrency = concurrency(of: section)
    readResilience(section, into: &shard)
    // What `defaults` say is judged where it is taken.
    let mayUseHTTP2 = shard.speaksHTTP2 || name.isEmpty
    shard.health = section.first("health").flatMap { health($0, speaksHTTP2: mayUseHTTP2) }
    if let line = section.first("proxy-protocol") {
      shard.announcement = announcement(line, speaksHTTP2: shard.speaksHTTP2 && !name.isEmpty)
    }
    shard.tls = section.first("tls").flatMap { tls($0, shard.backends, offersHTTP2: shard.speaksHTTP2) }
    return shard
  }

  private func backends(of section: Section) -> [Backend] {
    var places: [Endpoint: SourceRange] = [:]
    var backends: [Backend] = []
    for directive in section.directive.children("backend") {
      guard let value = directive["ADDRESS"], let endpoint = addresses.backendAddress(value.word) else { continue }
      if let first = places[endpoint] {
        diagnostics.error(
          "backend \(value.word.shown) stands twice; first at \(sources.place(of: first))", at: value.word.range)
        continue
      }
      places[endpoint] = value.word.range
      let weight = directive["weight"].map { Int($0.number) } ?? 1
      backends.append(Backend(endpoint: endpoint, name: value.text, weight: weight))
    }
    return backends
  }

  private func sticky(_ directive: Directive) -> Sticky? {
    guard let cookie = directive["NAME"], let lifetime = directive["for"] else { return nil }
    guard cookie.text.utf8.count <= 64, cookie.text.utf8.allSatisfy(\.isTokenByte) else {
      diagnostics.error(
        "\(cookie.word.shown) can't be the name of a cookie: at most 64 letters, digits and \(UInt8.tokenMarks)",
        at: cookie.word.range)
      return nil
    }
    return Sticky(cookie: cookie.text, lifetime: lifetime.number)
  }

  private func health(_ directive: Directive, speaksHTTP2: Bool) -> HealthCheck? {
    guard let question = question(directive, speaksHTTP2: speaksHTTP2) else { return nil }
    var check = HealthCheck(question)
    if let interval = directive["every"] { check.interval = interval.number }
    if let timeout = directive["timeout"] { check.timeout = timeout.number }
    if let rise = directive["rise"] { check.rise = Int(rise.number) }
    if let fall = directive["fall"] { check.fall = Int(fall.number) }
    return check
  }

  /// How connections to backends say whom they speak for.
  private func announcement(_ directive: Directive, speaksHTTP2: Bool) -> ProxyHeader.Form {
    let isText = directive["VERSION"]?.text == "v1"
    let checksum = directive["checksum"]
    if isText, let checksum, checksum.text == "on" {
      diagnostics.error("version 1 has no checksum", at: checksum.word.range, suggestion: "use v2")
    }
    if speaksHTTP2 {
      diagnostics.error(
        "'proxy-protocol' and 'protocol h2' exclude each other: a connection that says whom it speaks for serves no other client",
        at: directive.range)
    }
    return isText ? .text : checksum?.text == "on" ? .checked : .binary
  }

  /// What a check asks, by the form of its line.
  private func question(_ directive: Directive, speaksHTTP2: Bool) -> HealthCheck.Question? {
    switch directive.form {
    case 0:
      let services = directive.all("SERVICE")
      if services.count > 1 {
        diagnostics.error("\(services[1].word.shown) is one service too many", at: services[1].word.range)
        return nil
      }
      guard speaksHTTP2 else {
        diagnostics.error("'health grpc' needs HTTP/2", at: directive.range, suggestion: "add 'protocol h2'")
        return nil
      }
      return .grpc(service: services.first?.text ?? "")
    case 1: return .tcp
    default:
      guard let path = directive["PATH"], isTarget(path), let method = directive["METHOD"] else { return nil }
      return .http(method: method.text, path: path.text)
    }
  }

  /// Whether a value can be asked for, or be a prefix of what is asked for; says what is wrong otherwise.
  func isTarget(_ value: Value) -> Bool {
    guard value.text.utf8.first == UInt8(ascii: "/") else {
      diagnostics.error(
        "\(value.word.shown) is not a path", at: value.word.range, suggestion: "did you mean '/\(value.text)'?")
      return false
    }
    guard value.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      diagnostics.error(
        "\(value.word.shown) has characters that a path can't have", at: value.word.range,
        suggestion: "write them as %XX")
      return false
    }
    return true
  }
}

extension UInt8 {
  /// The marks that tokens may have beside letters and digits (RFC 9110, 5.6.2).
  static let tokenMarks = "!#$%&'*+-.^_`|~"

  /// Whether a token may have the byte (RFC 9110, 5.6.2).
  var isTokenByte: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: UInt8.tokenMarks.utf8.contains(self)
    }
  }
}
