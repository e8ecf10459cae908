import ConfigLanguage
import Tenancy

/// What a tenant is held to beyond its plain limits, and the lines that say so.
struct PolicyExplanation {
  /// One value a limit.
  private(set) var values: [TenantExplanation.Value] = []

  /// Explains a policy of a tenant whose plan is called `plan`.
  init(_ policy: LimitPolicy, _ origin: TenantOrigin, plan: String?) {
    for limit in policy.requests { add(limit, origin, plan) }
    for quota in policy.quotas { add(quota, origin, plan) }
    for cost in policy.costs {
      let place = origin.line("cost", plan: plan) {
        $0["METHOD"]?.text == cost.method && $0["PATH"]?.text == cost.path
      }
      add("cost", "\(cost.method) \(cost.path) \(cost.tokens)", place)
    }
    if policy.connections > 0 {
      let client = policy.connectionsPerClient > 0 ? " per-client \(policy.connectionsPerClient)" : ""
      add("connections", "\(policy.connections)\(client)", origin.line("connections", plan: plan) { _ in true })
    }
    if policy.bandwidth != BandwidthLimit() {
      let ways = [("out", policy.bandwidth.outward), ("in", policy.bandwidth.inward)].filter { $0.1 > 0 }
      let value = ways.map { "\($0.0) \(Quantity.text(size: $0.1))/s" }.joined(separator: " ")
      add("bandwidth", value, origin.line("bandwidth", plan: plan) { _ in true })
    }
  }

  private mutating func add(_ name: String, _ value: String, _ source: String) {
    values.append(TenantExplanation.Value(name: name, value: value, source: source))
  }

  private mutating func add(_ limit: RequestLimit, _ origin: TenantOrigin, _ plan: String?) {
    var value = "\(Quantity.text(rate: limit.rate.count, per: limit.rate.period)) burst \(limit.rate.burst)"
    if limit.scope == .tenant { value = "" }
    if limit.delay > 0 { value += " delay \(Quantity.text(duration: limit.delay))" }
    if limit.isShadow { value += " shadow" }
    let place: String
    switch limit.scope {
    case .process: place = origin.provenance.place(of: ["limits", "requests"]) ?? "default"
    case .pool: place = origin.line("pool-requests", plan: plan) { _ in true }
    case .tenant: place = origin.line("requests", plan: plan) { $0["per"] == nil }
    case .client: place = origin.line("requests", plan: plan) { $0["per"]?.text == "client" }
    case .field(let name): place = origin.line("requests", plan: plan) { $0["NAME"]?.text == name }
    case .path(let prefix): place = origin.line("requests", plan: plan) { $0["PREFIX"]?.text == prefix }
    }
    let name = limit.scope == .tenant ? "requests, over them" : limit.name
    add(name, value.hasPrefix(" ") ? String(value.dropFirst()) : value, place)
  }

  private mutating func add(_ quota: QuotaLimit, _ origin: TenantOrigin, _ plan: String?) {
    let amount = quota.unit == .bytes ? Quantity.text(size: quota.amount) : String(quota.amount)
    let zone = quota.zone.isEmpty ? "" : " zone \(quota.zone)"
    let place = origin.line("quota", plan: plan) {
      $0["per"]?.text == quota.period.rawValue && ($0["AMOUNT"]?.period == 1) == (quota.unit == .bytes)
    }
    add(quota.name, "\(amount) soft \(quota.soft)%\(zone)", place)
  }
}
