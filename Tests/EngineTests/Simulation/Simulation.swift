import Primitives

@testable import Engine

/// What is under test: workers that share a process.
protocol Plant: AnyObject {
  /// Lets worker `index` take one turn of its loop.
  func turn(_ index: Int)
  /// Tells the checkers what only the plant knows; called after each turn.
  func tell(_ stage: Stage)
  /// Takes the same configuration anew.
  func reload()
  /// What is left.
  func remains() -> Remains
  /// Whether the plant tells of exchanges that finished.
  var tellsFinished: Bool { get }
}

/// One run of one world.
final class Simulation {
  let scenario: Scenario
  let world: World
  let stage: Stage
  private(set) var origins: [[Origin]] = []
  private(set) var clients: [Client] = []
  private var taps: [Int: UpstreamTap] = [:]
  private(set) var turns = 0

  /// A world in which an exchange may hold at most `heldBound` bytes.
  init(_ scenario: Scenario, tellsFinished: Bool, heldBound: Int = 2 << 20, isTransparent: Bool = false) {
    self.scenario = scenario
    world = World(seed: scenario.seed, climate: scenario.climate)
    var verdicts = Verdicts(climate: scenario.climate, standings: scenario.tenants.map(\.standing))
    verdicts.bodyBound = scenario.bodyBound
    verdicts.hasStaleConnections = scenario.staleness > 0
    let court = Court(checkers: [
      ExactlyOnce(countsFinished: tellsFinished), TenantWall(names: scenario.tenants.map(\.name)),
      RateBound(scenario.tenants.map(\.bucket), start: world.now), ConcurrencyBound(), RetryRule(),
      BufferBound(bound: heldBound), NothingLeft(), NoFalseEnd(),
    ])
    stage = Stage(
      world: world, tenants: scenario.tenants.map(\.name), hosts: scenario.tenants.map(\.host), verdicts: verdicts,
      court: court, isTransparent: isTransparent)
    stage.plans = scenario.plans
    world.tap = { [unowned self] in tap($0, $1) }
    for (shard, count) in scenario.shards.enumerated() {
      origins.append((0..<count).map { _ in Origin(stage, shard: "shard-\(shard)") })
      for origin in origins[shard] { origin.staleness = scenario.staleness }
    }
  }

  static func endpoint(_ shard: Int, _ place: Int) -> Endpoint {
    .tcp(IPAddress(v4: 0x0A01_0000 + UInt32(shard * 256 + place)), port: 9_000)
  }

  // MARK: The run

  /// Runs the world to its rest; returns what the checkers found.
  func run(_ plant: some Plant) -> [String] {
    for plan in stage.plans { world.note(plan.summary) }
    open()
    planReloads(plant)
    var isAtRest = false
    var stillTurns = 0
    var stillSince = world.now
    var restAt = Instant.distantFuture
    while !isAtRest {
      world.happen()
      if let index = nextWorker() {
        world.pass(Int64(world.random.below(20_000)))
        plant.turn(index)
        plant.tell(stage)
        turns += 1
        stillTurns += 1
        if stillTurns > 200_000 {
          stage.report("workers spin: \(stillTurns) turns in \((world.now - stillSince) / .millisecond) ms")
          break
        }
      } else {
        let before = world.now
        let deadline = world.networks.map(\.deadline).min() ?? .distantFuture
        isAtRest = !world.advance(noLaterThan: min(deadline, restAt)) || world.now >= restAt
        if world.now - before > 0 {
          stillTurns = 0
          stillSince = world.now
        }
        if restAt == .distantFuture, clients.allSatisfy(\.isDone) {
          calm()
          restAt = world.now.advanced(by: 700 * .second)
        }
      }
      if stage.court.violations.count >= 20 { break }
    }
    if isAtRest { stage.note(.atRest(plant.remains())) }
    for plan in stage.plans where !plan.isFinished { stage.report("request \(plan.number) came to no end") }
    world.end()
    return stage.court.violations
  }

  private func nextWorker() -> Int? {
    let able = world.networks.indices.filter {
      let network = world.networks[$0]
      return network.hasNews || !network.isSettled || network.deadline <= world.now
    }
    return able.isEmpty ? nil : able[world.random.below(able.count)]
  }

  private func open() {
    for (numbers, manners) in scenario.clients {
      world.note("client of requests \(numbers): \(manners)")
      let client = Client(stage, numbers.map { stage.plans[$0] }, manners)
      clients.append(client)
      world.after(Int64(world.random.below(2_000)) * .millisecond) { client.start() }
    }
    if scenario.climate == .rough { planTrouble() }
  }

  // MARK: Trouble

  /// Moods of backends, times without descriptors, and clocks that jump.
  private func planTrouble() {
    for shard in origins {
      for origin in shard where world.random.chance(60) {
        for _ in 0..<1 + world.random.below(4) {
          let at = Int64(world.random.below(8_000)) * .millisecond
          let mood = world.random.pick([Origin.Mood.refusing, .refusing, .silent, .refusingAtOnce])
          world.after(at) { origin.mood = mood }
          world.after(at + Int64(world.random.below(4_000)) * .millisecond) { origin.mood = .up }
        }
      }
    }
    for _ in 0..<world.random.below(3) {
      let at = Int64(world.random.below(6_000)) * .millisecond
      world.after(at) { [unowned self] in world.descriptorBound = world.openCount }
      world.after(at + Int64(world.random.below(2_000)) * .millisecond) { [unowned self] in
        world.descriptorBound = world.weather.descriptors
      }
    }
    for _ in 0..<world.random.below(3) {
      let jump = (Int64(world.random.below(20_000)) - 10_000) * .second
      world.after(Int64(world.random.below(9_000)) * .millisecond) { [unowned self] in world.wallOffset += jump }
    }
  }

  /// Ends all trouble, so that what remains is the plant's doing.
  private func calm() {
    for shard in origins { for origin in shard { origin.mood = .up } }
    world.descriptorBound = 100_000
  }

  /// Reloads, some of them close together.
  private func planReloads(_ plant: some Plant) {
    guard world.random.chance(30) else { return }
    for _ in 0..<1 + world.random.below(5) {
      world.after(Int64(world.random.below(5_000)) * .millisecond) { [unowned plant] in plant.reload() }
    }
  }

  // MARK: The seam

  private func tap(_ link: Link, _ what: World.Tapped) {
    if link.isFromClient { return tapClient(link, what) }
    if taps[link.number] == nil { taps[link.number] = UpstreamTap() }
    switch what {
    case .sent(let bytes): taps[link.number]!.send(bytes, link, stage)
    case .received: taps[link.number]!.receive(link, stage)
    case .closed:
      taps[link.number]!.close(link, stage)
      taps[link.number] = nil
    }
  }

  private func tapClient(_ link: Link, _ what: World.Tapped) {}
}

/// What is seen of one connection to a backend at the seam.
struct UpstreamTap {
  private var reader = MessageReader(responses: false)
  private var plan: RequestPlan?
  private var hasBegun = false
  private var isRaw = false
  private var base = (sent: 0, received: 0, clientSent: 0, clientReceived: 0)
  private var firstLine: [UInt8] = []

  mutating func send(_ bytes: [UInt8], _ link: Link, _ stage: Stage) {
    guard !isRaw else { return }
    reader.feed(bytes)
    if firstLine.count < 64, !firstLine.contains(13) { firstLine += bytes.prefix(64) }
    while let item = reader.next() {
      switch item {
      case .head(let head): begin(head, link, stage)
      case .bad(let reason):
        stage.report("connection \(link.number) to a backend was sent \(reason)")
        isRaw = true
      case .body: break
      case .end: if plan?.wantsUpgrade == true { isRaw = true } else { firstLine = [] }
      }
    }
    hold(link, stage)
  }

  private mutating func begin(_ head: Head, _ link: Link, _ stage: Stage) {
    guard let number = RequestPlan.number(in: head.target), stage.plans.indices.contains(number) else {
      plan = nil
      return
    }
    let plan = stage.plans[number]
    self.plan = plan
    hasBegun = false
    base = (link.sentCount, link.receivedCount, plan.clientLink?.sentCount ?? 0, plan.clientLink?.receivedCount ?? 0)
    stage.note(.attempted(request: number, isSafe: plan.isSafe, link: link.number))
  }

  mutating func receive(_ link: Link, _ stage: Stage) {
    guard let plan else { return }
    if !hasBegun {
      hasBegun = true
      stage.note(.answerBegan(request: plan.number, link: link.number))
    }
    hold(link, stage)
  }

  private func hold(_ link: Link, _ stage: Stage) {
    guard let plan, let client = plan.clientLink else { return }
    let down = (link.receivedCount - base.received) - (client.sentCount - base.clientSent)
    let up = (client.receivedCount - base.clientReceived) - (link.sentCount - base.sent)
    if max(down, up) > 65_536 { stage.note(.held(request: plan.number, bytes: max(down, up))) }
  }

  /// A request that was begun and never came to its head's end is an attempt as well.
  func close(_ link: Link, _ stage: Stage) {
    guard !isRaw, reader.isAmid, !reader.isInBody else { return }
    let words = String(decoding: firstLine.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ")
    guard words.count >= 3, let number = RequestPlan.number(in: String(words[1])), stage.plans.indices.contains(number)
    else { return }
    stage.note(.attempted(request: number, isSafe: stage.plans[number].isSafe, link: link.number))
  }
}
