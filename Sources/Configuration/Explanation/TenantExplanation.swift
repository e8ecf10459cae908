import ConfigLanguage
import Engine
import Primitives
import Tenancy

/// Each effective value of a tenant and where it comes from.
public struct TenantExplanation: Sendable {
  /// One value.
  public struct Value: Sendable, Equatable {
    /// What the value is called: the name of its directive.
    public var name: String
    /// The value as the language writes it.
    public var value: String
    /// The place that says so, such as `proxy.conf:48`, `plan 'gold', proxy.conf:42` or `default`.
    public var source: String
  }

  /// The tenant's id.
  public let tenant: String
  /// Where the tenant is declared.
  public let declared: String
  /// Its values.
  public private(set) var values: [Value] = []

  /// Explains the tenant `id`; `nil` when there is none.
  ///
  /// - Parameter overlay: what stands beside its declaration.
  public init?(of id: String, in configuration: LoadedConfiguration, overlay: TenantOverlay? = nil) {
    let directory = configuration.blueprint.tenants
    let index = Array(id.utf8).withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { directory.tenant(id: $0, buffer.count) } ?? -1
    }
    guard index >= 0 else { return nil }
    tenant = id
    let source = directory.source(of: index)
    declared = source.file < 0 ? "store" : "\(configuration.provenance.fileName(source.file)):\(source.line)"
    let origin = TenantOrigin(
      id: id, declared: declared, inherited: directory.inherited(by: index), overlay: overlay,
      declaredEpoch: configuration.declared[id]?.epoch ?? 0, provenance: configuration.provenance)
    addPlace(index, configuration.blueprint, origin)
    addLimits(index, configuration.blueprint, origin)
  }

  /// `did you mean 'X'?` for an id that no tenant has.
  public static func suggestion(for id: String, in configuration: LoadedConfiguration) -> String? {
    let directory = configuration.blueprint.tenants
    let names = (0..<TenantIndex(directory.capacity)).lazy.filter { directory.isLive($0) }
    return Suggestion.text(for: id, among: names.map { directory.name(of: $0) })
  }

  /// The explanation as aligned lines, each ended.
  public var text: String {
    let name = values.map(\.name.count).max() ?? 0
    let value = min(values.map(\.value.count).max() ?? 0, 48)
    var result = "tenant \(tenant)  (\(declared))\n"
    for line in values {
      result += "  \(line.name)\(TenantExplanation.blanks(name - line.name.count))  "
      result += "\(line.value)\(TenantExplanation.blanks(value - line.value.count))  \(line.source)\n"
    }
    return result
  }

  /// The explanation as one JSON object; no newline at the end.
  public var json: String {
    var json = JSONText()
    json.beginObject()
    json.field("tenant", tenant)
    json.field("declared", declared)
    json.beginList("values")
    for value in values {
      json.beginObject()
      json.field("name", value.name)
      json.field("value", value.value)
      json.field("source", value.source)
      json.endObject()
    }
    json.endList()
    json.endObject()
    return json.text
  }

  private static func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  private mutating func add(_ name: String, _ value: String, _ source: String) {
    values.append(Value(name: name, value: value, source: source))
  }

  private mutating func addPlace(_ index: TenantIndex, _ blueprint: Blueprint, _ origin: TenantOrigin) {
    let directory = blueprint.tenants
    for host in directory.hosts(of: index) { add("host", host, origin.host(host)) }
    let plan = Int(directory.plan(of: index))
    let hasPlan = blueprint.planNames.indices.contains(plan)
    add("plan", hasPlan ? blueprint.planNames[plan] : "none", hasPlan ? origin.place("plan") : "default")
    let home = Int(directory.home(of: index))
    if blueprint.shards.indices.contains(home) {
      add("home", blueprint.shards[home].name, origin.place("home"))
    } else {
      addUnlisted(index, blueprint, origin)
    }
    let region = Int(directory.region(of: index))
    if blueprint.regions.indices.contains(region - 1) {
      let planName = hasPlan ? blueprint.planNames[plan] : nil
      let isOwn = origin.place("region", orDefault: true) != "default"
      add("region", blueprint.regions[region - 1], origin.limit("region", isOwn: isOwn, plan: planName))
    }
    let epoch = directory.epoch(of: index)
    add("epoch", String(epoch), epoch == 0 ? origin.place("epoch", orDefault: true) : origin.place("epoch"))
    let condition = directory.condition(of: index)
    let end = condition.until > 0 ? " until \(WallTime.text(condition.until))" : ""
    add("state", condition.state.word + end, origin.place("state", orDefault: condition.state == .active))
    guard condition.isTest else { return }
    let expiry = condition.expiry > 0 ? "yes until \(WallTime.text(condition.expiry))" : "yes"
    add("test", expiry, origin.place("test"))
  }

  /// Where a tenant without a home lives.
  private mutating func addUnlisted(_ index: TenantIndex, _ blueprint: Blueprint, _ origin: TenantOrigin) {
    let rule = origin.provenance.place(of: ["placement", "unlisted"]) ?? "default"
    guard !blueprint.unlistedShards.isEmpty else { return add("home", "none, refused", rule) }
    let names = blueprint.unlistedShards.map { blueprint.shards[$0].name }
    let hashes = names.map { Rendezvous.hash($0) }
    let chosen = hashes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map {
        Rendezvous.choose(key: blueprint.tenants.rendezvousHash(of: index), shards: $0, count: buffer.count)
      } ?? 0
    }
    add("home", "\(names[chosen]), by hash", rule)
  }

  private mutating func addScheduling(
    _ terms: SchedulingTerms, _ own: SchedulingOverrides, isPastDue: Bool, _ plan: String?, _ origin: TenantOrigin
  ) {
    add("weight", String(terms.weight), origin.limit("weight", isOwn: own.weight != nil, plan: plan))
    let share = "min \(terms.least)% max \(terms.most)%"
    add("share", share, origin.limit("share", isOwn: own.share != nil, plan: plan))
    let source =
      isPastDue
      ? "state past-due, \(origin.place("state"))"
      : origin.limit("criticality", isOwn: own.criticality != nil, plan: plan)
    add("criticality", terms.criticality.name, source)
  }

  private mutating func addTimeouts(_ rules: TimeoutRules, _ plan: String?, _ origin: TenantOrigin) {
    func add(_ timeouts: PlanTimeouts, path: String?) {
      for step in PlanTimeouts.Step.allCases {
        guard let time = timeouts[step] else { continue }
        let source = origin.line("timeout", plan: plan) {
          $0["STEP"]?.text == step.rawValue && $0["path"]?.text == path
        }
        let name = "timeout \(step.rawValue)" + (path.map { " path \($0)" } ?? "")
        self.add(name, Quantity.text(duration: time), source)
      }
    }
    add(rules.timeouts, path: nil)
    for route in rules.routes { add(route.timeouts, path: route.path) }
  }

  private mutating func addLimits(_ index: TenantIndex, _ blueprint: Blueprint, _ origin: TenantOrigin) {
    let directory = blueprint.tenants
    let limits = directory.limits(of: index).pointee
    let overrides = directory.overrides(of: index)
    let plan = Int(directory.plan(of: index))
    let planName = blueprint.planNames.indices.contains(plan) ? blueprint.planNames[plan] : nil
    let rate = limits.requests.rate
    let requests =
      limits.requests.isUnlimited
      ? "unlimited" : "\(Quantity.text(rate: rate.count, per: rate.period)) burst \(rate.burst)"
    add("requests", requests, origin.limit("requests", isOwn: overrides.requests != nil, plan: planName))
    let concurrency = limits.concurrency == 0 ? "unlimited" : String(limits.concurrency)
    add("concurrency", concurrency, origin.limit("concurrency", isOwn: overrides.concurrency != nil, plan: planName))
    addScheduling(
      limits.scheduling, overrides.scheduling, isPastDue: directory.state(of: index) == .pastDue, planName, origin)
    if blueprint.planTimeouts.indices.contains(plan) { addTimeouts(blueprint.planTimeouts[plan], planName, origin) }
    guard limits.policy >= 0 else { return }
    for value in PolicyExplanation(blueprint.policies[Int(limits.policy)], origin, plan: planName).values {
      values.append(value)
    }
  }
}
