import Primitives
import Testing

@testable import Engine

/// The engine is broken on purpose, and each checker is seen to find what it is for.
struct MutationTests {
  @Test(arguments: Flaw.allCases)
  func eachFlawOfTheEngineIsFound(_ flaw: Flaw) {
    for seed in 1...60 as ClosedRange<UInt64> {
      let scenario = flaw.scenario(seed)
      let simulation = Simulation(scenario, tellsFinished: true)
      let violations = simulation.run(EnginePlant(simulation, flaw: flaw))
      guard violations.contains(where: { $0.contains(flaw.finding) }) else { continue }
      // The flaw it is, and not the world.
      #expect(SimulationTests.run(scenario).isEmpty, "seed \(seed)")
      return
    }
    Issue.record("\(flaw) was never found")
  }
}
