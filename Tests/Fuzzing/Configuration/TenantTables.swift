import ConfigLanguage
import Engine
import Glibc
import Primitives
import Tenancy

@testable import Configuration

/// Tenant tables: each line means what it means alone, and what a block of the language means.
enum TenantTables {
  private static let plans = ["gold": 1, "free": 0]
  private static let shards = ["eu-1": 0, "us-1": 1]

  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count <= MemoryFile.bound else { return }
    let whole = scan(bytes)
    try require(whole.faults.count <= 21, "\(whole.faults.count) faults told")
    let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    guard lines.count <= 40 else { return }
    var alone: [TableRow] = []
    for (index, line) in lines.enumerated() {
      for var row in scan(Array(line)).rows {
        row.number = index + 1
        alone.append(row)
      }
    }
    try requireEqual(whole.rows, alone, "lines differ from what they are alone")
    if whole.faults.isEmpty { try compareWithBlocks(bytes, whole.rows) }
  }

  private static func scan(_ bytes: [UInt8]) -> (rows: [TableRow], faults: [TableDiagnostic]) {
    var scan = TableScan(file: MemoryFile.open(bytes), plans: plans, shards: shards)
    var rows: [TableRow] = []
    scan.run { parser, number, text, _ in rows.append(TableRow(parser, number, text)) }
    return (rows, scan.diagnostics.all)
  }

  /// The same tenants in blocks are taken, or refused, alike.
  private static func compareWithBlocks(_ bytes: [UInt8], _ rows: [TableRow]) throws {
    let file = MemoryFile.open(bytes)
    defer { close(file) }
    let table = load("tenants table /proc/self/fd/\(file)\n")
    let blocks = load(rows.map(\.block).joined())
    guard case .loaded(let first) = table else {
      guard case .refused(let report) = table, case .refused(let other) = blocks else {
        throw Mismatch(description: "the table is refused, the blocks are not")
      }
      return try requireEqual(report.errorCount, other.errorCount, "\(report.text)\(other.text)")
    }
    guard case .loaded(let second) = blocks else { throw Mismatch(description: "the blocks are refused") }
    for row in rows { try requireEqual(facts(of: row, first), facts(of: row, second), row.block) }
  }

  private static func load(_ tenants: String) -> LoadOutcome {
    let text = """
      listen 127.0.0.1:0
      shard eu-1 {
        backend 127.0.0.1:9001
      }
      shard us-1 {
        backend 127.0.0.1:9002
      }
      plan free {
        requests 5/s
      }
      plan gold {
        requests 500/s burst 1000
        concurrency 200
      }

      """
    let bytes = Array((text + tenants).utf8)
    let access = SourceAccess(read: { $0 == "/proxy.conf" ? .bytes(bytes) : .failed("no such file") })
    return ConfigurationLoader(processors: 1, access: access).load(
      path: "/proxy.conf", environment: [:], resolveName: { _ in [] }, previous: nil)
  }

  /// All that the data plane knows of a row's tenant.
  private static func facts(of row: TableRow, _ configuration: LoadedConfiguration) -> [String] {
    let directory = configuration.blueprint.tenants
    let id = Array(row.id.utf8)
    let index = directory.tenant(id: id, id.count)
    guard index >= 0 else { return ["nobody"] }
    let limits = directory.limits(of: index).pointee
    let found = row.hosts.map { host in
      let name = Array(host.replacing("*", with: "x").utf8)
      return "\(directory.tenant(host: name, name.count) == index)"
    }
    return found + [
      "\(directory.hosts(of: index)) \(directory.home(of: index)) \(directory.epoch(of: index))",
      "\(directory.state(of: index)) \(directory.plan(of: index)) \(directory.overrides(of: index))",
      "\(limits.requests.rate) \(limits.concurrency)",
    ]
  }
}
