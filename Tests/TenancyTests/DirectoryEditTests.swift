import Primitives
import Testing

@testable import Tenancy

/// Changes of single tenants while all others stay.
@Suite struct DirectoryEditTests {
  private static let plans = [
    TenantLimits(requests: TokenBucketRule(.perSecond(10, burst: 100))),
    TenantLimits(requests: TokenBucketRule(.perSecond(1_000, burst: 1_000))),
  ]

  private func record(_ id: String, _ hosts: String..., epoch: UInt64 = 0) -> TenantRecord {
    var record = TenantRecord(id: id)
    record.hosts = hosts
    record.epoch = epoch
    record.plan = 0
    return record
  }

  private func directory(_ records: [TenantRecord]) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: nil, planLimits: Self.plans)
    for record in records { #expect(builder.add(record) == .added) }
    return builder.finish()
  }

  @Test func whatWouldBeWrongIsToldWithoutAChange() {
    let first = directory([record("a", "a.example", "*.a.example", epoch: 5), record("b", "b.example")])
    var builder = TenantDirectoryBuilder(editing: first)
    #expect(builder.outcome(of: record("a", "a.example", epoch: 4)) == .epochLower(current: 5))
    #expect(builder.outcome(of: record("c", "x.example", "b.example")) == .duplicateHost(file: 0, line: 0))
    #expect(builder.nameOfOwner(ofHost: "*.a.example") == "a")
    #expect(builder.nameOfOwner(ofHost: ".a.example") == "a")
    #expect(builder.outcome(of: record("a", "new.example", epoch: 5)) == .added)
    // A host that was given up a moment ago is free.
    #expect(builder.add(record("b")) == .added)
    #expect(builder.outcome(of: record("c", "b.example")) == .added)
    #expect(builder.add(record("c", "b.example")) == .added)
    let second = builder.finish()
    #expect(second.name(of: second.index(host: "b.example")) == "c")
    #expect(second.name(of: second.index(host: "a.example")) == "a")
  }

  @Test func anAmendmentLeavesTheRest() {
    var own = record("a", "a.example", epoch: 5)
    own.requests = .perSecond(7, burst: 9)
    own.scheduling.criticality = .critical
    let first = directory([own, record("b")])
    func amended(_ from: TenantDirectory, _ condition: TenantCondition, home: Int32, epoch: UInt64) -> TenantDirectory {
      var builder = TenantDirectoryBuilder(editing: from)
      #expect(builder.amend("a", condition, home: home, epoch: epoch) == true)
      return builder.finish()
    }
    let past = amended(first, TenantCondition(.pastDue, until: 77), home: 3, epoch: 6)
    let tenant = past.index("a")
    #expect(past.condition(of: tenant) == TenantCondition(.pastDue, until: 77))
    #expect(past.home(of: tenant) == 3 && past.epoch(of: tenant) == 6)
    #expect(past.limits(of: tenant).pointee.scheduling.criticality == .sheddable)
    #expect(past.overrides(of: tenant).scheduling.criticality == .critical)
    #expect(past.limits(of: tenant).pointee.requests.rate == .perSecond(7, burst: 9))
    #expect(past.hosts(of: tenant) == ["a.example"])
    #expect(past.revision(of: tenant) == first.revision(of: tenant))
    let back = amended(past, TenantCondition(), home: 3, epoch: 6)
    #expect(back.limits(of: tenant).pointee.scheduling.criticality == .critical)
    #expect(back.isOrdinary(tenant) && !past.isOrdinary(tenant))
    var builder = TenantDirectoryBuilder(editing: back)
    #expect(builder.amend("a", TenantCondition(), home: 1, epoch: 5) == false)
    #expect(builder.amend("nobody", TenantCondition(), home: 1, epoch: 9) == false)
  }

  @Test func changesByTheClockAreFound() {
    var (a, b, c) = (record("a"), record("b"), record("c"))
    a.condition = TenantCondition(.readOnly, until: 10)
    b.condition = TenantCondition(isTest: true, expiry: 20)
    c.condition = TenantCondition(.suspended)
    let first = directory([record("x"), a, b, c])
    func changes(_ directory: TenantDirectory) -> [String: Int64] {
      var changes: [String: Int64] = [:]
      directory.forEachChange { changes[directory.name(of: $0)] = $1 }
      return changes
    }
    #expect(changes(first) == ["a": 10, "b": 20])
    var builder = TenantDirectoryBuilder(editing: first)
    #expect(builder.remove("b") == true)
    #expect(builder.amend("a", TenantCondition(), home: -1, epoch: 0) == true)
    #expect(changes(builder.finish()).isEmpty)
    #expect(changes(first) == ["a": 10, "b": 20])
  }

  /// Whatever is edited: a bucket is as full as before, in shares of what it can hold.
  @Test func aLiveEditKeepsTheFill() {
    var random = SeededRandom(seed: 41)
    var current = directory([record("a"), record("b")])
    let ledger = TenantLedger()
    ledger.ensure(capacity: 2)
    let tenant = current.index("a")
    var now = someTime
    for _ in 0..<400 {
      now = now.advanced(by: Int64(random.below(5_000_000)))
      for _ in 0..<random.below(40) {
        let rule = current.rule(of: tenant)
        _ = ledger.account(tenant).pointee.bucket.take(rule.rule, revision: rule.revision, at: now)
      }
      func share(_ directory: TenantDirectory) -> Double {
        let rule = directory.rule(of: tenant)
        let level = ledger.account(tenant).pointee.bucket.level(rule.rule, revision: rule.revision, at: now)
        return Double(level) / Double(rule.rule.rate.burst)
      }
      let before = share(current)
      var edited = record("a")
      edited.plan = random.below(2)
      if random.below(2) == 0 {
        edited.requests = .perSecond(Int64(1 + random.below(5_000)), burst: Int64(200 + random.below(5_000)))
      }
      var builder = TenantDirectoryBuilder(editing: current)
      switch random.below(3) {
      case 0: #expect(builder.amend("a", TenantCondition(.pastDue), home: 0, epoch: 0) == true)
      default: #expect(builder.add(edited) == .added)
      }
      let next = builder.finish()
      ledger.refit(from: current, to: next, at: now)
      let after = share(next)
      #expect(after <= before + 0.011 && after > before - 0.011, "\(before) → \(after)")
      current = next
    }
  }
}
