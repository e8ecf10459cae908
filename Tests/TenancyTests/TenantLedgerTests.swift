import Dispatch
import Synchronization
import Tenancy
import Testing

@Suite struct TenantLedgerTests {
  @Test(arguments: [1, 2, 7, 1000] as [Int32])
  func exactlyTheLimitEnters(limit: Int32) {
    let account = SharedAccount()
    for _ in 0..<limit { #expect(account.enter(limit: limit)) }
    #expect(!account.enter(limit: limit))
    account.leave()
    #expect(account.enter(limit: limit))
    #expect(!account.enter(limit: limit))
    for _ in 0..<limit { account.leave() }
    #expect(account.inFlight == 0)
  }

  @Test func withoutALimitRequestsAreCountedAllTheSame() {
    let account = SharedAccount()
    for _ in 0..<500 { #expect(account.enter(limit: 0)) }
    #expect(account.inFlight == 500)
    #expect(!account.enter(limit: 500))
    #expect(account.enter(limit: 501))
  }

  @Test func aLoweredLimitHoldsUntilEnoughHaveLeft() {
    let account = SharedAccount()
    for _ in 0..<10 { #expect(account.enter(limit: 10)) }
    for _ in 0..<7 {
      #expect(!account.enter(limit: 3))
      account.leave()
    }
    #expect(!account.enter(limit: 3))
    account.leave()
    #expect(account.enter(limit: 3))
  }

  @Test(arguments: [1, 2, 3, 100] as [Int32])
  func threadsNeverPassTheLimitAndReturnToZero(limit: Int32) {
    let shared = SharedAccount()
    let inside = Atomic<Int32>(0)
    let highest = Atomic<Int32>(0)
    let entered = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<20_000 where shared.enter(limit: limit) {
        highest.max(inside.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .relaxed)
        entered.add(1, ordering: .relaxed)
        inside.subtract(1, ordering: .sequentiallyConsistent)
        shared.leave()
      }
    }
    #expect(highest.load(ordering: .relaxed) <= limit)
    #expect(entered.load(ordering: .relaxed) > 0)
    #expect(shared.inFlight == 0)
    #expect(shared.enter(limit: 1))
  }

  @Test func anAccountIsSixteenBytes() { #expect(MemoryLayout<TenantAccount>.stride == 16) }

  @Test func accountsAreApartAndNeverMove() {
    let ledger = TenantLedger()
    ledger.ensure(capacity: 1)
    let first = ledger.account(0)
    let isIn = first.pointee.enter(limit: 1)
    #expect(isIn)
    ledger.ensure(capacity: 10_000)
    ledger.ensure(capacity: 5)
    #expect(ledger.account(0) == first)
    let isInAgain = ledger.account(0).pointee.enter(limit: 1)
    #expect(!isInAgain)
    let places = Set((0..<10_000).map { ledger.account(TenantIndex($0)) })
    #expect(places.count == 10_000)
    for tenant in 1..<10_000 as Range<TenantIndex> {
      let count = ledger.account(tenant).pointee.inFlight.load(ordering: .relaxed)
      #expect(count == 0)
    }
  }
}
