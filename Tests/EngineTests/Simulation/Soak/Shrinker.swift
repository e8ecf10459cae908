/// Makes a failing world smaller while it fails: fewer clients, requests, faults, troubles and reloads.
struct Shrinker {
  /// The smallest scenario found to fail.
  private(set) var scenario: Scenario
  /// Worlds run.
  private(set) var runs = 0
  private let bound: Int
  private let fails: (Scenario) -> Bool

  /// Runs at most about `bound` worlds to shrink `scenario`, which fails.
  init(_ scenario: Scenario, bound: Int = 1_500, fails: @escaping (Scenario) -> Bool) {
    self.scenario = scenario
    self.bound = bound
    self.fails = fails
  }

  /// Leaves out what may be left out, until nothing more may.
  mutating func run() {
    var isSmaller = true
    while isSmaller, runs < bound {
      isSmaller = false
      for step in steps where runs < bound {
        while let smaller = step(scenario), take(smaller) { isSmaller = true }
      }
      if dropEach() { isSmaller = true }
    }
  }

  /// Takes `smaller` if it fails by one throw of the dice or another: what is left out changes what chance does.
  private mutating func take(_ smaller: Scenario) -> Bool {
    for dice in [smaller.worldSeed] + (0..<5).map({ scenario.seed &* 1_000_003 &+ $0 }) {
      var attempt = smaller
      attempt.worldSeed = dice
      runs += 1
      guard fails(attempt) else { continue }
      scenario = attempt
      return true
    }
    return false
  }

  /// What can be left out in one stroke.
  private var steps: [(Scenario) -> Scenario?] {
    [
      { $0.drain == nil ? nil : $0.changed { $0.drain = nil } },
      { $0.troubles.isEmpty ? nil : $0.changed { $0.troubles = [] } },
      { $0.reloads.isEmpty ? nil : $0.changed { $0.reloads = [] } },
      { $0.moves.isEmpty ? nil : $0.changed { $0.moves = [] } },
      { $0.workers == 1 ? nil : $0.changed { $0.workers = 1 } },
      { $0.hasHealthChecks ? $0.changed { $0.hasHealthChecks = false } : nil },
      { $0.isSticky ? $0.changed { $0.isSticky = false } : nil },
      { $0.staleness > 0 ? $0.changed { $0.staleness = 0 } : nil },
      { $0.bodyBound > 0 ? $0.changed { $0.bodyBound = 0 } : nil },
      { $0.clients.count < 2 ? nil : $0.changed { $0.clients.removeLast($0.clients.count / 2) } },
      { $0.clients.count < 2 ? nil : $0.changed { $0.clients.removeFirst($0.clients.count / 2) } },
    ]
  }

  /// Tries to leave out each thing by itself; returns whether any could be.
  private mutating func dropEach() -> Bool {
    var any = drop(\.clients, least: 1)
    if drop(\.troubles) { any = true }
    if drop(\.reloads) { any = true }
    if drop(\.moves) { any = true }
    for client in scenario.clients.indices {
      for place in scenario.clients[client].plans.indices.reversed() where scenario.clients[client].plans.count > 1 {
        if runs < bound, take(scenario.changed { $0.clients[client].plans.remove(at: place) }) { any = true }
      }
      let manners = scenario.clients[client].manners
      guard manners.depth > 1 || manners.sendRest > 0 || manners.readRest > 0 || manners.lingers else { continue }
      var plain = Client.Manners()
      plain.address = manners.address
      plain.listener = manners.listener
      if runs < bound, take(scenario.changed { $0.clients[client].manners = plain }) { any = true }
    }
    for number in scenario.clients.flatMap(\.plans) { if simplify(number) { any = true } }
    return any
  }

  private mutating func drop<T>(_ list: WritableKeyPath<Scenario, [T]>, least: Int = 0) -> Bool {
    var any = false
    for place in scenario[keyPath: list].indices.reversed() where scenario[keyPath: list].count > least && runs < bound
    {
      if take(scenario.changed { $0[keyPath: list].remove(at: place) }) { any = true }
    }
    return any
  }

  /// Takes one request's peculiarities away.
  private mutating func simplify(_ number: Int) -> Bool {
    let changes: [(RequestPlan) -> Bool] = [
      { plan in
        defer { plan.faults = [] }
        return !plan.faults.isEmpty
      },
      { plan in
        defer { plan.clientFault = .none }
        return plan.clientFault != .none
      },
      { plan in
        defer { plan.interim = 0 }
        return plan.interim > 0
      },
      { plan in
        defer { plan.expectsContinue = false }
        return plan.expectsContinue
      },
      { plan in
        defer { (plan.rest, plan.readRest, plan.thinks) = (0, 0, 0) }
        return plan.rest > 0 || plan.readRest > 0 || plan.thinks > 0
      },
      { plan in
        defer { plan.requestSize /= 2 }
        return plan.requestSize > 8 && plan.tunnelCut < 0
      },
      { plan in
        defer { plan.responseSize /= 2 }
        return plan.responseSize > 8 && !plan.faults.contains { if case .breaksOff = $0 { true } else { false } }
      },
    ]
    var any = false
    for change in changes where runs < bound {
      let plan = scenario.plans[number].fresh()
      guard change(plan), take(scenario.changed { $0.plans[number] = plan }) else { continue }
      any = true
    }
    return any
  }
}

extension Scenario {
  /// A copy with a change.
  func changed(_ change: (inout Scenario) -> Void) -> Scenario {
    var copy = self
    change(&copy)
    return copy
  }
}
