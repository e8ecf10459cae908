import ConfigLanguage
import Engine
import Tenancy

extension Draft {
  /// Reads the tenants of blocks, then those of tables, then those of the store.
  mutating func readTenants(previous: TenantDirectory?) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: plans.map(\.limits), unplanned: unplanned)
    for section in sections("tenant") {
      guard let id = section.directive["id"] else { continue }
      var record = record(of: id, section)
      merge(&record.condition, home: &record.home, epoch: &record.epoch, of: id.text)
      checkHome(record, at: id)
      if add(record, at: id, section, to: &builder) { addHosts(section, of: id, to: &builder) }
    }
    for value in all("tenants").compactMap({ $0["FILE"] }) { readTable(value, into: &builder) }
    if let line = all("tenants").first(where: { $0.form == 1 }) { readStore(line, into: &builder) }
    return builder.finish()
  }

  /// Adds to what is declared of a tenant what stands beside it: of two placements the one with the higher epoch holds.
  private mutating func merge(_ condition: inout TenantCondition, home: inout Int?, epoch: inout UInt64, of id: String)
  {
    if let overlay = additions.overlays[id] {
      declared[id] = DeclaredTenant(home: home.map { shards[$0].name }, epoch: epoch, condition: condition)
      condition = condition.with(overlay)
      if let name = overlay.home, overlay.epoch >= epoch {
        if let number = shardNumbers[name] {
          (home, epoch) = (number, overlay.epoch)
        } else {
          complainOfStore("tenant '\(id)' was moved to shard '\(name)', which is not there any more")
        }
      }
    }
    condition = condition.at(additions.now)
  }

  /// Says what is wrong with what is kept in `state`.
  private func complainOfStore(_ message: String) {
    diagnostics.error(message, file: "\(sources.files[0].name)")
  }

  /// Says so when a tenant can't live where its home is.
  func checkHome(_ record: TenantRecord, at id: Value) {
    guard let home = record.home, let fault = homeFault(home, isTest: record.condition.isTest, region: record.region)
    else { return }
    diagnostics.error("tenant \(id.word.shown) \(fault)", at: id.word.range)
  }

  /// What is wrong with a home; `nil` when nothing is, as for nearly all of a million.
  private func homeFault(_ home: Int, isTest: Bool, region: UInt8) -> String? {
    guard isTest || region != 0 else { return nil }
    return HomeRule(shards: shards, regions: regions).fault(home, isTest: isTest, region: region)
  }

  /// Adds the tenants of the store.
  private mutating func readStore(_ line: Directive, into builder: inout TenantDirectoryBuilder) {
    guard top("state") != nil else {
      return diagnostics.error(
        "'tenants store' needs a place to keep them", at: line.range, suggestion: "add 'state DIR'")
    }
    var reader = TenantReader(self)
    var faults: [String] = []
    var count = 0
    let (names, now) = (sources.files.map(\.name), additions.now)
    additions.forEachTenant { id, settings in
      guard let fault = Draft.add(id, settings, now, &reader, names, to: &builder) else { return }
      count += 1
      if faults.count < DiagnosticCollector.shown { faults.append(fault) }
    }
    for fault in faults { complainOfStore(fault) }
    diagnostics.countErrors(count - faults.count)
    policies = reader.policies
    zones = reader.zones
    for (place, policy) in policies.enumerated() { policyPlaces[policy] = Int32(place) }
  }

  /// Adds one tenant of the store; returns what keeps it from being one.
  private static func add(
    _ id: String, _ settings: TenantSettings, _ now: Int64, _ reader: inout TenantReader, _ names: [String],
    to builder: inout TenantDirectoryBuilder
  ) -> String? {
    func place(_ file: Int, _ line: Int) -> String { file < 0 ? "the store" : "\(names[file]):\(line)" }
    var record: TenantRecord
    switch reader.read(id, settings) {
    case .good(let good): record = good
    case .bad(let sentences): return "tenant '\(id)' of the store: \(sentences.joined(separator: "; "))"
    }
    record.condition = record.condition.at(now)
    switch builder.add(record) {
    case .added: return nil
    case .duplicateTenant(let file, let line):
      return "tenant '\(id)' is declared at \(place(file, line)), and there is one of that name in the store"
    case .duplicateHost(let file, let line):
      return "tenant '\(id)' of the store has a host that is claimed at \(place(file, line)): "
        + settings.hosts.joined(separator: ", ")
    case .epochLower(let current):
      return "epoch \(record.epoch) of tenant '\(id)' of the store is lower than \(current), which is in use"
    case .tooMany: return "there are too many tenants"
    }
  }

  /// The hosts of a block, in lower case.
  func hosts(of section: Section) -> [String] {
    var names: [String] = []
    for value in section.directive.children("host").flatMap({ $0.all("HOST") }) {
      guard let name = host(value).map({ String(decoding: $0, as: UTF8.self) }) else { continue }
      if names.contains(name) { diagnostics.error("host \(value.word.shown) stands twice", at: value.word.range) }
      names.append(name)
    }
    return names
  }

  /// Adds a tenant without its hosts; says so when that can't be.
  private func add(
    _ record: TenantRecord, at id: Value, _ section: Section, to builder: inout TenantDirectoryBuilder
  ) -> Bool {
    switch builder.add(record) {
    case .added: return true
    case .duplicateTenant(let file, let line):
      diagnostics.error(
        "tenant \(id.word.shown) is declared twice; first at \(sources.files[file].name):\(line)", at: id.word.range)
    case .epochLower(let current):
      let place = section.directive.child("epoch")?["N"]?.word.range ?? id.word.range
      diagnostics.error(
        "epoch \(record.epoch) of tenant \(id.word.shown) is lower than \(current), which is in use", at: place)
    case .duplicateHost, .tooMany: diagnostics.error("there are too many tenants", at: id.word.range)
    }
    return false
  }

  /// Adds the hosts of the tenant added last.
  private func addHosts(_ section: Section, of id: Value, to builder: inout TenantDirectoryBuilder) {
    for value in section.directive.children("host").flatMap({ $0.all("HOST") }) {
      guard let name = host(value) else { continue }
      let outcome = name.withUnsafeBufferPointer { builder.add(host: $0) }
      if case .duplicateHost(let file, let line) = outcome {
        let isOwn = file == Int(id.word.range.file) && line == sources.line(of: id.word.range)
        diagnostics.error(
          "host \(value.word.shown) is claimed twice; first "
            + (isOwn ? "by this tenant itself" : "by the tenant at \(sources.files[file].name):\(line)"),
          at: value.word.range)
      }
    }
  }

  /// Reads one table; its errors carry its own lines.
  private mutating func readTable(_ value: Value, into builder: inout TenantDirectoryBuilder) {
    guard sources.files.count < Parser.mostFiles else {
      diagnostics.error("a configuration may have \(Parser.mostFiles) files", at: value.word.range)
      return
    }
    let path = SourceAccess.path(value.text, besides: name(of: value.word))
    let number = sources.add(SourceFile(name: path, bytes: []))
    let names = sources.files.map(\.name)
    let found = TenantTableReader.read(
      path: path, fileIndex: number, plans: planNumbers, shards: shardNumbers, defaults: tableDefaults,
      merge: { mergeLine(&$0, value) }, into: &builder, sourceName: { names[$0] })
    for finding in found { note(finding, of: value, path, number) }
  }

  /// Adds to a line of a table what stands beside it.
  private mutating func mergeLine(_ line: inout TenantLine, _ table: Value) {
    if !additions.overlays.isEmpty {
      let id = String(decoding: line.id, as: UTF8.self)
      var home = line.home >= 0 ? Int(line.home) : nil
      merge(&line.condition, home: &home, epoch: &line.epoch, of: id)
      line.home = Int32(home ?? -1)
    } else if line.condition.change > 0 {
      line.condition = line.condition.at(additions.now)
    }
    if line.plan >= 0 { line.region = plans[Int(line.plan)].region }
    if line.home >= 0,
      let fault = homeFault(Int(line.home), isTest: line.condition.isTest, region: line.region)
    {
      let id = String(decoding: line.id, as: UTF8.self)
      let file = SourceAccess.path(table.text, besides: name(of: table.word))
      diagnostics.error("tenant '\(id)' \(fault)", file: "\(file):\(line.line)")
    }
  }

  /// What `defaults tenant` gives to tenants of tables.
  private var tableDefaults: TableDefaults {
    guard let block = defaults["tenant"] else { return TableDefaults() }
    let section = Section(directive: block, defaults: nil)
    return TableDefaults(
      plan: Int32(section.value("plan", "NAME").flatMap { planNumbers[$0.text] } ?? -1),
      home: Int32(section.value("home", "SHARD").flatMap { shardNumbers[$0.text] } ?? -1),
      requests: rate(plainRequests(section)), concurrency: concurrency(section.first("concurrency")))
  }

  private func note(_ finding: TableDiagnostic, of value: Value, _ path: String, _ number: Int) {
    if finding.line == 0, finding.further > 0 {
      diagnostics.countErrors(finding.further)
    } else if finding.line == 0 {
      diagnostics.error("the table \(value.word.shown) \(finding.message)", at: value.word.range)
    } else {
      // Lines of a table are bounded, so the line and column make one growing number.
      let place = SourceRange(file: number, start: finding.line << 20 + finding.column, count: finding.length)
      diagnostics.error(Diagnostic(finding, file: path), at: place)
    }
  }

  /// What a block says of its tenant, hosts excepted.
  mutating func record(of id: Value, _ section: Section) -> TenantRecord {
    var record = TenantRecord(id: id.text)
    record.file = Int(id.word.range.file)
    record.line = sources.line(of: id.word.range)
    record.plan = section.value("plan", "NAME").flatMap(plan) ?? -1
    record.home = section.value("home", "SHARD").flatMap(shard)
    if let epoch = section.value("epoch", "N") { record.epoch = UInt64(epoch.number) }
    record.condition = condition(of: section)
    record.region =
      section.value("region", "NAME").flatMap(region) ?? (record.plan >= 0 ? plans[record.plan].region : 0)
    record.requests = rate(plainRequests(section))
    record.concurrency = concurrency(section.first("concurrency"))
    let inherited = record.plan >= 0 ? plans[record.plan].policy : processPolicy
    var policy = inherited
    read(section, into: &policy)
    if policy != inherited { record.policy = place(of: policy, id.word.range) }
    record.scheduling = scheduling(of: section)
    return record
  }

  /// Whether a tenant is served, and whether it is one of tests.
  private func condition(of section: Section) -> TenantCondition {
    var condition = TenantCondition()
    if let line = section.first("state") {
      condition.state = line["STATE"].flatMap { TenantState(word: $0.text) } ?? .active
      condition.until = line["until"].flatMap(time) ?? 0
      if condition.until > 0, condition.state == .active || condition.state == .gone {
        diagnostics.error("'\(condition.state.word)' is for good, without 'until'", at: line.range)
      }
    }
    if let line = section.first("test") {
      condition.isTest = true
      condition.expiry = line["until"].flatMap(time) ?? 0
    }
    return condition
  }

  /// The moment that a value names, in milliseconds since 1970; says so when it names none.
  private func time(_ value: Value) -> Int64? {
    if let time = WallTime.milliseconds(value.text) { return time }
    diagnostics.error(
      "\(value.word.shown) is no time", at: value.word.range, suggestion: "write it as '2026-12-01T08:00:00Z'")
    return nil
  }

  /// The host that a value names, in lower case; says what is wrong with it otherwise.
  func host(_ value: Value) -> [UInt8]? { hosts.read(value, diagnostics) }

  /// The tenant that a value names; says so when there is none.
  func tenant(_ value: Value, in directory: TenantDirectory) -> TenantIndex? {
    let index = Array(value.text.utf8).withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { directory.tenant(id: $0, buffer.count) } ?? -1
    }
    if index >= 0 { return index }
    complain(about: "tenant", value, among: all("tenant").compactMap { $0["id"]?.text })
    return nil
  }
}
