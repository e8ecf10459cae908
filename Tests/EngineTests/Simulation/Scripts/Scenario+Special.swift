import Primitives

/// Worlds made for one thing.
extension Scenario {
  /// Backends that answer uploads early, until they close, and reset in the middle of it: the error may be told to a
  /// send, and the receive after it then tells of an end that was none.
  static func resetsUnderUploads(seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed &* 4 &+ 2, edition: 1)
    var random = SeededRandom(seed: seed)
    scenario.tenants = [Tenant(name: "tenant-0", host: "t0.example", standing: .active, home: 0)]
    scenario.bodyBound = 0
    scenario.plans = (0..<6).map { number in
      let plan = RequestPlan(number: number, tenant: 0)
      plan.method = "POST"
      plan.requestFraming = .length
      plan.requestSize = 20_000 + random.below(400_000)
      plan.readPiece = 2_000
      plan.readRest = .millisecond
      plan.answersEarly = true
      plan.responseFraming = .untilClose
      plan.responseSize = 2_000 + random.below(60_000)
      plan.keepsConnection = false
      plan.thinks = Int64(random.below(5)) * .millisecond
      plan.faults = [.breaksOff(at: random.below(plan.responseSize), resetting: true)]
      return plan
    }
    scenario.clients = (0..<6).map { ([$0], Client.Manners()) }
    return scenario
  }

  /// One client that reads one long answer slowly, and sends one long request that is read as slowly as it goes.
  static func longBodies(seed: UInt64, isTransparent: Bool) -> Scenario {
    var scenario = Scenario(seed: seed &* 4, isTransparent: isTransparent, edition: 1)
    scenario.tenants = [Tenant(name: "tenant-0", host: "t0.example", standing: .active, home: 0)]
    let download = RequestPlan(number: 0, tenant: 0)
    download.responseSize = 6_000_000
    let upload = RequestPlan(number: 1, tenant: 0)
    upload.method = "PUT"
    upload.requestFraming = .length
    upload.requestSize = 6_000_000
    upload.readPiece = 3_000
    upload.readRest = .millisecond
    scenario.plans = [download, upload]
    var manners = Client.Manners()
    manners.readPiece = 3_000
    manners.readRest = .millisecond
    scenario.clients = [([0, 1], manners)]
    return scenario
  }
}

/// Worlds in which one thing is sure to happen.
extension Scenario {
  /// One in which the configuration changes while much is under way.
  static func reloaded(seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed, edition: 2)
    scenario.drain = nil
    scenario.listeners = 2
    scenario.reloads = []
    var configuration = scenario.configuration
    for number in 0..<12 {
      for _ in 0..<3 { configuration.change(&scenario.random, allowsLimits: false) }
      scenario.reloads.append(Reload(at: Int64(200 + 250 * number) * .millisecond, configuration: configuration))
    }
    return scenario
  }

  /// One whose shards have a slot or two, and many clients.
  static func saturated(seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed &* 4, edition: 3)
    scenario.drain = nil
    scenario.reloads = []
    scenario.slots = scenario.shards.map { _ in 1 + scenario.random.below(2) }
    return scenario
  }

  /// One that is drained while much is under way.
  static func drained(seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed &* 4, edition: 2)
    scenario.reloads = []
    scenario.drain = Drain(at: Int64(200 + scenario.random.below(2_500)) * .millisecond, time: 30 * .second)
    return scenario
  }

  /// Many clients come while a listener comes and goes, and one request each is under way when a drain begins.
  static func comingAndGoing(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 200)
    scenario.listeners = 2
    for number in scenario.plans.indices {
      var manners = Client.Manners()
      manners.listener = number % 2
      manners.comesAt = Int64(number) * 200 * .microsecond
      scenario.clients.append(([number], manners))
    }
    for number in 0..<40 {
      var configuration = scenario.configuration
      configuration.listeners = 1 + number % 2
      scenario.reloads.append(Reload(at: Int64(number) * .millisecond, configuration: configuration))
    }
    return scenario
  }

  /// Clients that keep their connections and ask again and again, until a drain begins in the middle of it.
  static func askingAtDrain(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 200)
    for client in 0..<20 {
      var manners = Client.Manners()
      manners.comesAt = Int64(client) * 50 * .microsecond
      scenario.clients.append((Array(client * 10..<client * 10 + 10), manners))
    }
    scenario.drain = Drain(at: Int64(500 + scenario.random.below(4_000)) * .microsecond, time: 30 * .second)
    return scenario
  }

  /// A backend is away for a while, reloads come quicker than it is tried again, and somebody asks all the time.
  static func reloadedWithoutEnd(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 240, climate: .rough, edition: 2)
    let mood = Trouble.Kind.mood(shard: 0, place: 0, .refusing)
    scenario.troubles = [Trouble(at: 0, lasts: 5 * .second, kind: mood)]
    for number in scenario.plans.indices {
      var manners = Client.Manners()
      manners.comesAt = Int64(number) * 250 * .millisecond
      scenario.clients.append(([number], manners))
      guard number % 8 == 6 else { continue }
      scenario.reloads.append(Reload(at: manners.comesAt!, configuration: scenario.configuration))
    }
    return scenario
  }

  /// Slow clients of HTTP/1.0 whose answers last until the connection closes, and a drain that waits for none of them.
  static func slowAtDrain(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 12)
    for plan in scenario.plans {
      plan.minorVersion = 0
      plan.responseFraming = .chunked
      plan.responseSize = 3_000 * (1 + plan.number)
      var manners = Client.Manners()
      manners.comesAt = 0
      manners.readPiece = 700
      manners.readRest = 20 * .millisecond
      scenario.clients.append(([plan.number], manners))
    }
    scenario.drain = Drain(at: Int64(100 + scenario.random.below(400)) * .millisecond, time: .millisecond)
    return scenario
  }

  /// Tunnels whose connections break now and then.
  static func brokenTunnels(seed: UInt64) -> Scenario {
    var scenario = Scenario.empty(seed: seed, requests: 8, climate: .rough, edition: 2)
    for plan in scenario.plans {
      plan.wantsUpgrade = true
      plan.status = 101
      plan.requestSize = 90_000
      plan.tunnelCut = 60_000
      var manners = Client.Manners()
      manners.comesAt = 0
      scenario.clients.append(([plan.number], manners))
    }
    for _ in 0..<8 {
      let at = Int64(scenario.random.below(400)) * .millisecond
      scenario.troubles.append(Trouble(at: at, lasts: 0, kind: .reset(scenario.random.below(1_000))))
    }
    return scenario
  }

  /// A world of one tenant, one backend and one worker, without clients.
  static func empty(seed: UInt64, requests: Int, climate: Climate = .calm, edition: Int = 1) -> Scenario {
    var scenario = Scenario(seed: seed &* 4 &+ UInt64(climate.rawValue), edition: edition)
    scenario.workers = 1
    scenario.troubles = []
    scenario.reloads = []
    scenario.drain = nil
    scenario.staleness = 0
    scenario.isSticky = false
    scenario.hasHealthChecks = false
    scenario.tenants = [Tenant(name: "tenant-0", host: "t0.example", standing: .active, home: 0)]
    scenario.shards = [1]
    scenario.clients = []
    scenario.bodyBound = 0
    scenario.plans = (0..<requests).map { RequestPlan(number: $0, tenant: 0) }
    return scenario
  }

  /// Requests that no backend ever answers, and that may be sent again.
  static func unansweredForEver(seed: UInt64) -> Scenario {
    var scenario = Scenario(seed: seed &* 4 &+ 2, edition: 1)
    scenario.tenants = [Tenant(name: "tenant-0", host: "t0.example", standing: .active, home: 0)]
    scenario.shards = [4]
    let plan = RequestPlan(number: 0, tenant: 0)
    plan.faults = Array(repeating: .closesUnanswered(resetting: true), count: 12)
    scenario.plans = [plan]
    scenario.clients = [([0], Client.Manners())]
    return scenario
  }
}
