import Foundation
import Primitives
import Testing

@testable import Engine

/// Any split of the same input gives the same exchanges: the same decisions, and the same bytes to backends and clients.
struct FragmentationTests {
  private func transcript(_ scenario: Scenario) -> Transcript {
    let simulation = Simulation(scenario, tellsFinished: true)
    simulation.stage.transcript = Transcript()
    let violations = simulation.run(EnginePlant(simulation))
    #expect(violations.isEmpty, "seed \(scenario.seed), \(String(describing: scenario.splits))")
    return simulation.stage.transcript!
  }

  private func expect(_ scenario: Scenario, toGive whole: Transcript) {
    let difference = transcript(scenario).difference(from: whole)
    #expect(
      difference == nil, "seed \(scenario.seed), dice \(scenario.worldSeed), \(String(describing: scenario.splits))")
  }

  /// A calm world in which nothing depends on when something comes.
  private func timeless(_ seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed &* 4)
    scenario.drain = nil
    scenario.reloads = []
    scenario.moves = []
    scenario.troubles = []
    scenario.isSticky = false
    scenario.hasHealthChecks = false
    scenario.bodyBound = 0
    scenario.streamBound = 128
    scenario.shards = scenario.shards.map { _ in 1 }
    for plan in scenario.plans {
      plan.answersEarly = false
      if plan.clientFault != .halfCloses { plan.clientFault = .none }
      // Who is refused may go on with its connection only if all of its body is there.
      if scenario.tenants[plan.tenant].standing != .active { plan.requestFraming = .none }
      if plan.requestFraming == .none, !plan.wantsUpgrade { plan.requestSize = 0 }
      if plan.requestFraming != .chunked { plan.requestHasTrailers = false }
      if plan.requestSize == 0 { plan.expectsContinue = false }
      // Which streams are behind a GOAWAY is a question of time.
      if scenario.framedShards.contains(true) {
        plan.keepsConnection = true
        if plan.responseFraming == .untilClose { plan.responseFraming = .chunked }
      }
    }
    return scenario
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func worldsAreTheSameHoweverTheyAreSplit(_ seed: UInt64) {
    let whole = transcript(timeless(seed).changed { $0.splits = Splits.none })
    #expect(!whole.lines.isEmpty)
    expect(timeless(seed).changed { $0.splits = .bytes }, toGive: whole)
    for dice in 1...2 as ClosedRange<UInt64> {
      expect(timeless(seed).changed { $0.worldSeed = dice &* 7_919 &+ seed }, toGive: whole)
    }
  }

  /// Requests of every kind behind each other on one connection.
  private func conversation(_ malformation: Malformation?) -> Scenario {
    var scenario = Scenario.empty(seed: 9, requests: 7)
    let plans = scenario.plans
    plans[0].responseSize = 30
    (plans[1].method, plans[1].requestFraming, plans[1].requestSize) = ("POST", .length, 25)
    (plans[1].responseFraming, plans[1].responseSize) = (.chunked, 40)
    (plans[2].method, plans[2].requestFraming, plans[2].requestSize) = ("PUT", .chunked, 45)
    (plans[2].requestHasTrailers, plans[2].responseFraming, plans[2].responseHasTrailers) = (true, .chunked, true)
    plans[2].responseSize = 33
    (plans[3].method, plans[3].interim, plans[3].responseSize) = ("HEAD", 2, 12)
    (plans[4].status, plans[5].status) = (204, 304)
    plans[6].malformation = malformation
    (plans[6].responseSize, plans[6].responseFraming, plans[6].keepsConnection) = (21, .untilClose, false)
    var manners = Client.Manners()
    (manners.depth, manners.comesAt) = (7, 0)
    scenario.clients = [(Array(0..<7), manners)]
    return scenario
  }

  @Test(arguments: [nil] + Malformation.allCases.map(Optional.some))
  func aConversationIsTheSameWhereverItIsCut(_ malformation: Malformation?) {
    let scenario = conversation(malformation)
    let whole = transcript(scenario.changed { $0.splits = Splits.none })
    #expect(whole.lines.count == 7)
    // Every place in a soak, every seventh of them otherwise; behind a malformed end only that end.
    let isThorough = ProcessInfo.processInfo.environment["SOAK"] != nil
    let places = stride(from: malformation == nil ? 1 : 620, to: 850, by: isThorough ? 1 : 7)
    for place in places {
      expect(scenario.changed { $0.splits = .clientsBefore(place) }, toGive: whole)
      guard malformation == nil else { continue }
      expect(scenario.changed { $0.splits = .backendsBefore(place) }, toGive: whole)
    }
  }

  /// The same on streams, all of them at once.
  @Test(arguments: [(true, false), (false, true), (true, true)])
  func streamsAreTheSameWhereverTheyAreCut(_ clients: Bool, _ shards: Bool) {
    let scenario = conversation(nil).changed {
      $0.hasStreams = true
      $0.framedShards = [shards]
      $0.clients[0].manners.isFramed = clients
      $0.clients[0].manners.streams = 7
    }
    let whole = transcript(scenario.changed { $0.splits = Splits.none })
    #expect(whole.lines.count == 7)
    expect(scenario.changed { $0.splits = .bytes }, toGive: whole)
    let isThorough = ProcessInfo.processInfo.environment["SOAK"] != nil
    for place in stride(from: 1, to: 900, by: isThorough ? 1 : 23) {
      if clients { expect(scenario.changed { $0.splits = .clientsBefore(place) }, toGive: whole) }
      if shards { expect(scenario.changed { $0.splits = .backendsBefore(place) }, toGive: whole) }
    }
  }
}
