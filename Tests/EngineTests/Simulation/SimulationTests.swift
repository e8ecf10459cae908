import Foundation
import Primitives
import Testing

@testable import Engine

/// Whole worlds: clients, the engine's workers and backends, by seed.
///
/// `SEEDS=500 swift test --filter Simulation` runs more of them; `SEED=17 swift test --filter Simulation` runs one, and
/// `TRACE=1` beside it tells all that happened.
struct SimulationTests {
  static let seeds: [UInt64] = {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["SEED"].flatMap(UInt64.init) { return [seed] }
    let first = environment["FIRST"].flatMap(UInt64.init) ?? 1
    return Array(first..<first + (environment["SEEDS"].flatMap(UInt64.init) ?? 200))
  }()

  @Test(arguments: seeds)
  func aWorldKeepsItsLaws(_ seed: UInt64) {
    let violations = SimulationTests.run(Scenario(seed: seed))
    #expect(violations.isEmpty, "replay: SEED=\(seed) TRACE=1 swift test --filter SimulationTests")
  }

  /// Worlds that found bugs: a tunnel that lost what came after one side's end (6), an answer lost to a reset of our own
  /// (18, 164), a reset taken for the end of an answer (31), a refusal in the middle of an answer (41, 252), an upload
  /// that took longer than a response may (50), and a second attempt after half an answer (991).
  @Test(arguments: [6, 18, 31, 41, 50, 164, 252, 991] as [UInt64])
  func aWorldThatFoundABugStaysRight(_ seed: UInt64) {
    #expect(SimulationTests.run(Scenario(seed: seed, edition: 1)).isEmpty)
  }

  /// The same of the second edition: a reset shown as the end of a tunnel (3259), a cut answer shown as whole (3336),
  /// answers lost to a close that the client had not asked for, in a drain (3056, 208444) and out of it (412912), and a
  /// slow client that had ended its half given up at once (16984, 17777, 32672, 47956).
  @Test(arguments: [3056, 3259, 3336, 16_984, 17_777, 32_672, 47_956, 208_444, 412_912] as [UInt64])
  func aWorldOfTheSecondEditionThatFoundABugStaysRight(_ seed: UInt64) {
    #expect(SimulationTests.run(Scenario(seed: seed, edition: 2)).isEmpty)
  }

  /// The same of the fourth: a tenant held back for ever though it had given its slot back (500000030, 500000936), and
  /// bodies that went slowly but well cut as if they stood still (500000924, 500001326).
  @Test(arguments: [500_000_030, 500_000_924, 500_000_936, 500_001_326] as [UInt64])
  func aWorldOfTheFourthEditionThatFoundABugStaysRight(_ seed: UInt64) {
    #expect(SimulationTests.run(Scenario(seed: seed, edition: 4)).isEmpty)
  }

  /// Clients, classes of paths, quotas and bandwidth in worlds with aborts, reloads and drains.
  @Test(arguments: seeds.prefix(60))
  func aWorldWithPoliciesKeepsItsLaws(_ seed: UInt64) {
    var scenario = Scenario(seed: seed)
    scenario.hasPolicies = true
    #expect(SimulationTests.run(scenario).isEmpty, "replay: SEED=\(seed) TRACE=1 swift test --filter WithPolicies")
  }

  /// Where there are rates and nothing else happens, the levels refuse as they should.
  @Test func policiesRefuseAndAdmit() {
    var (refused, admitted) = (0, 0)
    for seed in (1...60 as ClosedRange<UInt64>) where Scenario(seed: seed).climate == .limited {
      var scenario = Scenario(seed: seed)
      scenario.hasPolicies = true
      let (violations, trace) = SimulationTests.trace(scenario)
      #expect(violations.isEmpty, "seed \(seed)")
      refused += trace.count { $0.contains("rate_limited") }
      admitted += trace.count { $0.contains("answered") }
    }
    #expect(refused > 20)
    #expect(admitted > 100)
  }

  @Test func aResetToldToASendIsNotAnEnd() {
    for seed in 1...20 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.resetsUnderUploads(seed: seed)).isEmpty, "seed \(seed)")
    }
  }

  @Test func longBodiesPassInBoundedMemory() {
    for seed in 1...4 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.longBodies(seed: seed, isTransparent: false)).isEmpty, "seed \(seed)")
    }
  }

  /// A reload began the rest of a backend that was down anew, so that quick ones kept it out for ever.
  @Test func reloadsDoNotKeepABackendOut() {
    for seed in 1...4 as ClosedRange<UInt64> {
      let simulation = Simulation(Scenario.reloadedWithoutEnd(seed: seed), tellsFinished: true)
      #expect(simulation.run(EnginePlant(simulation)).isEmpty, "seed \(seed)")
      let served = simulation.stage.plans.map(\.isAnsweredWhole)
      #expect(!served[..<16].contains(true), "seed \(seed)")
      #expect(!served[100...].contains(false), "seed \(seed)")
    }
  }

  /// A listener that went with a reload was still asked for the client that had come to it: the process ended.
  @Test func listenersComeAndGoUnderTheirClients() {
    for seed in 1...8 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.comingAndGoing(seed: seed)).isEmpty, "seed \(seed)")
    }
  }

  /// A client that was slow to take the end of such an answer was closed as if it had all of it.
  @Test func anAnswerThatIsCutDoesNotLookWhole() {
    for seed in 1...20 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.slowAtDrain(seed: seed)).isEmpty, "seed \(seed)")
    }
  }

  /// A reset that a send was told of passed through a tunnel as an end.
  @Test func aTunnelThatBreaksDoesNotLookEnded() {
    for seed in 1...40 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.brokenTunnels(seed: seed)).isEmpty, "seed \(seed)")
    }
  }

  /// A client whose request had come, and was not told yet, was closed with it.
  @Test func whatHasComeWhenADrainBeginsIsServed() {
    for seed in 1...40 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.askingAtDrain(seed: seed)).isEmpty, "seed \(seed)")
    }
  }

  /// Something that should be gone with its world.
  private struct Trace {
    weak var object: AnyObject?
  }

  /// What a world was made of goes with it, whatever was under way.
  @Test func aWorldLeavesNothingBehind() {
    for seed in 1...8 as ClosedRange<UInt64> {
      var traces: [Trace] = []
      do {
        let simulation = Simulation(Scenario(seed: seed), tellsFinished: true)
        let objects: [AnyObject] = [simulation, simulation.world, simulation.stage] + simulation.stage.plans
        traces = objects.map { Trace(object: $0) }
        let plant = EnginePlant(simulation)
        for moment in 1...20 as ClosedRange<Int64> {
          simulation.world.after(moment * 200 * .millisecond) { [unowned simulation] in
            let parts: [AnyObject] = simulation.world.links + simulation.clients + simulation.streamClients
            let scripts = simulation.world.links.compactMap { $0.script as AnyObject? }
            traces += (parts + scripts + simulation.world.networks).map { Trace(object: $0) }
          }
        }
        _ = simulation.run(plant)
      }
      #expect(traces.count > 100 && traces.allSatisfy { $0.object == nil }, "seed \(seed)")
    }
  }

  @Test func aSeedReplaysToTheByte() {
    for seed in 3...6 as ClosedRange<UInt64> {
      #expect(SimulationTests.fingerprint(Scenario(seed: seed)) == SimulationTests.fingerprint(Scenario(seed: seed)))
      #expect(
        SimulationTests.fingerprint(Scenario(seed: seed)) != SimulationTests.fingerprint(Scenario(seed: seed + 4)))
    }
  }

  /// A hash of all that happened in a world.
  static func fingerprint(_ scenario: Scenario) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for line in trace(scenario).trace {
      for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    return hash
  }

  /// Runs a world; returns what was found wrong.
  static func run(_ scenario: Scenario) -> [String] {
    guard ProcessInfo.processInfo.environment["TRACE"] != nil else {
      let simulation = Simulation(scenario, tellsFinished: true)
      return simulation.run(EnginePlant(simulation))
    }
    let (violations, trace) = trace(scenario)
    for line in trace { print(line) }
    return violations
  }

  /// Runs a world and tells all that happened.
  static func trace(_ scenario: Scenario, flaw: Flaw? = nil) -> (violations: [String], trace: [String]) {
    let simulation = Simulation(scenario, tellsFinished: true)
    simulation.world.trace = []
    let violations = simulation.run(EnginePlant(simulation, flaw: flaw))
    return (violations, simulation.world.trace ?? [])
  }
}
