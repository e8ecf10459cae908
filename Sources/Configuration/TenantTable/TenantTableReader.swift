import Glibc
import Tenancy

/// Reads a tenant table, one tenant a line, into a directory that is being built.
///
/// A line is `acme plan=gold home=eu-1 epoch=7 host=app.acme.example,*.acme.example state=active requests=50/s+100`,
/// also with `concurrency=20`: the id, then any of the keys, each once; `#` starts a comment.
struct TenantTableReader {
  /// Adds the tenants of the table at `path` and returns what is wrong: nothing, or the first 20 errors by line and,
  /// if there are more, one about the whole file with their number.
  ///
  /// - Parameters:
  ///   - path: the table's path.
  ///   - fileIndex: the table's number, kept as the source of its tenants.
  ///   - plans: each plan's name and place.
  ///   - shards: each shard's name and place.
  ///   - defaults: what holds where a line says nothing.
  ///   - merge: adds to a tenant what is known of it beside the table.
  ///   - builder: the directory; what a table with errors has added to it is not to be used.
  ///   - sourceName: the name of a file by its number.
  static func read(
    path: String, fileIndex: Int, plans: [String: Int], shards: [String: Int],
    defaults: TableDefaults = TableDefaults(),
    merge: (inout TenantLine) -> Void = { _ in }, into builder: inout TenantDirectoryBuilder,
    sourceName: (Int) -> String
  ) -> [TableDiagnostic] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      let message = "can't be opened: \(String(cString: strerror(errno)))"
      return [TableDiagnostic(line: 0, column: 0, length: 0, message: message)]
    }
    var scan = TableScan(file: file, plans: plans, shards: shards)
    scan.run { parser, number, text, faults in
      add(parser, number, fileIndex, text, defaults, merge, to: &builder, sourceName, &faults)
    }
    return scan.diagnostics.all
  }

  private static func add(
    _ parser: borrowing TableLineParser, _ number: Int, _ fileIndex: Int, _ text: UnsafePointer<UInt8>,
    _ defaults: TableDefaults, _ merge: (inout TenantLine) -> Void, to builder: inout TenantDirectoryBuilder,
    _ sourceName: (Int) -> String, _ faults: inout [TableFault]
  ) {
    let line = parser.line
    let id = UnsafeBufferPointer(start: text + Int(line.id.start), count: line.id.count)
    var tenant = TenantLine(id: id)
    tenant.plan = line.plan
    tenant.home = line.home
    tenant.epoch = UInt64(max(0, line.epoch))
    tenant.condition = TenantCondition(line.state, isTest: line.isTest, expiry: line.expiry)
    if line.hasRate {
      tenant.requests = RequestRate(count: line.rate.count, period: line.rate.period, burst: line.rate.burst)
    }
    if line.concurrency >= 0 { tenant.concurrency = line.concurrency }
    defaults.complete(&tenant)
    merge(&tenant)
    tenant.file = Int32(fileIndex)
    tenant.line = Int32(clamping: number)
    let outcome = builder.add(tenant)
    guard outcome == .added else {
      faults.append(fault(outcome, line, id, sourceName))
      return
    }
    for index in 0..<parser.hosts.count {
      let range = parser.hosts.ranges[index]
      let host = UnsafeBufferPointer(start: parser.hosts.bytes + Int(range.start), count: range.count)
      if case .duplicateHost(let otherFile, let otherLine) = builder.add(host: host) {
        let isHere = otherFile == fileIndex && otherLine == number
        let place = isHere ? "in this line" : "first at \(sourceName(otherFile)):\(otherLine)"
        let message = "host '\(TableText.shown(host))' is claimed twice; \(place)"
        faults.append(TableFault(range: parser.range(ofHost: index, text), message: message))
      }
    }
  }

  /// Why a tenant was not added.
  @inline(never)
  private static func fault(
    _ outcome: AddOutcome, _ line: TableLine, _ id: UnsafeBufferPointer<UInt8>, _ sourceName: (Int) -> String
  ) -> TableFault {
    let name = TableText.shown(id)
    switch outcome {
    case .duplicateTenant(let file, let number):
      let message = "tenant '\(name)' is declared twice; first at \(sourceName(file)):\(number)"
      return TableFault(range: line.id, message: message)
    case .epochLower(let current):
      let message = "epoch \(max(0, line.epoch)) of tenant '\(name)' is lower than \(current), which is in use"
      return TableFault(range: line.epochValue.isEmpty ? line.id : line.epochValue, message: message)
    default:
      return TableFault(range: line.id, message: "there are too many tenants")
    }
  }
}
