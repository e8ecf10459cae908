import ConfigLanguage
import Engine
import Primitives
public import Tenancy

/// Reads tenants of the store by the code that reads `tenant` blocks, against the plans and shards of a configuration.
public struct TenantReader: Sendable {
  /// Templates that are kept at most.
  private static let mostTemplates = 4096

  /// What the values of many tenants have in common.
  private struct Key: Hashable {
    var plan: String?
    var home: String?
    var overrides: [TenantOverride]
  }

  private let sources: SourceSet
  private let directives: [Directive]
  private let shardNumbers: [String: Int]
  private let shards: [Shard]
  private let planNumbers: [String: Int]
  private let plans: [DraftPlan]
  private let regions: [String]
  private var policyPlaces: [LimitPolicy: Int32]
  /// The policies of the configuration, and those of tenants read since.
  public private(set) var policies: [LimitPolicy]
  /// Their time zones.
  public private(set) var zones: [String: TimeZoneTable]
  private var templates: [Key: TenantRecord] = [:]

  /// What became of reading a tenant.
  public enum Reading: Sendable {
    /// It can be used.
    case good(TenantRecord)
    /// What is wrong with it, a sentence each.
    case bad([String])
  }

  /// A reader for the configuration that `draft` makes.
  init(_ draft: Draft) {
    sources = draft.sources
    directives = draft.directives.filter { $0.row.name == "defaults" || $0.row.name == "limits" }
    shardNumbers = draft.shardNumbers
    shards = draft.shards
    planNumbers = draft.planNumbers
    plans = draft.plans
    regions = draft.regions
    policyPlaces = draft.policyPlaces
    policies = draft.policies
    zones = draft.zones
  }

  /// The place of the shard called `name`; `nil` when there is none.
  public func shard(_ name: String) -> Int? { shardNumbers[name] }

  /// What is wrong with the shard at `place` as the home of a tenant of tests, or of one that may not leave a region, as the
  /// end of a sentence about it; `nil` when nothing is.
  public func homeFault(_ place: Int, isTest: Bool, region: UInt8) -> String? {
    HomeRule(shards: shards, regions: regions).fault(place, isTest: isTest, region: region)
  }

  /// The name of the shard at `place`, if there is one.
  public func shardName(_ place: Int) -> String? { shards.indices.contains(place) ? shards[place].name : nil }

  /// Reads a tenant of the store.
  public mutating func read(_ id: String, _ settings: TenantSettings) -> Reading {
    let key = Key(plan: settings.plan, home: settings.home, overrides: settings.overrides)
    guard let known = templates[key] else { return readAnew(id, settings, key) }
    // The hosts were read when the tenant was made, and are as that left them.
    return .good(fill(known, id, settings))
  }

  /// Reads a tenant that somebody wants to have, its hosts too.
  public mutating func check(_ id: String, _ settings: TenantSettings) -> Reading {
    readAnew(id, settings, Key(plan: settings.plan, home: settings.home, overrides: settings.overrides))
  }

  private func fill(_ template: TenantRecord, _ id: String, _ settings: TenantSettings) -> TenantRecord {
    var record = template
    record.id = id
    record.hosts = settings.hosts
    record.epoch = settings.epoch
    record.condition = settings.condition
    return record
  }

  private mutating func readAnew(_ id: String, _ settings: TenantSettings, _ key: Key) -> Reading {
    let diagnostics = DiagnosticCollector()
    var text = TenantText(sources: sources, diagnostics: diagnostics)
    text.write(id, settings)
    var draft = Draft(
      directives: directives, sources: text.sources, diagnostics: diagnostics, names: NameResolution { _ in [] },
      access: .machine)
    draft.shardNumbers = shardNumbers
    draft.shards = shards
    draft.planNumbers = planNumbers
    draft.plans = plans
    draft.regions = regions
    draft.policyPlaces = policyPlaces
    draft.policies = policies
    draft.zones = zones
    let check = SchemaCheck(schema: GatehouseLanguage.schema, sources: text.sources, diagnostics: diagnostics)
    var record = TenantRecord(id: id)
    var hosts: [String] = []
    if let block = check.check(block: text.statement), let name = block["id"] {
      let section = Section(directive: block, defaults: draft.defaults["tenant"])
      record = draft.record(of: name, section)
      hosts = draft.hosts(of: section)
      draft.checkHome(record, at: name)
    }
    record.file = -1
    record.line = 0
    guard diagnostics.isClean else { return .bad(TenantReader.sentences(diagnostics.report(in: text.sources))) }
    policyPlaces = draft.policyPlaces
    policies = draft.policies
    zones = draft.zones
    if templates.count >= TenantReader.mostTemplates { templates.removeAll() }
    templates[key] = record
    var normal = settings
    normal.hosts = hosts
    return .good(fill(record, id, normal))
  }

  private static func sentences(_ report: DiagnosticReport) -> [String] {
    report.diagnostics.map { finding in
      let place = finding.excerpt.isEmpty ? "" : "in '\(finding.excerpt)': "
      return place + finding.message + (finding.suggestion.map { "; \($0)" } ?? "")
    }
  }
}

/// A tenant of the store as the statement of a `tenant` block, with the text that errors point to.
private struct TenantText {
  var sources: SourceSet
  let diagnostics: DiagnosticCollector
  private(set) var statement = Statement(words: [])

  init(sources: SourceSet, diagnostics: DiagnosticCollector) {
    self.sources = sources
    self.diagnostics = diagnostics
  }

  mutating func write(_ id: String, _ settings: TenantSettings) {
    statement = line(["tenant", id])
    var children: [Statement] = []
    if !settings.hosts.isEmpty { children.append(line(["host"] + settings.hosts)) }
    if let plan = settings.plan { children.append(line(["plan", plan])) }
    if let home = settings.home { children.append(line(["home", home])) }
    if settings.condition.isTest { children.append(line(["test"])) }
    for override in settings.overrides {
      for text in override.lines { children += lexed(override.name, text) }
    }
    statement.children = children
  }

  /// A line of these words, which are taken as they are.
  private mutating func line(_ words: [String]) -> Statement {
    var bytes: [UInt8] = []
    var ranges: [(start: Int, count: Int)] = []
    for word in words {
      if !bytes.isEmpty { bytes.append(0x20) }
      ranges.append((bytes.count, word.utf8.count))
      bytes += word.utf8.map { $0 == 0x0A ? 0x20 : $0 }
    }
    let file = sources.add(SourceFile(name: "store", bytes: bytes))
    return Statement(
      words: zip(words, ranges).map { word, range in
        Word(word, at: SourceRange(file: file, start: range.start, count: range.count), isQuoted: word.isEmpty)
      })
  }

  /// The lines of an override, read as the configuration is; a directive stands in a line of its own.
  private mutating func lexed(_ name: String, _ text: String) -> [Statement] {
    // These say themselves what they are.
    guard !TenantOverride.settled.contains(name) else {
      let wrong = line([name])
      diagnostics.error("'\(name)' is no override", at: wrong.range)
      return []
    }
    let bytes = Array("\(name) \(text)".utf8)
    let file = sources.add(SourceFile(name: "store", bytes: bytes))
    return WordLines.read(bytes, file: file, diagnostics: diagnostics).map { Statement(words: $0) }
  }
}
