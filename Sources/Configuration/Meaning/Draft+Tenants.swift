import ConfigLanguage
import Engine
import Tenancy

extension Draft {
  /// Reads the tenants of blocks, then those of tables.
  mutating func readTenants(previous: TenantDirectory?) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: plans.map(\.limits))
    for section in sections("tenant") {
      guard let id = section.directive["id"] else { continue }
      add(record(of: id, section), at: id, section, to: &builder)
    }
    for directive in all("tenants") {
      if let file = directive["FILE"] { readTable(file, into: &builder) }
    }
    return builder.finish()
  }

  /// Reads a table of tenants; the file is known by its name only, its text is not kept.
  private mutating func readTable(_ file: Value, into builder: inout TenantDirectoryBuilder) {
    let path = SourceAccess.path(file.text, besides: name(of: file.word))
    let number = sources.add(SourceFile(name: path, bytes: []))
    let names = sources.files.map(\.name)
    let found = TenantTableReader.read(
      path: path, fileIndex: number, plans: planNumbers, shards: shardNumbers, into: &builder
    ) { names[$0] }
    for diagnostic in found {
      if diagnostic.line > 0 {
        diagnostics.add(Diagnostic(diagnostic, file: path))
      } else if diagnostic.further > 0 {
        diagnostics.countErrors(diagnostic.further)
      } else {
        diagnostics.error("\(path) \(diagnostic.message)", at: file.word.range)
      }
    }
  }

  private func add(
    _ record: TenantRecord, at id: Value, _ section: Section, to builder: inout TenantDirectoryBuilder
  ) {
    switch builder.add(record) {
    case .added: break
    case .duplicateTenant(let file, let line):
      diagnostics.error(
        "tenant \(id.word.shown) is declared twice; first at \(sources.files[file].name):\(line)", at: id.word.range)
    case .duplicateHost(let file, let line):
      diagnostics.error("a host is claimed twice; first at \(sources.files[file].name):\(line)", at: id.word.range)
    case .epochLower(let current):
      let place = section.directive.child("epoch")?["N"]?.word.range ?? id.word.range
      diagnostics.error(
        "epoch \(record.epoch) of tenant \(id.word.shown) is lower than \(current), which is in use", at: place)
    case .tooMany: diagnostics.error("there are too many tenants", at: id.word.range)
    }
  }

  private func record(of id: Value, _ section: Section) -> TenantRecord {
    var record = TenantRecord(id: id.text)
    record.file = Int(id.word.range.file)
    record.line = sources.line(of: id.word.range)
    record.hosts = section.directive.children("host").flatMap { $0.all("HOST") }.compactMap { host($0) }
      .map { String(decoding: $0, as: UTF8.self) }
    record.plan = section.value("plan", "NAME").flatMap(plan) ?? -1
    record.home = section.value("home", "SHARD").flatMap(shard)
    if let epoch = section.value("epoch", "N") { record.epoch = UInt64(epoch.number) }
    if section.value("state", "STATE")?.text == "suspended" { record.state = .suspended }
    record.requests = rate(section.first("requests"))
    record.concurrency = concurrency(section.first("concurrency"))
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
