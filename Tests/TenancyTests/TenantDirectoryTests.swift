import Primitives
import Tenancy
import Testing

@Suite struct TenantDirectoryTests {
  private func tenant(_ directory: TenantDirectory, host: String) -> String? {
    let index = Array(host.utf8).withUnsafeBufferPointer { directory.tenant(host: $0.baseAddress!, $0.count) }
    return index < 0 ? nil : directory.name(of: index)
  }

  private func index(_ directory: TenantDirectory, _ id: String) -> TenantIndex {
    Array(id.utf8).withUnsafeBufferPointer { directory.tenant(id: $0.baseAddress!, $0.count) }
  }

  private func record(_ id: String, _ hosts: String..., epoch: UInt64 = 0, line: Int = 0) -> TenantRecord {
    var record = TenantRecord(id: id)
    record.hosts = hosts
    record.epoch = epoch
    record.file = 2
    record.line = line
    return record
  }

  private func directory(_ records: [TenantRecord], previous: TenantDirectory? = nil) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: [])
    for record in records { #expect(builder.add(record) == .added) }
    return builder.finish()
  }

  @Test func aHundredThousandAreFoundAndNobodyElse() {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    let count = 100_000
    for number in 0..<count {
      var record = record("tenant-\(number)", "t\(number).example.com")
      record.home = number % 7
      #expect(builder.add(record) == .added)
    }
    let directory = builder.finish()
    #expect(directory.count == count)
    for number in stride(from: 0, to: count, by: 37) {
      #expect(tenant(directory, host: "t\(number).example.com") == "tenant-\(number)")
      let index = index(directory, "tenant-\(number)")
      #expect(directory.home(of: index) == Int32(number % 7))
      #expect(tenant(directory, host: "t\(number).example.co") == nil)
    }
    #expect(index(directory, "tenant-100000") == -1)
  }

  @Test(arguments: [
    ("acme.example", "exact"), ("a.acme.example", "wide"), ("b.c.acme.example", "wide"),
    ("x.deep.acme.example", "deep"),
    ("deep.acme.example", "wide"), ("example", nil), ("notacme.example", nil), (".acme.example", nil),
  ])
  func exactBeatsWildcardAndLongerBeatsShorter(_ host: String, _ expected: String?) {
    let directory = directory([
      record("wide", "*.acme.example"), record("exact", "acme.example"), record("deep", "*.deep.acme.example"),
    ])
    #expect(tenant(directory, host: host) == expected)
  }

  @Test func indicesOutliveRebuildsAndAreNotGivenAgain() {
    let first = directory([record("a"), record("b"), record("c")])
    let second = directory([record("c"), record("d"), record("a")], previous: first)
    #expect(index(second, "a") == index(first, "a"))
    #expect(index(second, "c") == index(first, "c"))
    #expect(index(second, "b") == -1)
    #expect(!second.isLive(index(first, "b")))
    #expect(index(second, "d") == 3)
    let third = directory([record("e"), record("b")], previous: second)
    #expect(Set([index(third, "e"), index(third, "b")]) == [4, 5])
  }

  @Test func duplicatesNameTheOtherPlace() {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [])
    #expect(builder.add(record("acme", "acme.example", line: 7)) == .added)
    #expect(builder.add(record("acme", line: 9)) == .duplicateTenant(file: 2, line: 7))
    #expect(builder.add(record("other", "acme.example", line: 11)) == .duplicateHost(file: 2, line: 7))
  }

  @Test func epochsDoNotGoBack() {
    let first = directory([record("acme", epoch: 7)])
    var builder = TenantDirectoryBuilder(previous: first, planLimits: [])
    #expect(builder.add(record("acme", epoch: 6)) == .epochLower(current: 7))
    #expect(builder.add(record("acme", epoch: 7)) == .added)
  }

  @Test func overridesStandBesideThePlan() {
    let plan = TenantLimits(
      requests: TokenBucketRule(RequestRate(count: 10, period: .second, burst: 20)), concurrency: 5)
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: [plan])
    var plain = record("plain")
    plain.plan = 0
    var own = record("own")
    own.plan = 0
    own.requests = RequestRate(count: 1, period: .second, burst: 1)
    #expect(builder.add(plain) == .added)
    #expect(builder.add(own) == .added)
    #expect(builder.add(record("free")) == .added)
    let directory = builder.finish()
    #expect(directory.limits(of: index(directory, "plain")).pointee.requests.rate.count == 10)
    let limits = directory.limits(of: index(directory, "own")).pointee
    #expect(limits.requests.rate.count == 1)
    #expect(limits.concurrency == 5)
    #expect(directory.overrides(of: index(directory, "own")).requests?.count == 1)
    #expect(directory.overrides(of: index(directory, "plain")) == TenantOverrides())
    #expect(directory.limits(of: index(directory, "free")).pointee.requests.isUnlimited)
  }

  @Test func namesOfEveryLengthAreTold() {
    let ids = (1...64).map { String(repeating: "x", count: $0) }
    let directory = directory(ids.map { record($0, $0 + ".h") })
    for id in ids {
      #expect(directory.name(of: index(directory, id)) == id)
      #expect(directory.hosts(of: index(directory, id)) == [id + ".h"])
      #expect(tenant(directory, host: id + ".h") == id)
    }
  }

  @Test func aChangedRateRefitsItsBucket() {
    func made(_ count: Int64, _ previous: TenantDirectory?) -> TenantDirectory {
      var record = record("acme")
      record.requests = RequestRate(count: count, period: .second, burst: count)
      return directory([record], previous: previous)
    }
    let (old, ledger, now) = (made(100, nil), TenantLedger(), Instant(nanoseconds: .second))
    ledger.ensure(capacity: 1)
    let bucket = old.limits(of: 0).pointee.requests
    for _ in 0..<50 { _ = ledger.account(0).pointee.bucket.take(bucket, at: now) }
    let new = made(10, old)
    ledger.refit(from: old, to: new, at: now)
    let rule = new.limits(of: 0).pointee.requests
    let level = ledger.account(0).pointee.bucket.level(rule, revision: new.revision(of: 0), at: now)
    #expect(level == 5)
  }
}
