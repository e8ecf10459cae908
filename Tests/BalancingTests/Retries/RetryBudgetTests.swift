import Balancing
import Primitives
import Testing

@Suite struct RetryBudgetTests {
  private let start = Instant(nanoseconds: 1_000 * .second)
  private let rules = RetryRules(percent: 20, floor: 0, attempts: 2)

  /// Has `rate` requests a second all fail for `seconds`; returns the retries of each second.
  private func storm(
    _ budget: inout RetryBudget, _ requests: inout Int64, rate: Int64, seconds: Int64, from begin: Instant,
    _ rules: RetryRules
  ) -> [Int] {
    (0..<seconds).map { second in
      (0..<rate).count { step in
        let now = begin.advanced(by: second * .second + step * .second / rate)
        budget.mark(requests, at: now)
        requests += 1
        return budget.take(requests, rules, at: now)
      }
    }
  }

  @Test(arguments: [50, 1_000] as [Int64])
  func aStormIsAFifthOfTheRequests(rate: Int64) {
    var budget = RetryBudget()
    var requests: Int64 = 0
    let retries = storm(&budget, &requests, rate: rate, seconds: 60, from: start, rules)
    let (sum, fifth) = (retries.reduce(0, +), Int(requests) / 5)
    #expect(sum <= fifth)
    #expect(sum >= fifth - Int(rate))
    // In no ten seconds more than a fifth, but for the grain of the window.
    let bound = Int(rate) * 2 + Int(rate) / 4
    for first in 0...50 {
      let tenSeconds = retries[first..<first + 10].reduce(0, +)
      #expect(tenSeconds <= bound)
    }
  }

  @Test func theFloorHoldsWhateverTheRequests() {
    var budget = RetryBudget()
    let floor = RetryRules(percent: 0, floor: 30, attempts: 2)
    let taken = [0, 5, 11].map { seconds in
      (0..<100).count { _ in budget.take(5, floor, at: start.advanced(by: seconds * .second)) }
    }
    #expect(taken == [30, 0, 30])
  }

  @Test func whatWasLongAgoGivesNothing() {
    var budget = RetryBudget()
    budget.mark(0, at: start)
    // A fifth of four is none, of five it is one; a minute later nothing was asked since.
    var taken = [4, 5, 5].map { budget.take($0, rules, at: start) }
    taken.append(budget.take(5, rules, at: start.advanced(by: 60 * .second)))
    #expect(taken == [false, true, false, false])
  }

  @Test func requestsWithoutTroubleFillTheBudget() {
    var budget = RetryBudget()
    for second in 0..<10 { budget.mark(Int64(second) * 100, at: start.advanced(by: Int64(second) * .second)) }
    let now = start.advanced(by: 9_500 * .millisecond)
    let retries = (0..<1_000).count { _ in budget.take(1_000, rules, at: now) }
    #expect((180...200).contains(retries))
  }

  @Test func aClockBehindTakesNothingAway() {
    var budget = RetryBudget()
    budget.mark(0, at: start)
    let taken = [2, 0, 2].map { budget.take(10, rules, at: start.advanced(by: $0 * .second)) }
    #expect(taken == [true, true, false])
  }
}
