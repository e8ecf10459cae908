import Primitives

/// What scripts share: the world, the requests, and those who judge.
final class Stage {
  let world: World
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

  init(world: World, tenants: [String], hosts: [String], verdicts: Verdicts, court: Court, isTransparent: Bool) {
    self.world = world
    self.tenants = tenants
    self.hosts = hosts
    self.verdicts = verdicts
    self.court = court
    self.isTransparent = isTransparent
    world.complain = { [unowned self] in report($0) }
  }

  func note(_ fact: Fact) {
    world.note("\(fact)")
    let known = court.violations.count
    court.note(fact, at: world.now)
    for violation in court.violations.dropFirst(known) { world.note("VIOLATION \(violation)") }
  }

  func report(_ violation: String) {
    world.note("VIOLATION \(violation)")
    court.report(violation)
  }

  /// Judges what came of a request at its client.
  func judge(_ plan: RequestPlan, _ outcome: Outcome) {
    world.note("request \(plan.number) \(plan.method) of tenant \(plan.tenant): \(outcome)")
    guard !plan.isFinished else { return report("request \(plan.number) came to two ends") }
    plan.isFinished = true
    if let violation = verdicts.violation(plan, outcome) { report("request \(plan.number): \(violation)") }
  }
}
