import ConfigLanguage
import Engine
import Platform
import Primitives
import Tenancy

/// A configuration on its way from directives to a blueprint; the last of three steps.
struct Draft {
  let directives: [Directive]
  var sources: SourceSet
  let diagnostics: DiagnosticCollector
  let addresses: AddressReader
  let hosts = HostReader()
  /// How files are reached.
  let access: SourceAccess
  /// Whether certificates are read too that would only be loaded once somebody asks for them.
  var readsAllCertificates = false
  /// Folders of certificates by path: those of the blueprint in use, and new ones.
  var folders: [String: CertificateFolder] = [:]
  /// Keys of TLS tickets made in memory, once they were needed.
  var tickets: TicketKeys?
  /// The `defaults` blocks by kind.
  let defaults: [String: Directive]
  var process = ProcessSettings()
  /// Shards by name, as indices of `shards`.
  var shardNumbers: [String: Int] = [:]
  var shards: [Shard] = []
  /// Plans by name, as indices of `plans`.
  var planNumbers: [String: Int] = [:]
  var plans: [DraftPlan] = []
  /// What tenants without plan are held to.
  var unplanned = TenantLimits()
  /// What is asked beyond plain limits, each kind once, and the places.
  var policies: [LimitPolicy] = []
  var policyPlaces: [LimitPolicy: Int32] = [:]
  /// What is known of tenants beside the configuration, and what is declared of those.
  var additions = TenantAdditions(now: 0)
  var declared: [String: DeclaredTenant] = [:]
  /// The regions that shards stand in, and their numbers, from 1.
  var regions: [String] = []
  /// Time zones of quotas by name.
  var zones: [String: TimeZoneTable] = [:]

  /// A draft of these directives, which were read from `sources`.
  init(
    directives: [Directive], sources: SourceSet, diagnostics: DiagnosticCollector, names: NameResolution,
    access: SourceAccess
  ) {
    self.access = access
    self.directives = directives
    self.sources = sources
    self.diagnostics = diagnostics
    addresses = AddressReader(diagnostics: diagnostics, names: names)
    var defaults: [String: Directive] = [:]
    for directive in directives where directive.row.name == "defaults" {
      if let kind = directive["KIND"]?.text, defaults[kind] == nil { defaults[kind] = directive }
    }
    self.defaults = defaults
  }

  /// The directive `name` of the top level.
  func top(_ name: String) -> Directive? { directives.first { $0.row.name == name } }

  /// All directives `name` of the top level.
  func all(_ name: String) -> [Directive] { directives.filter { $0.row.name == name } }

  /// The blocks of a kind, each with its defaults.
  func sections(_ kind: String) -> [Section] {
    all(kind).map { Section(directive: $0, defaults: defaults[kind]) }
  }

  /// Applies every directive and checks what they say of each other.
  mutating func finish(processors: Int, previous: Blueprint?) -> LoadOutcome {
    tickets = previous?.tickets
    for folder in previous?.certificateFolders ?? [] { folders[folder.path] = folder }
    readShards()
    readProcessLimits()
    readPlans()
    checkDefaults()
    let tenants = readTenants(previous: previous?.tenants)
    var blueprint = Blueprint(tenants: tenants)
    blueprint.generation = (previous?.generation ?? 0) + 1
    blueprint.shards = shards
    blueprint.regions = regions
    blueprint.planNames = plans.map(\.name)
    blueprint.planTimeouts = plans.map(\.timeouts)
    blueprint.policies = policies
    blueprint.zones = zones
    checkState()
    readTop(&blueprint, processors: processors)
    readResolving(&blueprint)
    readPlacement(&blueprint)
    let report = diagnostics.report(in: sources)
    guard diagnostics.isClean else { return .refused(report) }
    process.files = sources.files.map(\.name)
    return .loaded(
      LoadedConfiguration(
        blueprint: blueprint, process: process, warnings: report,
        provenance: Provenance(sources: sources, directives: directives), reader: TenantReader(self),
        declared: declared))
  }

  /// Reports what is wrong in `defaults` blocks even when no block takes them.
  private func checkDefaults() {
    if let shard = defaults["shard"] { _ = self.shard(named: "", Section(directive: shard, defaults: nil)) }
    if let value = defaults["tenant"]?.child("plan")?["NAME"] { _ = plan(value) }
    if let value = defaults["tenant"]?.child("home")?["SHARD"] { _ = shard(value) }
  }

  /// The shard that a word names; says so when there is none.
  func shard(_ value: Value) -> Int? {
    if let number = shardNumbers[value.text] { return number }
    complain(about: "shard", value, among: shards.lazy.map(\.name))
    return nil
  }

  /// The number of the region that a word names; says so when no shard stands there.
  func region(_ value: Value) -> UInt8? {
    if let place = regions.firstIndex(of: value.text) { return UInt8(place + 1) }
    diagnostics.error(
      "no shard stands in region \(value.word.shown)", at: value.word.range,
      suggestion: Suggestion.text(for: value.text, among: regions))
    return nil
  }

  /// The plan that a word names; says so when there is none.
  func plan(_ value: Value) -> Int? {
    if let number = planNumbers[value.text] { return number }
    complain(about: "plan", value, among: plans.lazy.map(\.name))
    return nil
  }

  /// Says that nothing of a kind has the name `value`.
  func complain(about kind: String, _ value: Value, among names: some Sequence<String>) {
    diagnostics.error(
      "there is no \(kind) \(value.word.shown)", at: value.word.range,
      suggestion: Suggestion.text(for: value.text, among: names))
  }
}

/// A plan: its name and limits.
struct DraftPlan {
  var name: String
  var limits: TenantLimits
  var timeouts = TimeoutRules()
  /// The region that its tenants may not leave, by number; 0 is none.
  var region: UInt8 = 0
  /// What is asked of its tenants beyond plain limits.
  var policy = LimitPolicy()
}
