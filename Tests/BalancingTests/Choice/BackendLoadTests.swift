import Primitives
import Testing

@testable import Balancing

@Suite struct BackendLoadTests {
  private let start = Instant(nanoseconds: 1_000 * .second)

  @Test func anUntouchedBackendHasItsWholeWeight() {
    let load = BackendLoad(weight: 7)
    #expect(load.isUp && load.inFlight == 0)
    #expect(load.effectiveWeight(at: Instant(nanoseconds: 0)) == 7_000)
    #expect(load.effectiveWeight(at: start) == 7_000)
  }

  @Test(arguments: [
    (-1.0, 100), (0, 100), (1, 190), (2.5, 325), (5, 550), (9, 910), (9.999, 999), (10, 1000), (3_600, 1000),
  ])
  func slowStartIsAStraightLineFromATenth(seconds: Double, thousandths: Int64) {
    for weight in [1, 3, 256] {
      var load = BackendLoad(weight: weight)
      load.leave()
      #expect(!load.isUp)
      load.recover(at: start)
      #expect(load.isUp)
      let now = start.advanced(by: Int64(seconds * 1e9))
      #expect(load.effectiveWeight(at: now) == thousandths * Int64(weight))
    }
  }

  @Test func requestsAreCountedInAndOut() {
    var load = BackendLoad(weight: 1)
    load.start(at: start)
    load.start(at: start)
    #expect(load.inFlight == 2)
    load.finish(latency: 5, at: start)
    load.finish(latency: -1, at: start)
    #expect(load.inFlight == 0)
    #expect(load.ewma == 5)
    load.finish(latency: -1, at: start)
    #expect(load.inFlight == 0)
  }

  @Test func recoveryForgetsLatencyAndKeepsRequestsInFlight() {
    var load = BackendLoad(weight: 1)
    load.start(at: start)
    load.start(at: start)
    load.finish(latency: .second, at: start)
    load.leave()
    load.recover(at: start)
    #expect(load.latency(at: start) == 0)
    #expect(load.inFlight == 1)
  }

  @Test func staggeredWorkersBeginWithDifferentBackends() {
    var random = SeededRandom(seed: 5)
    var firsts = [Int](repeating: 0, count: 4)
    for _ in 0..<4_000 {
      var loads = (0..<4).map { _ in BackendLoad(weight: 1) }
      for index in loads.indices { loads[index].stagger(random: &random) }
      let index = BackendChoice.choose(
        .roundRobin, &loads, 4, avoiding: (-1, -1), now: start, random: &random)
      firsts[Int(index)] += 1
    }
    for count in firsts { #expect((880...1_120).contains(count)) }
  }
}
