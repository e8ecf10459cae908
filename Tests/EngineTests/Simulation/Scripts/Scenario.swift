import Primitives

/// Who takes part in a world and what they will do, all of it drawn from the world's seed.
struct Scenario {
  /// A tenant of a world.
  struct Tenant {
    var name: String
    var host: String
    var standing: Verdicts.Standing
    var bucket: RateBound.Bucket?
    var concurrency = 0
    /// The shard it lives on; `nil` when it is not listed.
    var home: Int?
    var epoch: UInt64 = 0
  }

  let seed: UInt64
  let climate: Climate
  var workers = 1
  var tenants: [Tenant] = []
  /// Backends of each shard.
  var shards: [Int] = []
  var clients: [(plans: [Int], manners: Client.Manners)] = []
  var plans: [RequestPlan] = []
  var bodyBound = 0
  var staleness = 0
  var hasHealthChecks = false
  var isSticky = false
  var random: SeededRandom

  init(seed: UInt64, isTransparent: Bool = false) {
    self.seed = seed
    random = SeededRandom(seed: seed ^ 0x5CE0_A210)
    climate = isTransparent ? .calm : Climate.allCases[Int(seed % 4)]
    workers = random.pick([1, 1, 2, 3])
    shards = (0..<1 + random.below(3)).map { _ in 1 + random.below(3) }
    if isTransparent { shards = [1] }
    staleness = climate == .calm || climate == .limited ? 0 : random.pick([0, 20, 80])
    hasHealthChecks = climate == .rough && random.chance(40)
    isSticky = random.chance(40)
    if random.chance(20), !isTransparent { bodyBound = 20_000 }
    for number in 0..<2 + random.below(5) { tenants.append(makeTenant(number, isTransparent)) }
    for _ in 0..<2 + random.below(9) { makeClient(isTransparent) }
  }

  /// One client that reads one long answer slowly, and sends one long request that is read as slowly as it goes.
  static func longBodies(seed: UInt64, isTransparent: Bool) -> Scenario {
    var scenario = Scenario(seed: seed &* 4, isTransparent: isTransparent)
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

  private mutating func makeTenant(_ number: Int, _ isTransparent: Bool) -> Tenant {
    var tenant = Tenant(name: "tenant-\(number)", host: "t\(number).example", standing: .active)
    tenant.home = random.chance(80) ? random.below(shards.count) : nil
    tenant.epoch = UInt64(random.below(9))
    if isTransparent || number == 0 { return tenant }
    switch random.below(10) {
    case 0: tenant.standing = .unknown
    case 1: tenant.standing = .suspended
    case 2, 3, 4, 5:
      guard climate == .limited || climate == .rough else { break }
      tenant.standing = .limited
      let period: Int64 = random.pick([.second, 60 * .second])
      tenant.bucket = .init(count: Int64(1 + random.below(30)), period: period, burst: Int64(1 + random.below(6)))
      if random.chance(40) { tenant.concurrency = 1 + random.below(3) }
    default: break
    }
    return tenant
  }

  private mutating func makeClient(_ isTransparent: Bool) {
    var manners = Client.Manners()
    manners.address = IPAddress(v4: 0x0A00_0001 + UInt32(clients.count))
    manners.depth = random.pick([1, 1, 2, 5])
    if isTransparent { manners.depth = 1 }
    manners.thinks = random.pick([0, 0, 3 * .millisecond, .second])
    if random.chance(15) {
      manners.sendPiece = 1 + random.below(600)
      manners.sendRest = Int64(1 + random.below(3)) * .millisecond
    }
    if random.chance(25) {
      manners.readPiece = 1 + random.below(20_000)
      manners.readRest = Int64(1 + random.below(4)) * .millisecond
    }
    manners.lingers = random.chance(30) && !isTransparent
    let tenant = random.below(tenants.count)
    var numbers: [Int] = []
    for _ in 0..<1 + random.below(8) {
      numbers.append(plans.count)
      // A client may ask for several tenants on one connection, as a proxy before us does.
      let whose = random.chance(10) && !isTransparent ? random.below(tenants.count) : tenant
      plans.append(makePlan(whose, isTransparent))
    }
    clients.append((numbers, manners))
  }

  private mutating func size() -> Int {
    switch random.below(20) {
    case 0...2: 0
    case 3...12: 1 + random.below(3_000)
    case 13...17: random.below(70_000)
    case 18: random.below(400_000)
    default: climate == .calm && random.chance(20) ? 3_000_000 : random.below(40_000)
    }
  }

  private mutating func makePlan(_ tenant: Int, _ isTransparent: Bool) -> RequestPlan {
    let plan = RequestPlan(number: plans.count, tenant: tenant)
    if random.chance(4), !isTransparent {
      plan.method = "POST"
      plan.malformation = random.pick(Malformation.allCases)
      plan.requestFraming = .chunked
      return plan
    }
    plan.method = random.pick(["GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
    if ["POST", "PUT", "PATCH"].contains(plan.method) {
      plan.requestFraming = random.chance(50) ? .length : .chunked
      plan.requestSize = size()
      plan.requestHasTrailers = plan.requestFraming == .chunked && random.chance(30)
      plan.expectsContinue = plan.requestSize > 0 && random.chance(20)
      plan.answersEarly = random.chance(10) && !isTransparent
    }
    if random.chance(12), plan.requestFraming != .chunked, !plan.expectsContinue { plan.minorVersion = 0 }
    if random.chance(8), plan.method == "GET", plan.minorVersion == 1, !isTransparent {
      plan.wantsUpgrade = true
      plan.status = 101
      plan.requestSize = random.below(60_000)
      if random.chance(40) { plan.tunnelCut = random.below(plan.requestSize + 1) }
    } else {
      makeAnswer(plan, isTransparent)
    }
    if climate == .faulty || climate == .rough { makeFaults(plan) }
    if isTransparent, random.chance(20), !plan.hasNoBody, plan.responseSize > 0 {
      plan.faults = [.breaksOff(at: random.below(plan.responseSize), resetting: true)]
    }
    if !isTransparent { makeClientFaults(plan) }
    return plan
  }

  private mutating func makeAnswer(_ plan: RequestPlan, _ isTransparent: Bool) {
    plan.status = random.pick([200, 200, 200, 200, 201, 204, 304, 404])
    plan.responseSize = size()
    plan.responseFraming = random.pick([.length, .length, .chunked, .chunked, .untilClose])
    if isTransparent, plan.minorVersion == 0 { plan.responseFraming = .length }
    plan.responseHasTrailers = plan.responseFraming == .chunked && random.chance(30)
    if plan.minorVersion == 1, random.chance(15) { plan.interim = 1 + random.below(3) }
    plan.keepsConnection = plan.responseFraming != .untilClose && (isTransparent || random.chance(85))
    plan.thinks = random.pick([0, 0, .millisecond, 20 * .millisecond, Int64(random.below(900)) * .millisecond])
    if random.chance(30) {
      plan.piece = 1 + random.below(9_000)
      plan.rest = Int64(random.below(3)) * .millisecond
    }
  }

  private mutating func makeFaults(_ plan: RequestPlan) {
    guard random.chance(35) else { return }
    let resetting = random.chance(50)
    switch random.below(8) {
    case 0, 1: plan.faults = Array(repeating: .closesUnanswered(resetting: resetting), count: 1 + random.below(2))
    case 2, 3:
      guard !plan.hasNoBody, !plan.wantsUpgrade, plan.responseSize > 0 else { return }
      let isSilentEnd = plan.responseFraming == .untilClose
      plan.faults = [.breaksOff(at: random.below(plan.responseSize), resetting: resetting || isSilentEnd)]
    case 4: plan.faults = [.silence]
    case 5: plan.faults = [.malformed(random.below(100))]
    case 6:
      guard plan.keepsConnection, !plan.wantsUpgrade else { return }
      // They must come with the answer: later ones can't be told from the next answer by anybody.
      plan.faults = [.extraBytes]
      plan.responseSize = min(plan.responseSize, 150)
      plan.interim = 0
      plan.piece = 1 << 20
      plan.rest = 0
    default:
      if !plan.wantsUpgrade { plan.faults = [.unaskedSwitch] }
    }
  }

  private mutating func makeClientFaults(_ plan: RequestPlan) {
    guard random.chance(12), plan.minorVersion == 1 else { return }
    let resetting = random.chance(50)
    switch random.below(4) {
    case 0:
      plan.clientFault = .abortsSending(at: 1 + random.below(80 + plan.requestSize), resetting: resetting)
    case 1:
      guard !plan.hasNoBody, plan.responseSize > 0, !plan.wantsUpgrade else { return }
      plan.clientFault = .abortsReceiving(at: 1 + random.below(plan.responseSize), resetting: resetting)
    case 2: plan.clientFault = .abortsAfter(Int64(random.below(1_500)) * .millisecond, resetting: resetting)
    default:
      if !plan.wantsUpgrade { plan.clientFault = .halfCloses }
    }
  }
}
