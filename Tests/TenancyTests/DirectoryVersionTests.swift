import Primitives
import Testing

@testable import Tenancy

/// Directories made out of others: reloads and edits.
@Suite struct DirectoryVersionTests {
  private static let plans = [
    TenantLimits(requests: TokenBucketRule(RequestRate(count: 10, period: .second, burst: 10))),
    TenantLimits(concurrency: 7),
  ]

  private func record(_ id: String, _ hosts: String..., epoch: UInt64 = 0, line: Int = 0) -> TenantRecord {
    var record = TenantRecord(id: id)
    record.hosts = hosts
    record.epoch = epoch
    record.line = line
    return record
  }

  private func loaded(_ records: [TenantRecord], over previous: TenantDirectory? = nil) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: Self.plans)
    for record in records { #expect(builder.add(record) == .added) }
    return builder.finish()
  }

  private func owner(_ directory: TenantDirectory, _ host: String) -> String? {
    let tenant = directory.index(host: host)
    return tenant < 0 ? nil : directory.name(of: tenant)
  }

  // MARK: - reloads

  @Test func aHostGoesToWhoClaimsItNowWhateverTheOrder() {
    let first = loaded([record("a", "one.example", "two.example"), record("b", "three.example")])
    let swapped = [record("b", "one.example"), record("a", "three.example", "two.example")]
    for records in [swapped, swapped.reversed()] {
      let second = loaded(records, over: first)
      #expect(owner(second, "one.example") == "b" && owner(second, "two.example") == "a")
      #expect(owner(second, "three.example") == "a")
      #expect(second.hosts(of: second.index("a")) == ["three.example", "two.example"])
    }
    #expect(owner(first, "one.example") == "a" && owner(first, "three.example") == "b")
    #expect(first.hosts(of: first.index("a")) == ["one.example", "two.example"])
  }

  @Test func aHostTakenOverAndClaimedAgainIsClaimedTwice() {
    let first = loaded([record("a", "one.example")])
    var builder = TenantDirectoryBuilder(previous: first, planLimits: Self.plans)
    #expect(builder.add(record("b", "one.example", line: 1)) == .added)
    #expect(builder.add(record("a", "one.example", line: 2)) == .duplicateHost(file: 0, line: 1))
  }

  @Test func theLastWildcardTakesItsMeaningAlong() {
    let first = loaded([record("a", "*.one.example")])
    #expect(owner(first, "x.one.example") == "a")
    #expect(owner(loaded([record("a")], over: first), "x.one.example") == nil)
    #expect(owner(loaded([record("b", "*.one.example")], over: first), "x.one.example") == "b")
  }

  @Test func whatIsAsItWasCostsNothing() {
    var records = (0..<3_000).map { record("tenant-\($0)", "t\($0).example", line: $0) }
    let first = loaded(records)
    records[1_500].epoch = 3
    let second = loaded(records, over: first)
    // The text of a name is where it was: nothing was copied but what the epoch is in.
    #expect(second.idBytes(of: 0).baseAddress == first.idBytes(of: 0).baseAddress)
    #expect(second.epoch(of: second.index("tenant-1500")) == 3 && first.epoch(of: first.index("tenant-1500")) == 0)
  }

  @Test func mostTenantsGoneLeaveNoRoomBehind() {
    let many = loaded((0..<20_000).map { record("tenant-\($0)", "t\($0).example", "*.w\($0).example", line: $0) })
    let few = loaded([19_000, 7, 12_345].map { record("tenant-\($0)", "t\($0).example", line: 4) }, over: many)
    #expect(few.count == 3 && few.capacity == 20_000)
    for number in [7, 12_345, 19_000] {
      #expect(few.index("tenant-\(number)") == many.index("tenant-\(number)"))
      #expect(
        owner(few, "t\(number).example") == "tenant-\(number)"
          && few.source(of: few.index("tenant-\(number)")).line == 4)
    }
    #expect(owner(few, "t8.example") == nil && owner(few, "x.w7.example") == nil)
    let next = loaded([record("new", "t8.example"), record("tenant-7")], over: few)
    #expect(next.index("new") == 20_000 && next.index("tenant-7") == many.index("tenant-7"))
  }

  @Test func aNewRateOfAPlanReachesItsTenants() {
    var member = record("a")
    member.plan = 0
    let first = loaded([member])
    var builder = TenantDirectoryBuilder(previous: first, planLimits: [Self.plans[1], Self.plans[0]])
    #expect(builder.add(member) == .added)
    let second = builder.finish()
    #expect(first.limits(of: 0).pointee.requests.rate.count == 10 && second.limits(of: 0).pointee.concurrency == 7)
    #expect(second.limits(of: 0).pointee.requests.isUnlimited)
  }

  // MARK: - edits

  @Test func oneTenantIsPutInChangedAndTakenOut() {
    let first = loaded([record("a", "one.example"), record("b", "two.example", "*.two.example")])
    var edit = TenantDirectoryBuilder(editing: first)
    #expect(edit.add(record("c", "three.example", line: 9)) == .added)
    let second = edit.finish()
    #expect(second.count == 3 && owner(second, "three.example") == "c" && owner(second, "one.example") == "a")
    edit = TenantDirectoryBuilder(editing: second)
    var changed = record("b", "*.two.example", "four.example", epoch: 2)
    changed.requests = RequestRate(count: 3, period: .second, burst: 3)
    #expect(edit.add(changed) == .added)
    let third = edit.finish()
    #expect(third.hosts(of: third.index("b")) == ["*.two.example", "four.example"])
    #expect(owner(third, "two.example") == nil && owner(third, "four.example") == "b")
    #expect(third.limits(of: third.index("b")).pointee.requests.rate.count == 3)
    edit = TenantDirectoryBuilder(editing: third)
    #expect(edit.remove("a") && !edit.remove("a") && !edit.remove("nobody"))
    let fourth = edit.finish()
    #expect(fourth.count == 2 && owner(fourth, "one.example") == nil && !fourth.isLive(first.index("a")))
    #expect(owner(third, "one.example") == "a" && owner(second, "two.example") == "b" && first.count == 2)
  }

  @Test func anEditMayNotTakeWhatIsAnothers() {
    let first = loaded([record("a", "one.example", line: 3), record("b", epoch: 5)])
    var edit = TenantDirectoryBuilder(editing: first)
    #expect(edit.add(record("c", "one.example")) == .duplicateHost(file: 0, line: 3))
    edit = TenantDirectoryBuilder(editing: first)
    #expect(edit.add(record("b", epoch: 4)) == .epochLower(current: 5))
    edit = TenantDirectoryBuilder(editing: first)
    #expect(edit.add(record("c", "x.example", "x.example", line: 8)) == .duplicateHost(file: 0, line: 8))
    // Given away in the same edit it may be taken.
    edit = TenantDirectoryBuilder(editing: first)
    #expect(edit.add(record("a", "other.example")) == .added && edit.add(record("c", "one.example")) == .added)
    let second = edit.finish()
    #expect(owner(second, "one.example") == "c" && owner(second, "other.example") == "a")
    edit = TenantDirectoryBuilder(editing: first)
    #expect(edit.remove("a") && edit.add(record("c", "one.example")) == .added)
    #expect(owner(edit.finish(), "one.example") == "c")
  }

  @Test func anEditOfARateRefitsItsBucketOnly() {
    let ledger = TenantLedger()
    ledger.ensure(capacity: 5_000)
    var records = (0..<5_000).map { record("tenant-\($0)") }
    for place in records.indices { records[place].requests = RequestRate(count: 100, period: .second, burst: 100) }
    let first = loaded(records)
    let now = Instant(nanoseconds: .second)
    func take(_ tenant: TenantIndex, _ directory: TenantDirectory) {
      let rule = directory.rule(of: tenant)
      _ = ledger.account(tenant).pointee.bucket.take(rule.rule, revision: rule.revision, at: now)
    }
    func level(_ tenant: TenantIndex, _ directory: TenantDirectory) -> Int64 {
      let rule = directory.rule(of: tenant)
      return ledger.account(tenant).pointee.bucket.level(rule.rule, revision: rule.revision, at: now)
    }
    for tenant in 0..<5_000 as Range<TenantIndex> {
      for _ in 0..<50 {
        take(tenant, first)
      }
    }
    var edit = TenantDirectoryBuilder(editing: first)
    records[4_321].requests = RequestRate(count: 10, period: .second, burst: 10)
    #expect(edit.add(records[4_321]) == .added)
    let second = edit.finish()
    ledger.refit(from: first, to: second, at: now)
    #expect(level(4_321, second) == 5 && level(4_320, second) == 50 && level(0, second) == 50)
    // A plan's new rate, which no entry names, reaches the buckets too.
    var planned = record("planned")
    planned.plan = 0
    let third = loaded([planned])
    for _ in 0..<5 { take(0, third) }
    var builder = TenantDirectoryBuilder(
      previous: third,
      planLimits: [TenantLimits(requests: TokenBucketRule(RequestRate(count: 100, period: .second, burst: 100)))])
    #expect(builder.add(planned) == .added)
    let before = level(0, third)
    let fourth = builder.finish()
    ledger.refit(from: third, to: fourth, at: now)
    #expect(level(0, fourth) == before * 10)
  }

  // MARK: - all of it against a model

  private func random(_ number: Int, _ random: inout SeededRandom, hosts: [String]) -> TenantRecord {
    var record = TenantRecord(id: "tenant-\(number)")
    for _ in 0..<random.below(4) { record.hosts.append(hosts[random.below(hosts.count)]) }
    record.epoch = UInt64(random.below(3))
    record.plan = random.below(3) - 1
    record.home = random.below(2) == 0 ? nil : random.below(4)
    record.condition.state = random.below(8) == 0 ? .suspended : .active
    if random.below(4) == 0 {
      record.requests = RequestRate(count: Int64(1 + random.below(3)), period: .second, burst: 5)
    }
    if random.below(4) == 0 { record.concurrency = Int32(random.below(3)) }
    record.line = random.below(1_000)
    return record
  }

  /// Reloads and edits at random, refused ones among them; each version says what the model says, old versions what they
  /// said.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func versionsSayWhatTheModelSays(seed: UInt64) {
    var chance = SeededRandom(seed: seed)
    let hosts = (0..<60).flatMap { ["h\($0).example", "*.h\($0).example", "x.h\($0).example"] }
    var model = DirectoryModel()
    var directory = loaded([])
    for round in 0..<120 {
      let (old, oldModel) = (directory, model)
      if chance.below(3) == 0 {
        reload(&directory, &model, &chance, hosts)
      } else {
        edit(&directory, &model, &chance, hosts)
      }
      model.check(directory, hosts: hosts)
      expectRevisions(of: directory, behind: old)
      if round % 10 == 0 {
        var oldModel = oldModel
        oldModel.check(old, hosts: hosts)
      }
    }
  }

  /// A rule's revision is raised by one when the rate has changed, and only then.
  private func expectRevisions(of directory: TenantDirectory, behind old: TenantDirectory) {
    for tenant in 0..<TenantIndex(min(old.capacity, directory.capacity)) {
      guard old.isLive(tenant), directory.isLive(tenant) else { continue }
      let (before, now) = (old.rule(of: tenant), directory.rule(of: tenant))
      let hasChanged = before.rule.rate != now.rule.rate
      #expect(now.revision == TokenBucket.revision(before.revision, plus: hasChanged ? 1 : 0))
    }
  }

  private func reload(
    _ directory: inout TenantDirectory, _ model: inout DirectoryModel, _ chance: inout SeededRandom, _ hosts: [String]
  ) {
    // Half of them as they are, in another order, some gone, some new, few claims twice.
    var records = model.tenants.values.sorted { $0.id < $1.id }.filter { _ in chance.below(6) > 0 }
    for _ in 0..<chance.below(8) { records.append(random(chance.below(40), &chance, hosts: hosts)) }
    for place in records.indices.reversed() { records.swapAt(place, chance.below(place + 1)) }
    var builder = TenantDirectoryBuilder(previous: directory, planLimits: Self.plans)
    var refusal: AddOutcome?
    for record in records where refusal == nil {
      let outcome = builder.add(record)
      if outcome != .added { refusal = outcome }
    }
    #expect(refusal == model.refusal(ofAll: records))
    let next = builder.finish()
    guard refusal == nil else { return }
    directory = next
    model.tenants = Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0) })
  }

  private func edit(
    _ directory: inout TenantDirectory, _ model: inout DirectoryModel, _ chance: inout SeededRandom, _ hosts: [String]
  ) {
    var edit = TenantDirectoryBuilder(editing: directory)
    var next = model
    for _ in 0...chance.below(3) {
      let record = random(chance.below(40), &chance, hosts: hosts)
      if chance.below(4) == 0 {
        #expect(edit.remove(record.id) == (next.tenants.removeValue(forKey: record.id) != nil))
        // Who comes back within one edit is somebody new.
        next.numbers[record.id] = nil
        continue
      }
      let outcome = edit.add(record)
      #expect(outcome == next.refusal(of: record) ?? .added)
      guard outcome == .added else { return }
      next.tenants[record.id] = record
    }
    directory = edit.finish()
    model = next
  }
}
