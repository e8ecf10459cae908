import Balancing
import Primitives
import Testing

@Suite struct TenantTroublesTests {
  private let start = Instant(nanoseconds: 1_000 * .second)
  private let rules = BreakerRules()

  /// Has requests of a tenant fail (`f`) or succeed (`s`); returns what its breaker said of each: pass, trial, refuse.
  private func run(_ troubles: inout TenantTroubles, _ tenant: Int32, _ requests: String, at now: Instant) -> String {
    var words = ""
    for request in requests {
      let word = troubles.ask(tenant, rules, at: now)
      words += word == .pass ? "p" : word == .trial ? "t" : "r"
      guard word != .refuse else { continue }
      if request == "f" {
        _ = troubles.failed(tenant, isTrial: word == .trial, rules, at: now)
      } else {
        troubles.succeeded(tenant, isTrial: word == .trial, rules, at: now)
      }
    }
    return words
  }

  private func ask(_ troubles: inout TenantTroubles, _ tenant: Int32, at now: Instant) -> BreakerWord {
    troubles.ask(tenant, rules, at: now)
  }

  @Test(arguments: [
    ("ffffffffffff", "pppppppppprr"), ("sssssfffffffffff", String(repeating: "p", count: 15) + "r"),
    ("fsfsfsfsfsfsfsfsfsff", String(repeating: "p", count: 19) + "r"),
    ("fssfssfssfssfssfssfssfssfss", String(repeating: "p", count: 27)),
  ])
  func halfOfTwenty(requests: String, words: String) {
    var troubles = TenantTroubles()
    #expect(run(&troubles, 7, requests, at: start) == words)
  }

  @Test func oneTrialDecides() {
    var troubles = TenantTroubles()
    _ = run(&troubles, 7, String(repeating: "f", count: 10), at: start)
    #expect(troubles.wait(of: 7, at: start) == 10 * .second)
    #expect(run(&troubles, 7, "s", at: start.advanced(by: 9_999 * .millisecond)) == "r")
    let later = start.advanced(by: 10 * .second)
    #expect(ask(&troubles, 7, at: later) == .trial)
    #expect(run(&troubles, 7, "sss", at: later) == "rrr", "one is on its way")
    _ = troubles.failed(7, isTrial: true, rules, at: later)
    #expect(ask(&troubles, 7, at: later.advanced(by: 9 * .second)) == .refuse)
    let again = later.advanced(by: 10 * .second)
    #expect(run(&troubles, 7, "sss", at: again) == "tpp")
    #expect(!troubles.contains(7), "nothing is held against it any more")
  }

  @Test func aTrialWhoseClientLeftIsFollowedByAnother() {
    var troubles = TenantTroubles()
    _ = run(&troubles, 7, String(repeating: "f", count: 10), at: start)
    #expect(ask(&troubles, 7, at: start.advanced(by: 10 * .second)) == .trial)
    #expect(ask(&troubles, 7, at: start.advanced(by: 19 * .second)) == .refuse)
    #expect(ask(&troubles, 7, at: start.advanced(by: 20 * .second)) == .trial)
  }

  @Test func stragglersDecideNothing() {
    var troubles = TenantTroubles()
    _ = run(&troubles, 7, String(repeating: "f", count: 10), at: start)
    troubles.succeeded(7, isTrial: false, rules, at: start)
    #expect(ask(&troubles, 7, at: start) == .refuse)
  }

  @Test func othersAreUnaffected() {
    var troubles = TenantTroubles()
    _ = run(&troubles, 7, String(repeating: "f", count: 10), at: start)
    for tenant in 8..<2_000 as Range<Int32> {
      #expect(ask(&troubles, tenant, at: start) == .pass)
      #expect(!troubles.contains(tenant))
    }
    #expect(troubles.count == 1)
  }

  @Test func whoFaresWellLeavesTheTable() {
    var troubles = TenantTroubles()
    _ = run(&troubles, 7, "f", at: start)
    #expect(troubles.contains(7))
    _ = run(&troubles, 7, String(repeating: "s", count: 20), at: start)
    #expect(!troubles.contains(7))
  }

  @Test func theTableIsBounded() {
    var troubles = TenantTroubles()
    for tenant in 0..<100_000 as Range<Int32> {
      _ = troubles.failed(tenant, isTrial: false, rules, at: start.advanced(by: Int64(tenant) * .millisecond))
    }
    #expect(troubles.count <= TenantTroubles.capacity)
    #expect(troubles.contains(99_999))
    #expect(!troubles.contains(0))
  }

  @Test func noTenantUsesUpTheRetriesOfAll() {
    var troubles = TenantTroubles()
    var budget = RetryBudget()
    let retry = RetryRules(percent: 20, floor: 30, attempts: 2)
    budget.mark(0, at: start)
    // 1,000 requests of all, so 230 retries: one whose hundred requests all fail gets a fifth of its own, and half the floor.
    func retries(_ tenant: Int32) -> Int {
      (0..<100).count { _ in
        _ = troubles.ask(tenant, nil, at: start)
        return troubles.takeRetry(tenant, from: &budget, 1_000, retry, at: start)
      }
    }
    let hungry = [retries(1), retries(2)]
    #expect(hungry.allSatisfy { (30...36).contains($0) })
    let rest = (3..<20).reduce(0) { $0 + retries($1) }
    #expect((150...170).contains(rest), "what is left of the shard's is the others'")
  }

  @Test func retriesAreForgottenAfterTheWindow() {
    var troubles = TenantTroubles()
    var budget = RetryBudget()
    let retry = RetryRules(percent: 0, floor: 30, attempts: 2)
    func retries(at now: Instant) -> Int {
      (0..<100).count { _ in troubles.takeRetry(1, from: &budget, 0, retry, at: now) }
    }
    let taken = [0, 0, 12].map { retries(at: start.advanced(by: $0 * .second)) }
    #expect(taken == [15, 0, 15])
    troubles.succeeded(1, isTrial: false, nil, at: start.advanced(by: 12 * .second))
    #expect(troubles.contains(1))
    troubles.succeeded(1, isTrial: false, nil, at: start.advanced(by: 40 * .second))
    #expect(!troubles.contains(1))
  }
}
