import ConfigLanguage
import Engine
import Tenancy

extension LimitPolicy {
  /// Puts a limit of requests in, in the place of the one of its scope if there is one.
  mutating func insert(_ limit: RequestLimit) {
    requests.removeAll { $0.scope == limit.scope }
    requests.append(limit)
    requests.sort { $0.scope.rank < $1.scope.rank }
  }
}

extension LimitScope {
  /// From the widest level to the narrowest.
  fileprivate var rank: Int {
    switch self {
    case .process: 0
    case .pool: 1
    case .tenant: 2
    case .path: 3
    case .client: 4
    case .field: 5
    }
  }
}

extension Draft {
  /// The most policies that differ.
  static let mostPolicies = 65_536

  /// What all tenants are held to, plan or not.
  var processPolicy: LimitPolicy {
    var policy = LimitPolicy()
    if let line = top("limits")?.child("requests"), let rate = rate(line) {
      policy.insert(RequestLimit(.process, rate, isShadow: line["shadow"] != nil))
    }
    return policy
  }

  /// Reads what the process is held to.
  mutating func readProcessLimits() {
    guard let block = top("limits") else { return }
    unplanned.policy = place(of: processPolicy, block.range)
  }

  /// The place of a policy among those of the configuration; -1 for one that asks nothing.
  mutating func place(of policy: LimitPolicy, _ range: SourceRange) -> Int32 {
    if policy.isEmpty { return -1 }
    if let place = policyPlaces[policy] { return place }
    guard policies.count < Draft.mostPolicies else {
      diagnostics.error("there may be \(Draft.mostPolicies) plans and tenants with different limits", at: range)
      return -1
    }
    if policy.requests.count > LimitPolicy.mostLimits || policy.quotas.count > LimitPolicy.mostLimits {
      diagnostics.error("there may be \(LimitPolicy.mostLimits) lines of 'requests', and of 'quota'", at: range)
    }
    if policy.costs.count > LimitPolicy.mostCosts {
      diagnostics.error("there may be \(LimitPolicy.mostCosts) lines of 'cost'", at: range)
    }
    policyPlaces[policy] = Int32(policies.count)
    policies.append(policy)
    return Int32(policies.count - 1)
  }

  /// The line of a section that sets the plain rate.
  func plainRequests(_ section: Section) -> Directive? {
    let (own, defaults) = section.all("requests")
    return own.first { $0["per"] == nil } ?? defaults.first { $0["per"] == nil }
  }

  /// Adds what a section says to what it inherits; a line takes the place of the one of its kind.
  mutating func read(_ section: Section, into policy: inout LimitPolicy) {
    readRequests(section, &policy)
    readQuotas(section, &policy)
    let costs = section.all("cost")
    let lines = costs.own.isEmpty ? costs.defaults : costs.own
    if !lines.isEmpty { policy.costs = lines.compactMap(cost) }
    if let line = section.first("connections") {
      if let most = line["N"] { policy.connections = Int32(clamping: most.number) }
      policy.connectionsPerClient = Int32(clamping: line["per-client"]?.number ?? 0)
    }
    if let line = section.first("bandwidth") {
      policy.bandwidth = BandwidthLimit(outward: line["out"]?.number ?? 0, inward: line["in"]?.number ?? 0)
      if line.values.isEmpty {
        diagnostics.error("'bandwidth' needs 'out RATE', 'in RATE' or both", at: line.range)
      }
    }
  }

  private func readRequests(_ section: Section, _ policy: inout LimitPolicy) {
    let (own, defaults) = section.all("requests")
    for line in defaults { add(line, to: &policy) }
    var seen: [LimitScope: Directive] = [:]
    for line in own {
      guard let scope = scope(line) else { continue }
      if let first = seen[scope] {
        diagnostics.error(
          "the same 'requests' stands twice; first at \(sources.place(of: first.range))", at: line.range)
      }
      seen[scope] = line
      add(line, to: &policy)
    }
  }

  private func add(_ line: Directive, to policy: inout LimitPolicy) {
    guard let scope = scope(line), let rate = rate(line) else { return }
    let limit = RequestLimit(scope, rate, delay: line["delay"]?.number ?? 0, isShadow: line["shadow"] != nil)
    if scope == .tenant {
      // The rate is the tenant's own; only what it does else is the policy's.
      policy.requests.removeAll { $0.scope == .tenant }
      if limit.delay == 0, !limit.isShadow { return }
      return policy.insert(
        RequestLimit(.tenant, RequestRate(count: 0, period: 1, burst: 0), delay: limit.delay, isShadow: limit.isShadow))
    }
    policy.insert(limit)
  }

  /// What the buckets of a line are apart by; says what is wrong with it otherwise.
  private func scope(_ line: Directive) -> LimitScope? {
    switch line["per"]?.text {
    case nil: return .tenant
    case "client": return .client
    case "header":
      guard let value = line["NAME"] else { return nil }
      guard value.text.utf8.count <= 64, value.text.utf8.allSatisfy(\.isTokenByte) else {
        diagnostics.error("\(value.word.shown) can't be the name of a field", at: value.word.range)
        return nil
      }
      return .field(name: value.text)
    default:
      guard let value = line["PREFIX"], checkPath(value) else { return nil }
      return .path(prefix: value.text)
    }
  }

  /// Whether a value is a path as limits know them; says what is wrong with it otherwise.
  func checkPath(_ value: Value) -> Bool {
    let isPlain = value.text.utf8.allSatisfy {
      $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "?")
        && $0 != UInt8(ascii: "#")
    }
    if value.text.hasPrefix("/"), value.text.utf8.count <= 128, isPlain { return true }
    diagnostics.error(
      "\(value.word.shown) is no path: it starts with '/' and has at most 128 visible characters", at: value.word.range,
      suggestion: value.text.hasPrefix("/") ? nil : "did you mean '/\(value.text)'?")
    return false
  }

  private func cost(_ line: Directive) -> RequestCost? {
    guard let method = line["METHOD"], let path = line["PATH"], let tokens = line["N"] else { return nil }
    guard method.text == "*" || method.text.utf8.allSatisfy(\.isTokenByte), method.text.utf8.count <= 32 else {
      diagnostics.error("\(method.word.shown) can't be a method", at: method.word.range)
      return nil
    }
    guard checkPath(path) else { return nil }
    return RequestCost(method: method.text, path: path.text, tokens: tokens.number)
  }

  // MARK: - quotas

  private mutating func readQuotas(_ section: Section, _ policy: inout LimitPolicy) {
    let (own, defaults) = section.all("quota")
    for line in defaults {
      guard let quota = quota(line) else { continue }
      policy.quotas.removeAll { $0.name == quota.name }
      policy.quotas.append(quota)
    }
    var seen: [String: Directive] = [:]
    for line in own {
      guard let quota = quota(line) else { continue }
      if let first = seen[quota.name] {
        diagnostics.error(
          "the same 'quota' stands twice; first at \(sources.place(of: first.range))", at: line.range)
      }
      seen[quota.name] = line
      policy.quotas.removeAll { $0.name == quota.name }
      policy.quotas.append(quota)
    }
  }

  private mutating func quota(_ line: Directive) -> QuotaLimit? {
    guard let amount = line["AMOUNT"], let period = line["per"].flatMap({ CalendarPeriod(rawValue: $0.text) }) else {
      return nil
    }
    let isBytes = amount.period == 1
    if isBytes, let word = line["requests"]?.word {
      diagnostics.error("requests have no unit", at: word.range, suggestion: "leave 'requests' out to count bytes")
    }
    if !isBytes, line["requests"] == nil {
      diagnostics.error(
        "\(amount.word.shown) of what?", at: amount.word.range,
        suggestion: "write '\(amount.text) requests', or an amount of bytes such as 1TiB")
    }
    var quota = QuotaLimit(amount.number, isBytes ? .bytes : .requests, per: period)
    if let soft = line["soft"] { quota.soft = soft.number }
    if let zone = line["zone"], readZone(zone) { quota.zone = zone.text }
    return quota
  }

  private mutating func readZone(_ value: Value) -> Bool {
    if zones[value.text] != nil { return true }
    let isName = value.text.utf8.allSatisfy {
      $0.isNameByte || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "+")
    }
    if isName, !value.text.hasPrefix("/"), !value.text.contains(".."), value.text.utf8.count <= 64,
      case .bytes(let bytes) = access.read("\(ZoneFile.folder)/\(value.text)"), let zone = ZoneFile.table(bytes)
    {
      zones[value.text] = zone
      return true
    }
    diagnostics.error(
      "there is no time zone \(value.word.shown) in \(ZoneFile.folder)", at: value.word.range,
      suggestion: "zones are called like Europe/Berlin")
    return false
  }

  /// Asks what is kept of tenants where the configuration says.
  mutating func readState(_ additions: (_ state: String) throws -> TenantAdditions) {
    guard let value = top("state")?["DIR"] else { return }
    do {
      self.additions = try additions(SourceAccess.path(value.text, besides: name(of: value.word)))
    } catch {
      diagnostics.error("the state can't be used: \(error)", at: value.word.range)
    }
  }

  /// Takes over where state is kept; warns of quotas that would be forgotten.
  mutating func checkState() {
    process.hasStore = all("tenants").contains { $0.form == 1 }
    if let value = top("state")?["DIR"] {
      process.state = SourceAccess.path(value.text, besides: name(of: value.word))
      return
    }
    let sections = all("plan") + all("tenant") + Array(defaults.values)
    for line in sections.compactMap({ $0.child("quota") }) {
      diagnostics.warn(
        "without 'state' a restart forgets what is used of quotas", at: line.range, suggestion: "add 'state DIR'")
      return
    }
  }
}
