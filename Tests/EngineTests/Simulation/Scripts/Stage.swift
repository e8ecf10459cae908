import Primitives

/// What scripts share: the world, the requests, and those who judge.
final class Stage {
  let world: World
  let scenario: Scenario
  var plans: [RequestPlan] = []
  var court: Court
  /// Names of tenants, by number.
  let tenants: [String]
  /// Hosts of tenants, by number.
  let hosts: [String]
  /// The rules of who may be answered what.
  var verdicts: Verdicts
  /// Whether the plant is a mere forwarder, which sets no fields and knows no tenants.
  let isTransparent: Bool
  /// Configurations put into use so far, the newest last.
  private(set) var published: [Configuration] = []
  /// The oldest of them that a worker may still use.
  var oldestInUse = 0
  /// What was asked and answered, when it is wanted.
  var transcript: Transcript?
  /// Has the seam of a client's connection watched in frames.
  var watchFrames: (Link) -> Void = { _ in }
  /// When a drain that began must end.
  private(set) var drainDeadline: Instant?

  init(world: World, scenario: Scenario, verdicts: Verdicts, court: Court, isTransparent: Bool) {
    self.world = world
    self.scenario = scenario
    self.verdicts = verdicts
    self.court = court
    self.isTransparent = isTransparent
    tenants = scenario.tenants.map(\.name)
    hosts = scenario.tenants.map(\.host)
    world.complain = { [unowned(unsafe) self] in report($0) }
  }

  func note(_ fact: Fact) {
    world.note("\(fact)")
    if case .unseen(let request) = fact { plans[request].unseen += 1 }
    let known = court.violations.count
    court.note(fact, at: world.now)
    for violation in court.violations.dropFirst(known) { world.note("VIOLATION \(violation)") }
  }

  /// Notes by which epoch the engine sends a request.
  func noteRoute(of plan: RequestPlan, epoch: String?) {
    guard let epoch = epoch.flatMap(UInt64.init) else { return }
    note(
      .routed(
        request: plan.number, tenant: plan.tenant, epoch: epoch, isSafe: plan.isSafe && !plan.wantsUpgrade,
        isLong: plan.wantsUpgrade))
  }

  func report(_ violation: String) {
    world.note("VIOLATION \(violation)")
    court.report(violation)
  }

  // MARK: Configurations

  /// Takes note of a configuration that is put into use now.
  func publish(_ configuration: Configuration) {
    published.append(configuration)
    for (number, tenant) in configuration.tenants.enumerated() {
      note(.limits(tenant: number, isDeclared: tenant.standing != .unknown, bucket: tenant.bucket))
    }
  }

  /// The configurations a request may be judged by: the one it began with, or one after.
  private func configurations(_ plan: RequestPlan) -> ArraySlice<Configuration> {
    published[min(plan.askedAt, published.count - 1)...]
  }

  /// What its tenant was, by all of them.
  private func standings(_ plan: RequestPlan) -> Set<Verdicts.Standing> {
    Set(configurations(plan).map { $0.tenants[plan.tenant].standing })
  }

  /// Where a request may be placed.
  func placements(_ plan: RequestPlan) -> [String] {
    configurations(plan).map(\.tenants[plan.tenant]).filter { $0.standing != .unknown }.map {
      ($0.home.map { "shard-\($0)" } ?? "any shard") + " epoch \($0.epoch)"
    }
  }

  /// Whether a request may have been admitted without asking any bucket.
  func mayBeUnlimited(_ plan: RequestPlan) -> Bool {
    configurations(plan).contains { $0.tenants[plan.tenant].bucket == nil }
  }

  /// The most requests of a tenant that any configuration in use lets in at once; 0 is unlimited.
  func concurrencyBound(_ tenant: Int) -> Int {
    let bounds = published[oldestInUse...].map(\.tenants[tenant].concurrency)
    return bounds.contains(0) ? 0 : bounds.max() ?? 0
  }

  /// Whether a cookie must bring a request back: nothing stands against its backend, or lets the cookie run out.
  func isAffine(_ plan: RequestPlan) -> Bool {
    (scenario.climate == .calm || scenario.climate == .limited) && scenario.troubles.isEmpty
      && plan.askedAt == published.count - 1
  }

  /// Sees whether an affinity cookie was honoured, and keeps a new one.
  func note(_ head: Head, of plan: RequestPlan, _ known: inout Binding?) {
    let place = head.values("x-origin-place").joined()
    if let binding = plan.binding, binding.published == published.count, isAffine(plan) {
      note(.returned(request: plan.number, place: place, boundTo: binding.place))
    }
    guard let cookie = head.values("set-cookie").first?.split(separator: ";").first else { return }
    known = Binding(cookie: String(cookie), tenant: plan.tenant, place: place, published: plan.askedAt + 1)
  }

  // MARK: Drain

  /// A drain begins; what is in flight must be served until `deadline`.
  func beginDrain(until deadline: Instant, inFlight: [RequestPlan]) {
    world.note("drain until \(deadline.nanoseconds / 1_000)us")
    drainDeadline = deadline
    for plan in inFlight { plan.isInDrain = true }
  }

  /// Whether a drain has reached its deadline: what is left may be cut.
  var isPastDrain: Bool { drainDeadline.map { world.now >= $0 } ?? false }

  // MARK: Judging

  /// Judges what came of a request at its client.
  func judge(_ plan: RequestPlan, _ outcome: Outcome) {
    world.note("request \(plan.number) \(plan.method) of tenant \(plan.tenant): \(outcome)")
    guard !plan.isFinished else { return report("request \(plan.number) came to two ends") }
    plan.isFinished = true
    transcript?.note(outcome, of: plan.number)
    if isForgiven(plan, outcome) { return }
    if let violation = verdicts.violation(plan, outcome, standings(plan)) {
      report("request \(plan.number): \(violation)")
    }
  }

  /// Whether it is the world's doing, or the drain's, that nothing came of a request.
  private func isForgiven(_ plan: RequestPlan, _ outcome: Outcome) -> Bool {
    let isLost = plan.clientLink?.isLost == true
    switch outcome {
    case .unanswered(.refused): return scenario.listeners == 1 || !scenario.reloads.isEmpty || drainDeadline != nil
    case .unanswered: return isPastDrain || drainDeadline != nil && !plan.isInDrain || isLost
    case .cut: return isPastDrain || isLost
    case .forgotten: return isLost
    default: return false
    }
  }
}
