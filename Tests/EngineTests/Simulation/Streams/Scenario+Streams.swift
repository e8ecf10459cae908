import Primitives

/// HTTP/2 in a world: who speaks it, and how. All of it is drawn from a source of its own, so that what worlds of earlier
/// editions are stays as it was.
extension Scenario {
  mutating func makeStreams() {
    var random = SeededRandom(seed: seed ^ 0x4854_5450_2F32)
    hasStreams = true
    framedShards = shards.map { _ in random.chance(50) }
    originWindow = random.pick([nil, nil, 1 + random.below(3_000), 20_000])
    streamBound = random.pick([128, 128, 4])
    for client in clients.indices where random.chance(55) { makeFramed(client, &random) }
    changeReloads(&random)
    guard framedShards.contains(true) || reloads.contains(where: { $0.configuration.framed.contains(true) }) else {
      return
    }
    // A tunnel needs a shard that speaks HTTP/1.1.
    for plan in plans where plan.wantsUpgrade { makePlain(plan, &random) }
  }

  /// Has a client speak HTTP/2.
  mutating func makeFramed(_ client: Int, _ random: inout SeededRandom) {
    clients[client].manners.isFramed = true
    clients[client].manners.streams = random.pick([1, 2, 5, 20])
    clients[client].manners.window = random.pick([nil, nil, nil, 1 + random.below(4_000), 16_000])
    if random.chance(30) { clients[client].manners.windowRest = Int64(1 + random.below(3)) * .millisecond }
    clients[client].manners.framePiece = random.pick([16_384, 16_384, 1 + random.below(300)])
    clients[client].manners.abortsWhole = random.chance(30)
    for number in clients[client].plans {
      let plan = plans[number]
      if plan.wantsUpgrade { makePlain(plan, &random) }
      plan.minorVersion = 1
      if plan.clientFault == .halfCloses { plan.clientFault = .none }
    }
  }

  /// Makes a request that wants a tunnel one like others.
  private func makePlain(_ plan: RequestPlan, _ random: inout SeededRandom) {
    plan.wantsUpgrade = false
    plan.status = 200
    plan.requestSize = 0
    plan.tunnelCut = -1
    plan.responseSize = random.below(20_000)
    plan.faults.removeAll { $0 == .extraBytes }
  }

  /// Lets shards change their protocol, disappear and come back.
  private mutating func changeReloads(_ random: inout SeededRandom) {
    var framed = framedShards
    var isGone = shards.map { _ in false }
    var homes = tenants.map(\.home)
    var moves = tenants.map { _ in UInt64(0) }
    for reload in reloads.indices {
      if random.chance(25) { framed[random.below(framed.count)].toggle() }
      if random.chance(40) { isGone[random.below(isGone.count)].toggle() }
      if !isGone.contains(false) { isGone[random.below(isGone.count)] = false }
      reloads[reload].configuration.framed = framed
      reloads[reload].configuration.isGone = isGone
      for number in tenants.indices {
        // Whoever lived on a shard that goes lives elsewhere until it is back; each move has an epoch of its own.
        var home = reloads[reload].configuration.tenants[number].home
        if let old = home, isGone[old] { home = isGone.firstIndex(of: false) }
        if home != homes[number] { moves[number] += 1 }
        homes[number] = home
        reloads[reload].configuration.tenants[number].home = home
        reloads[reload].configuration.tenants[number].epoch += moves[number]
      }
    }
  }

  /// One in which everybody speaks HTTP/2, with small windows.
  static func streams(seed: UInt64, climate: Climate = .calm) -> Scenario {
    var scenario = Scenario(seed: seed &* 4 &+ UInt64(climate.rawValue), edition: 2)
    var random = SeededRandom(seed: seed)
    scenario.hasStreams = true
    scenario.reloads = []
    scenario.drain = nil
    scenario.framedShards = scenario.shards.map { _ in true }
    scenario.originWindow = 700
    for client in scenario.clients.indices {
      scenario.makeFramed(client, &random)
      scenario.clients[client].manners.streams = 5
      scenario.clients[client].manners.window = 500
    }
    return scenario
  }

  /// Slow clients of either version, whose backends end their connections with the answers they have sent.
  static func leavingBackends(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 8, edition: 2)
    scenario.hasStreams = true
    scenario.framedShards = [true]
    for plan in scenario.plans {
      plan.responseSize = 60_000
      plan.keepsConnection = false
      var manners = Client.Manners()
      manners.comesAt = 0
      manners.readPiece = 900
      manners.readRest = .millisecond
      manners.isFramed = plan.number % 2 == 0
      manners.window = 700
      scenario.clients.append(([plan.number], manners))
    }
    return scenario
  }

  /// Answers with trailers from streams to a client of HTTP/1.1 that goes on asking on its connection.
  static func trailersOfStreams(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 6, edition: 2)
    scenario.hasStreams = true
    scenario.framedShards = [true]
    for plan in scenario.plans {
      plan.responseFraming = .chunked
      plan.responseSize = 500 * plan.number
      plan.responseHasTrailers = true
    }
    scenario.clients = [(Array(scenario.plans.indices), Client.Manners())]
    return scenario
  }

  /// Answers on streams that are no answers: none may be asked for again.
  static func malformedStreams(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 8, climate: .faulty, edition: 2)
    scenario.hasStreams = true
    scenario.framedShards = [true]
    scenario.shards = [1]
    for plan in scenario.plans { plan.faults = Array(repeating: .malformed(plan.number), count: 3) }
    scenario.clients = [(Array(scenario.plans.indices), Client.Manners())]
    return scenario
  }
}
