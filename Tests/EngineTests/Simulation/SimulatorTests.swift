import Primitives
import Testing

@testable import Engine

/// The simulator is proved on a plant that is simple enough to be seen right, and wrong in ways that must be found.
struct SimulatorTests {
  private func run(
    _ seed: UInt64, _ flaw: Forwarder.Flaw, isLong: Bool = false
  ) -> (violations: [String], trace: [String]) {
    let scenario =
      isLong
      ? Scenario.longBodies(seed: seed, isTransparent: true) : Scenario(seed: seed, isTransparent: true, edition: 1)
    // The forwarder holds at most 170 kB each way.
    let simulation = Simulation(scenario, tellsFinished: false, heldBound: 200_000, isTransparent: true)
    simulation.world.trace = []
    simulation.world.servers[0] = simulation.origins[0][0]
    let plant = Forwarder(simulation.world, backend: 0, flaw: flaw)
    return (simulation.run(plant), simulation.world.trace ?? [])
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func aRightForwarderIsFoundRight(_ seed: UInt64) {
    let result = run(seed, .none)
    #expect(result.violations.isEmpty, "seed \(seed)")
  }

  @Test(arguments: Forwarder.Flaw.allCases.filter { $0 != .none && $0 != .hoards })
  func eachFlawIsFound(_ flaw: Forwarder.Flaw) {
    let found = (1...60 as ClosedRange<UInt64>).contains { !run($0, flaw).violations.isEmpty }
    #expect(found, "\(flaw)")
  }

  @Test func hoardingIsFound() {
    #expect(run(1, .none, isLong: true).violations.isEmpty)
    #expect(run(1, .hoards, isLong: true).violations.contains { $0.contains("holds") })
  }

  @Test func aSeedReplaysExactly() {
    #expect(run(5, .none).trace == run(5, .none).trace)
    #expect(run(5, .none).trace != run(6, .none).trace)
  }
}
