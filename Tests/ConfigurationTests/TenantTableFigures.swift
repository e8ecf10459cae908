import Foundation
import Glibc
import Tenancy
import Testing

@testable import Configuration

/// Figures, not checks: printed when `GATEHOUSE_FIGURES` is set, from a release build.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["GATEHOUSE_FIGURES"] != nil))
struct TenantTableFigures {
  private static func table(_ count: Int) -> [UInt8] {
    var text = [UInt8]()
    for number in 0..<count {
      let host = "t\(number).customers.example"
      text += "tenant-\(number) plan=gold home=eu-\(number % 8) epoch=7 host=\(host) state=active\n".utf8
    }
    return text
  }

  @Test func aMillionLinesAreScanned() {
    let bytes = TenantTableFigures.table(1_000_000)
    let shards = Dictionary(uniqueKeysWithValues: (0..<8).map { ("eu-\($0)", $0) })
    for _ in 1...3 {
      var scan = TableScan(file: TableFixture.file(bytes), plans: ["gold": 0], shards: shards)
      var count = 0
      let time = ContinuousClock().measure {
        scan.run { parser, _, _, _ in count += parser.hosts.count }
      }
      print("scan of 1,000,000 lines, \(bytes.count >> 20) MiB: \(time)")
      #expect(count == 1_000_000)
    }
  }

  @Test func aMillionTenantsAreLoaded() {
    let path = TableFixture.path(TenantTableFigures.table(1_000_000))
    defer { _ = unlink(path) }
    let shards = Dictionary(uniqueKeysWithValues: (0..<8).map { ("eu-\($0)", $0) })
    var previous: TenantDirectory?
    for _ in 1...3 {
      var diagnostics: [TableDiagnostic] = []
      let time = ContinuousClock().measure {
        var builder = TenantDirectoryBuilder(previous: previous, planLimits: [TenantLimits()])
        diagnostics = TenantTableReader.read(
          path: path, fileIndex: 0, plans: ["gold": 0], shards: shards, into: &builder, sourceName: { "\($0)" })
        previous = builder.finish()
      }
      print("table of 1,000,000 tenants into a directory: \(time)")
      #expect(diagnostics.isEmpty)
      #expect(previous?.count == 1_000_000)
    }
  }
}
