import ConfigLanguage
import Engine
import Tenancy

extension Draft {
  /// Reads the tenants of blocks, then those of tables.
  mutating func readTenants(previous: TenantDirectory?) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: plans.map(\.limits), unplanned: unplanned)
    for section in sections("tenant") {
      guard let id = section.directive["id"] else { continue }
      if add(record(of: id, section), at: id, section, to: &builder) { addHosts(section, of: id, to: &builder) }
    }
    for value in all("tenants").compactMap({ $0["FILE"] }) { readTable(value, into: &builder) }
    return builder.finish()
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
      path: path, fileIndex: number, plans: planNumbers, shards: shardNumbers, defaults: tableDefaults, into: &builder,
      sourceName: { names[$0] })
    for finding in found { note(finding, of: value, path, number) }
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

  private mutating func record(of id: Value, _ section: Section) -> TenantRecord {
    var record = TenantRecord(id: id.text)
    record.file = Int(id.word.range.file)
    record.line = sources.line(of: id.word.range)
    record.plan = section.value("plan", "NAME").flatMap(plan) ?? -1
    record.home = section.value("home", "SHARD").flatMap(shard)
    if let epoch = section.value("epoch", "N") { record.epoch = UInt64(epoch.number) }
    if section.value("state", "STATE")?.text == "suspended" { record.state = .suspended }
    record.requests = rate(plainRequests(section))
    record.concurrency = concurrency(section.first("concurrency"))
    let inherited = record.plan >= 0 ? plans[record.plan].policy : processPolicy
    var policy = inherited
    read(section, into: &policy)
    if policy != inherited { record.policy = place(of: policy, id.word.range) }
    record.scheduling = scheduling(of: section)
    return record
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
