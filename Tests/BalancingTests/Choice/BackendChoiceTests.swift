import Balancing
import Primitives
import Testing

/// Backends, a clock and a lot that a test drives.
private struct Shard {
  var loads: [BackendLoad]
  var now = Instant(nanoseconds: 1_000 * .second)
  var random = SeededRandom(seed: 42)

  init(_ weights: [Int]) { loads = weights.map { BackendLoad(weight: $0) } }

  mutating func choose(_ algorithm: BalanceAlgorithm, avoiding: (Int32, Int32) = (-1, -1)) -> Int {
    Int(BackendChoice.choose(algorithm, &loads, loads.count, avoiding: avoiding, now: now, random: &random))
  }

  /// How often each backend is chosen in `rounds` choices of requests that end at once.
  mutating func counts(_ algorithm: BalanceAlgorithm, rounds: Int, avoiding: (Int32, Int32) = (-1, -1)) -> [Int] {
    var counts = [Int](repeating: 0, count: loads.count)
    for _ in 0..<rounds { counts[choose(algorithm, avoiding: avoiding)] += 1 }
    return counts
  }
}

/// Pearson's chi-square of `counts` against shares in proportion to `weights`.
private func chiSquare(_ counts: [Int], _ weights: [Double]) -> Double {
  let total = Double(counts.reduce(0, +))
  let whole = weights.reduce(0, +)
  return zip(counts, weights).reduce(0) { sum, pair in
    let expected = total * pair.1 / whole
    return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
  }
}

@Suite struct BackendChoiceTests {
  @Test(arguments: BalanceAlgorithm.allCases)
  func noneIsUp(algorithm: BalanceAlgorithm) {
    for size in [0, 1, 2, 5] {
      var shard = Shard([Int](repeating: 1, count: size))
      for index in shard.loads.indices { shard.loads[index].leave() }
      #expect(shard.choose(algorithm) == -1)
    }
  }

  @Test(arguments: BalanceAlgorithm.allCases)
  func onlyTheEligibleAreChosen(algorithm: BalanceAlgorithm) {
    for size in 1...6 {
      for down in 0..<(1 << size) {
        for avoided in -1..<size {
          var shard = Shard([Int](repeating: 2, count: size))
          for index in 0..<size where down >> index & 1 == 1 { shard.loads[index].leave() }
          let eligible = (0..<size).filter { down >> $0 & 1 == 0 && $0 != avoided }
          for _ in 0..<8 {
            let chosen = shard.choose(algorithm, avoiding: (Int32(avoided), -1))
            #expect(eligible.isEmpty ? chosen == -1 : eligible.contains(chosen))
          }
        }
      }
    }
  }

  @Test(arguments: BalanceAlgorithm.allCases)
  func bothAvoidedAreLeftOut(algorithm: BalanceAlgorithm) {
    var shard = Shard([1, 1, 1, 1, 1])
    let counts = shard.counts(algorithm, rounds: 500, avoiding: (3, 1))
    #expect(counts[1] == 0 && counts[3] == 0)
    var pair = Shard([1, 1])
    #expect(pair.choose(algorithm, avoiding: (0, 1)) == -1)
  }

  @Test(arguments: BalanceAlgorithm.allCases)
  func weightZeroTakesNothing(algorithm: BalanceAlgorithm) {
    var shard = Shard([0, 1, 0, 1])
    let counts = shard.counts(algorithm, rounds: 200)
    #expect(counts[0] == 0 && counts[2] == 0)
  }

  @Test func roundRobinIsExactAndSmooth() {
    var shard = Shard([5, 1, 1])
    // The sequence that nginx is known for.
    #expect((0..<14).map { _ in shard.choose(.roundRobin) } == [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
    var other = Shard([3, 7, 13, 256])
    #expect(other.counts(.roundRobin, rounds: 279 * 10) == [30, 70, 130, 2_560])
  }

  @Test func roundRobinGoesOnFairlyWhenOneLeaves() {
    var shard = Shard([1, 1, 1, 1])
    _ = shard.counts(.roundRobin, rounds: 7)
    shard.loads[2].leave()
    let counts = shard.counts(.roundRobin, rounds: 300)
    #expect(counts[2] == 0)
    for index in [0, 1, 3] { #expect((99...101).contains(counts[index])) }
  }

  @Test func theLotFollowsTheWeights() {
    var shard = Shard([1, 2, 3, 4])
    let counts = shard.counts(.random, rounds: 100_000)
    #expect(chiSquare(counts, [1, 2, 3, 4]) < 16.3)  // 3 degrees of freedom, p = 0.001
    #expect(chiSquare(counts, [1, 1, 1, 1]) > 1_000)
  }

  @Test func anIdleShardIsSharedByWeight() {
    var shard = Shard([1, 2, 3, 4])
    #expect(chiSquare(shard.counts(.leastRequests, rounds: 100_000), [1, 2, 3, 4]) < 16.3)
    var even = Shard([1, 1, 1, 1, 1])
    #expect(chiSquare(even.counts(.leastRequests, rounds: 100_000), [1, 1, 1, 1, 1]) < 18.5)
  }

  @Test func leastRequestsFillsInProportion() {
    var shard = Shard([1, 2, 5])
    for _ in 0..<800 {
      let chosen = shard.choose(.leastRequests)
      shard.loads[chosen].start(at: shard.now)
    }
    #expect(shard.loads.map(\.inFlight) == [100, 200, 500])
  }

  @Test func leastRequestsKeepsAwayFromTheStuck() {
    var shard = Shard([1, 1, 1])
    for _ in 0..<50 { shard.loads[1].start(at: shard.now) }
    let counts = shard.counts(.leastRequests, rounds: 1_000)
    #expect(counts[1] == 0)
    #expect(counts[0] > 400 && counts[2] > 400)
  }

  @Test(arguments: [3, 10])
  func peakEWMAShunsTheSlow(size: Int) {
    var shard = Shard([Int](repeating: 1, count: size))
    var counts = [Int](repeating: 0, count: size)
    for _ in 0..<20_000 {
      let chosen = shard.choose(.peakEWMA)
      counts[chosen] += 1
      shard.loads[chosen].start(at: shard.now)
      shard.now = shard.now.advanced(by: .millisecond)
      shard.loads[chosen].finish(latency: (chosen == 0 ? 100 : 1) * .millisecond, at: shard.now)
    }
    #expect(counts[0] < 20)
    #expect(counts[0] > 0)
    for count in counts.dropFirst() { #expect(count > 20_000 / size / 4) }
  }

  @Test func peakEWMASpreadsRequestsInFlight() {
    var shard = Shard([1, 1, 2])
    for index in shard.loads.indices {
      shard.loads[index].start(at: shard.now)
      shard.loads[index].finish(latency: 10 * .millisecond, at: shard.now)
    }
    for _ in 0..<400 {
      let chosen = shard.choose(.peakEWMA)
      shard.loads[chosen].start(at: shard.now)
    }
    #expect((98...102).contains(shard.loads[0].inFlight))
    #expect((98...102).contains(shard.loads[1].inFlight))
    #expect((196...204).contains(shard.loads[2].inFlight))
  }

  @Test func twoChoicesKeepManyBackendsLevel() {
    var shard = Shard([Int](repeating: 1, count: 50))
    for index in shard.loads.indices {
      shard.loads[index].start(at: shard.now)
      shard.loads[index].finish(latency: 10 * .millisecond, at: shard.now)
    }
    for _ in 0..<5_000 {
      let chosen = shard.choose(.peakEWMA)
      shard.loads[chosen].start(at: shard.now)
    }
    // One choice would leave the busiest near 130; two leave it a few above the mean of 100.
    #expect(shard.loads.map(\.inFlight).max()! <= 106)
  }

  @Test(arguments: [BalanceAlgorithm.roundRobin, .random, .leastRequests])
  func aRecoveredBackendGetsItsShareByAndBy(algorithm: BalanceAlgorithm) {
    var shard = Shard([2, 2])
    shard.loads[1].leave()
    shard.now = shard.now.advanced(by: 60 * .second)
    shard.loads[1].recover(at: shard.now)
    var shares: [Double] = []
    for _ in 0..<12 {
      let counts = shard.counts(algorithm, rounds: 10_000)
      shares.append(Double(counts[1]) / 10_000)
      shard.now = shard.now.advanced(by: .second)
    }
    for (second, share) in shares.enumerated() {
      let weight = min(0.1 + 0.09 * Double(second), 1)
      #expect(abs(share - weight / (1 + weight)) < 0.02, "second \(second): \(share)")
    }
  }

  @Test func theSameSeedChoosesTheSame() {
    for algorithm in BalanceAlgorithm.allCases {
      var one = Shard([1, 2, 3, 4])
      var other = Shard([1, 2, 3, 4])
      for _ in 0..<200 { #expect(one.choose(algorithm) == other.choose(algorithm)) }
    }
  }
}
