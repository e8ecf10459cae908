import Primitives
import Testing

@testable import Tenancy

@Suite struct KeyedMetersTests {
  private let rule = TokenBucketRule(RequestRate(count: 1, period: 3_600 * .second, burst: 1))
  private let now = Instant(nanoseconds: 1_000 * .second)

  @Test func theOneUsedLongestAgoMakesRoom() {
    var random = SeededRandom(seed: 7)
    for capacity in [1, 2, 5, 64, 300] {
      var meters = KeyedMeters(capacity: capacity)
      // The keys from the one used last to the one used first: what must be there.
      var model: [UInt64] = []
      for _ in 0..<5_000 {
        // Some keys share their place in the table, some are far apart.
        let isNear = random.below(2) == 0
        let key = isNear ? UInt64(random.below(2 * capacity)) : UInt64(random.below(capacity)) << 32
        let isKnown = model.contains(key)
        var wasThere = false
        let hasEvicted = meters.update(key) { wasThere = !$0.take(Demand(1), rule, at: now).admission.isAdmitted }
        #expect(wasThere == isKnown)
        #expect(hasEvicted == (!isKnown && model.count == capacity))
        model.removeAll { $0 == key }
        model.insert(key, at: 0)
        if model.count > capacity { model.removeLast() }
        #expect(meters.count == model.count)
      }
      for key in model {
        let grant = meters.meter(of: key).look(Demand(1), rule, at: now)
        #expect(!grant.admission.isAdmitted)
      }
    }
  }
}
