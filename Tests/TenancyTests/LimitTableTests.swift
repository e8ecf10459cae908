import Testing

@testable import Tenancy

@Suite struct LimitTableTests {
  private func plan(_ count: Int64, _ concurrency: Int32 = 0) -> TenantLimits {
    TenantLimits(
      requests: TokenBucketRule(RequestRate(count: count, period: .second, burst: count)), concurrency: concurrency)
  }

  private func key(_ plan: Int32, concurrency: Int32? = nil) -> LimitTable.Key {
    LimitTable.Key(plan: plan, overrides: TenantOverrides(concurrency: concurrency))
  }

  @Test func equalCombinationsHaveOneRow() {
    var table = LimitTable(plans: [plan(10), plan(20)])
    let row = table.enter(key(0))
    holds(table.enter(key(0)) == row)
    let others = [table.enter(key(1)), table.enter(key(0, concurrency: 3)), table.enter(key(-1))]
    holds(Set(others + [row]).count == 4)
    holds(table.limits(row).pointee.requests.rate.count == 10)
    holds(table.limits(others[1]).pointee.concurrency == 3)
    holds(table.limits(others[1]).pointee.requests.rate.count == 10)
    holds(table.limits(others[2]).pointee.requests.isUnlimited)
    holds(table.key(others[1]) == key(0, concurrency: 3))
  }

  @Test func aRowWithoutTenantsIsGivenAgain() {
    var table = LimitTable(plans: [])
    let rows = (1...100).map { table.enter(key(-1, concurrency: $0)) }
    for row in rows { table.leave(row) }
    let again = (101...200).map { table.enter(key(-1, concurrency: $0)) }
    holds(Set(again) == Set(rows))
    for (place, row) in again.enumerated() { holds(table.limits(row).pointee.concurrency == Int32(101 + place)) }
  }

  @Test func newPlansReachRowsThatBuildOnThem() {
    var table = LimitTable(plans: [plan(10, 1)])
    let (plain, own) = (table.enter(key(0)), table.enter(key(0, concurrency: 5)))
    let old = table.copy()
    table.replan([plan(99, 2)])
    holds(table.limits(plain).pointee.requests.rate.count == 99 && table.limits(plain).pointee.concurrency == 2)
    holds(table.limits(own).pointee.requests.rate.count == 99 && table.limits(own).pointee.concurrency == 5)
    holds(old.limits(plain).pointee.requests.rate.count == 10 && old.limits(own).pointee.requests.rate.count == 10)
    holds(!table.hasRevisions(of: old) && old.hasRevisions(of: old.copy()))
    holds(table.revision(plain) == 1 && table.revision(own) == 1 && old.revision(plain) == 0)
  }
}
