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
