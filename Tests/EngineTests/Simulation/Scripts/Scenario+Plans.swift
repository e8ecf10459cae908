import Primitives

/// What clients ask, and what becomes of it.
extension Scenario {
  mutating func makeClient(_ isTransparent: Bool, _ most: Int) {
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
    if edition > 1, random.chance(25), !isTransparent { manners.listener = 1 }
    let tenant = random.below(tenants.count)
    var numbers: [Int] = []
    for _ in 0..<1 + random.below(most) {
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
    if edition > 1, plan.requestSize > 0, random.chance(12) {
      plan.readPiece = 500 + random.below(20_000)
      plan.readRest = Int64(1 + random.below(3)) * .millisecond
    }
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
