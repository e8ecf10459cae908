import Synchronization
import Tenancy
import Testing

@Suite struct TenantLedgerTests {
  @Test func concurrencyIsNeverOverItsLimitAndReturnsToZero() async {
    let ledger = TenantLedger()
    ledger.ensure(capacity: 5_000)
    let highest = Atomic<Int32>(0)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<20_000 where ledger.account(4_999).pointee.enter(limit: 3) {
            highest.max(ledger.account(4_999).pointee.inFlight.load(ordering: .relaxed), ordering: .relaxed)
            ledger.account(4_999).pointee.leave()
          }
        }
      }
    }
    #expect((1...3).contains(highest.load(ordering: .relaxed)))
    #expect(ledger.account(4_999).pointee.inFlight.load(ordering: .relaxed) == 0)
  }

  @Test func accountsStayWhereTheyAre() {
    let ledger = TenantLedger()
    ledger.ensure(capacity: 1)
    let first = ledger.account(0)
    #expect(first.pointee.enter(limit: 1))
    ledger.ensure(capacity: 100_000)
    #expect(ledger.account(0) == first)
    #expect(!ledger.account(0).pointee.enter(limit: 1))
    #expect(ledger.account(99_999).pointee.enter(limit: 1))
  }
}
