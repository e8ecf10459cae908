import Glibc
import Tenancy
import Testing

@testable import Configuration

@Suite struct TenantTableReaderTests {
  private let plans = ["gold": 0, "free": 1]
  private let shards = ["eu-1": 0, "us-1": 1]
  private let limits = [
    TenantLimits(
      requests: TokenBucketRule(RequestRate(count: 500, period: 1_000_000_000, burst: 1000)), concurrency: 200),
    TenantLimits(),
  ]

  /// Loads tables one after another, each a file of its number.
  private func load(
    _ tables: String..., previous: TenantDirectory? = nil
  ) -> (directory: TenantDirectory, diagnostics: [TableDiagnostic]) {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: limits)
    var diagnostics: [TableDiagnostic] = []
    for (number, table) in tables.enumerated() {
      let path = TableFixture.path(Array(table.utf8))
      diagnostics += TenantTableReader.read(
        path: path, fileIndex: number, plans: plans, shards: shards, into: &builder, sourceName: { "t\($0).tbl" })
      _ = unlink(path)
    }
    return (builder.finish(), diagnostics)
  }

  private func tenant(_ id: String, in directory: TenantDirectory) -> TenantIndex {
    Array(id.utf8).withUnsafeBufferPointer { directory.tenant(id: $0.baseAddress!, $0.count) }
  }

  private func tenant(host: String, in directory: TenantDirectory) -> TenantIndex {
    Array(host.utf8).withUnsafeBufferPointer { directory.tenant(host: $0.baseAddress!, $0.count) }
  }

  @Test func aLineBecomesATenant() {
    let (directory, diagnostics) = load(
      """
      # the tenants
      acme plan=gold home=us-1 epoch=7 host=App.Acme.Example,*.acme.example state=suspended requests=50/s+100
      beta plan=free concurrency=3 host=beta.example
      gamma
      """)
    #expect(diagnostics.isEmpty)
    #expect(directory.count == 3)
    let acme = tenant("acme", in: directory)
    #expect(directory.plan(of: acme) == 0)
    #expect(directory.home(of: acme) == 1)
    #expect(directory.epoch(of: acme) == 7)
    #expect(directory.state(of: acme) == .suspended)
    #expect(directory.hosts(of: acme) == ["app.acme.example", "*.acme.example"])
    #expect(directory.source(of: acme) == (0, 2))
    #expect(
      directory.limits(of: acme).pointee.requests.rate == RequestRate(count: 50, period: 1_000_000_000, burst: 100))
    #expect(directory.limits(of: acme).pointee.concurrency == 200)
    #expect(tenant(host: "x.y.acme.example", in: directory) == acme)
    let beta = tenant("beta", in: directory)
    #expect(tenant(host: "beta.example", in: directory) == beta)
    #expect(directory.limits(of: beta).pointee.requests.isUnlimited)
    #expect(directory.limits(of: beta).pointee.concurrency == 3)
    let gamma = tenant("gamma", in: directory)
    #expect(directory.plan(of: gamma) == -1)
    #expect(directory.home(of: gamma) == -1)
    #expect(directory.epoch(of: gamma) == 0)
    #expect(directory.state(of: gamma) == .active)
  }

  @Test func whatIsThereTwiceNamesTheOtherPlace() {
    let diagnostics = load(
      "a host=a.example\nb host=b.example\n",
      "\nc host=c.example,B.example,*.a.example\na host=d.example\nd host=d.example,*.a.example,d.example."
    ).diagnostics
    #expect(
      diagnostics.map(\.message) == [
        "host 'b.example' is claimed twice; first at t0.tbl:2",
        "tenant 'a' is declared twice; first at t0.tbl:1",
        "host '*.a.example' is claimed twice; first at t1.tbl:2",
        "host 'd.example' is claimed twice; in this line",
      ])
    #expect(diagnostics.map(\.line) == [2, 3, 4, 4])
    #expect(diagnostics.map(\.column) == [18, 1, 18, 30])
    #expect(diagnostics.map(\.length) == [9, 1, 11, 10])
  }

  @Test func anEpochMayNotGoBack() {
    let (first, _) = load("a epoch=7\nb epoch=3\n")
    let (second, fine) = load("b epoch=4\na epoch=7\n", previous: first)
    #expect(fine.isEmpty)
    #expect(tenant("a", in: second) == tenant("a", in: first))
    let diagnostics = load("a epoch=6\nb\n", previous: second).diagnostics
    #expect(
      diagnostics.map(\.message) == [
        "epoch 6 of tenant 'a' is lower than 7, which is in use",
        "epoch 0 of tenant 'b' is lower than 4, which is in use",
      ])
    #expect(diagnostics.map(\.column) == [9, 1])
  }

  @Test func faultsOfALineStandInItsOrder() {
    let diagnostics = load("a host=a.example\nb host=a.example plam=x epoch=q\n").diagnostics
    #expect(diagnostics.map(\.column) == [8, 18, 31])
    #expect(diagnostics.map(\.line) == [2, 2, 2])
  }

  @Test func aTableThatIsNotThereIsOneError() {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    for (path, message) in [
      ("/nonexistent/t.tbl", "can't be opened: No such file or directory"), ("/tmp", "can't be read: Is a directory"),
    ] {
      let diagnostics = TenantTableReader.read(
        path: path, fileIndex: 0, plans: [:], shards: [:], into: &builder, sourceName: { "\($0)" })
      #expect(diagnostics == [TableDiagnostic(line: 0, column: 0, length: 0, message: message)])
    }
    #expect(builder.finish().count == 0)
  }
}
