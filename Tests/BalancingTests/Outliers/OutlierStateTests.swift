import Balancing
import Primitives
import Testing

@Suite struct OutlierStateTests {
  private let start = Instant(nanoseconds: 1_000 * .second)
  private let rules = OutlierRules()

  /// One request a letter: a small letter fails, its capital succeeds; each letter is a tenant. `!` marks who makes the
  /// backend an outlier.
  @Test(arguments: [
    ("abcab", "....!"), ("aaaaaaaaaaaaaaa", "..............."), ("ababababab", ".........."),
    ("aaaaaaabc", "........!"), ("abcdA", "....."), ("abcdAabcd", "........."), ("abcdAabcda", ".........!"),
    // Who fails alone beside others that fare well is no matter, be it a hundred times.
    ("aaaaBaaaaBaaaaCaaaa", "..................."), ("abBabBabBcaba", "............."),
    ("abcdefghij", "....!!!!!!"),
  ])
  func rows(requests: String, found: String) {
    var state = OutlierState()
    var outcome = ""
    for letter in requests {
      let tenant = Int32(letter.lowercased().unicodeScalars.first!.value)
      if letter.isLowercase {
        outcome += state.failed(tenant, rules, at: start) ? "!" : "."
      } else {
        state.succeeded()
        outcome += "."
      }
    }
    #expect(outcome == found)
  }

  @Test func failuresFarApartAreNoRow() {
    var state = OutlierState()
    let found = (0..<100).map { state.failed($0, rules, at: start.advanced(by: Int64($0) * 11 * .second)) }
    #expect(!found.contains(true))
  }

  @Test func noMoreTenantsAreToldApartThanThereIsRoomFor() {
    var state = OutlierState()
    var many = rules
    many.tenants = Int32(OutlierRules.mostTenants)
    let found = (0..<100).map { state.failed($0, many, at: start) }
    #expect(found.firstIndex(of: true) == OutlierRules.mostTenants - 1)
    #expect(found.last == true)
  }

  @Test func eachTimeItIsOutForLonger() {
    var state = OutlierState()
    var now = start
    var lengths: [Int64] = []
    for _ in 0..<12 {
      lengths.append(state.eject(rules, at: now) / .second)
      #expect(state.isEjected)
      let isOutlier = state.failed(1, rules, at: now)
      #expect(!isOutlier, "out is out")
      now = state.ejectedUntil
      state.readmit(at: now)
      #expect(!state.isEjected)
    }
    #expect(lengths == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300])
    let length = state.eject(rules, at: now.advanced(by: 365 * .second))
    #expect(length == 30 * .second, "a long good time is remembered")
  }

  @Test func aLongEjectionIsNotCut() {
    var state = OutlierState()
    var long = rules
    long.ejection = 3_600 * .second
    let length = state.eject(long, at: start)
    #expect(length == 3_600 * .second)
  }

  @Test(arguments: [
    (1, 50, 0), (2, 50, 1), (3, 50, 1), (4, 50, 2), (5, 50, 2), (10, 50, 5), (10, 20, 2), (10, 0, 0), (1, 100, 1),
    (3, 100, 3),
  ])
  func atMost(count: Int, percent: Int32, ejected: Int) {
    var rules = rules
    rules.mostPercent = percent
    var out = 0
    while rules.mayEject(of: count, ejected: out, down: 0) { out += 1 }
    #expect(out == ejected)
    #expect(!rules.isPanic(of: count, ejected: out, down: 0))
  }

  @Test func thoseThatAreDownCountToo() {
    #expect(!rules.mayEject(of: 4, ejected: 0, down: 2))
    #expect(rules.mayEject(of: 4, ejected: 0, down: 1))
    #expect(rules.isPanic(of: 4, ejected: 2, down: 1))
    #expect(!rules.isPanic(of: 4, ejected: 1, down: 1))
    #expect(!rules.isPanic(of: 4, ejected: 0, down: 4), "none is to be put back")
    var all = rules
    all.mostPercent = 100
    #expect(!all.isPanic(of: 4, ejected: 2, down: 2))
  }
}
