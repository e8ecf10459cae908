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
    return Array(first..<first + (environment["SEEDS"].flatMap(UInt64.init) ?? 60))
  }()

  @Test(arguments: seeds)
  func aWorldKeepsItsLaws(_ seed: UInt64) {
    let violations = SimulationTests.run(Scenario(seed: seed))
    #expect(violations.isEmpty, "replay: SEED=\(seed) TRACE=1 swift test --filter SimulationTests")
  }

  @Test func longBodiesPassInBoundedMemory() {
    for seed in 1...4 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(Scenario.longBodies(seed: seed, isTransparent: false)).isEmpty, "seed \(seed)")
    }
  }

  static func run(_ scenario: Scenario) -> [String] {
    let simulation = Simulation(scenario, tellsFinished: true)
    let plant = EnginePlant(simulation)
    if ProcessInfo.processInfo.environment["TRACE"] != nil { simulation.world.trace = [] }
    let violations = simulation.run(plant)
    for line in simulation.world.trace ?? [] { print(line) }
    return violations
  }
}
