import Glibc
import Primitives
import Tenancy

/// Reads `tenants table FILE` into a directory, a line at a time and without anything on the heap for a good line.
struct TenantTableReader {
  /// Adds the tenants of the file at `path` to `builder`; returns what is wrong, the first errors in full.
  ///
  /// - Parameters:
  ///   - fileIndex: the file's number, kept as the source of its tenants.
  ///   - plans: places of plans by name.
  ///   - shards: places of shards by name.
  ///   - sourceName: the name of a file by its number, for errors that name a second place.
  static func read(
    path: String, fileIndex: Int, plans: [String: Int], shards: [String: Int],
    into builder: inout TenantDirectoryBuilder, sourceName: (Int) -> String
  ) -> [TableDiagnostic] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      let message = "can't be opened: \(String(cString: strerror(errno)))"
      return [TableDiagnostic(line: 0, column: 0, length: 0, message: message)]
    }
    var facts = stat()
    if fstat(file, &facts) == 0 { builder.expect(Int(facts.st_size) / TenantTableReader.usualLine) }
    var scan = TableScan(file: file, plans: plans, shards: shards)
    scan.run { parser, number, text in
      TenantTableReader.add(parser, fileIndex, number, text, to: &builder, sourceName)
    }
    return scan.diagnostics.all
  }

  /// Bytes of a line as they usually are, to guess how many there will be.
  private static let usualLine = 56

  private static func add(
    _ parser: borrowing TableLineParser, _ file: Int, _ number: Int, _ text: UnsafePointer<UInt8>,
    to builder: inout TenantDirectoryBuilder, _ sourceName: (Int) -> String
  ) -> TableFault? {
    let line = parser.line
    let id = UnsafeBufferPointer(start: text + Int(line.id.start), count: line.id.count)
    var tenant = TenantLine(id: id)
    tenant.plan = line.plan
    tenant.home = line.home
    tenant.epoch = UInt64(max(0, line.epoch))
    tenant.state = line.isSuspended ? .suspended : .active
    if line.hasRate {
      tenant.requests = RequestRate(count: line.rate.count, period: line.rate.period, burst: line.rate.burst)
    }
    if line.concurrency >= 0 { tenant.concurrency = line.concurrency }
    tenant.file = Int32(file)
    tenant.line = Int32(clamping: number)
    let outcome = builder.add(tenant)
    if outcome != .added { return fault(outcome, at: line.id, line, sourceName) }
    for index in 0..<parser.hosts.count {
      let range = parser.hosts.ranges[index]
      let host = UnsafeBufferPointer(start: UnsafePointer(parser.hosts.bytes + Int(range.start)), count: range.count)
      let outcome = builder.add(host: host)
      if outcome != .added { return fault(outcome, at: parser.range(ofHost: index, text), line, sourceName) }
    }
    return nil
  }

  private static func fault(
    _ outcome: AddOutcome, at range: ByteRange, _ line: TableLine, _ sourceName: (Int) -> String
  ) -> TableFault {
    switch outcome {
    case .duplicateTenant(let file, let number):
      TableFault(range: range, message: "this tenant is declared twice; first at \(sourceName(file)):\(number)")
    case .duplicateHost(let file, let number):
      TableFault(range: range, message: "this host is claimed twice; first at \(sourceName(file)):\(number)")
    case .epochLower(let current):
      TableFault(
        range: line.epochValue.isEmpty ? range : line.epochValue,
        message: "the epoch \(max(0, line.epoch)) is lower than \(current), which is in use")
    case .tooMany, .added: TableFault(range: range, message: "there are too many tenants")
    }
  }
}
