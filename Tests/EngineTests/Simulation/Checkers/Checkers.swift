import Primitives

/// Looks at all facts of a world in their order.
protocol Checker {
  /// Takes a fact in; returns what is wrong about it, if anything is.
  mutating func note(_ fact: Fact, at now: Instant) -> String?
}

/// Each exchange ends exactly once, and each request is answered at most once.
struct ExactlyOnce: Checker {
  /// Whether the engine tells of exchanges that finished.
  var countsFinished: Bool
  private var asked: Set<Int> = []
  private var arrived: Set<Int> = []
  private var answered: Set<Int> = []
  private var finished: Set<Int> = []

  init(countsFinished: Bool) { self.countsFinished = countsFinished }

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .asked(let request): return asked.insert(request).inserted ? nil : "request \(request) was asked twice"
    case .arrived(let request, _, _, _, _, _): arrived.insert(request)
    case .answered(let request, _, _):
      if !asked.contains(request) { return "request \(request) was answered and not asked" }
      if !answered.insert(request).inserted { return "request \(request) was answered twice" }
    case .finished(let request):
      if !asked.contains(request) { return "request \(request) finished and was not asked" }
      if !finished.insert(request).inserted { return "the exchange of request \(request) ended twice" }
    case .atRest:
      guard countsFinished else { return nil }
      let missing = arrived.subtracting(finished).sorted()
      if !missing.isEmpty { return "the exchanges of requests \(missing) never ended" }
    default: break
    }
    return nil
  }
}

/// No byte crosses tenants, or requests of one tenant; backends are told the right tenant and shard.
struct TenantWall: Checker {
  let names: [String]

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .arrived(let request, let tenant, let named, let namedShard, let ownShard, _):
      if named != names[tenant] { return "request \(request) of \(names[tenant]) came to a backend as \(named)'s" }
      if namedShard != ownShard { return "request \(request) for shard '\(namedShard)' came to shard \(ownShard)" }
    case .read(let request, isOwn: false): return "bytes that are not those of request \(request) were read as its own"
    default: break
    }
    return nil
  }
}

/// A tenant's requests in flight stay within its bound and come back to zero; a bound that is lowered ends none.
struct ConcurrencyBound: Checker {
  private var counts: [Int: Int] = [:]

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .inFlight(let tenant, let count, let bound):
      if count < 0 { return "tenant \(tenant) has \(count) requests in flight" }
      let known = counts.updateValue(count, forKey: tenant) ?? 0
      if bound > 0, count > bound, count > known {
        return "tenant \(tenant) has \(count) requests in flight of \(bound)"
      }
    case .atRest(let remains):
      for (tenant, count) in remains.inFlight.enumerated() where count != 0 {
        return "tenant \(tenant) still has \(count) requests in flight at rest"
      }
    default: break
    }
    return nil
  }
}

/// A shard's backends are given no more requests at once than it has slots, and every slot comes back.
struct SlotBound: Checker {
  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .slots(let shard, let held, let bound, let without):
      if held > bound { return "shard \(shard) has \(held) slots taken of \(bound)" }
      if without > 0 { return "\(without) requests are at backends of shard \(shard) without a slot" }
    case .atRest(let remains):
      if remains.slots != 0 { return "\(remains.slots) slots are taken at rest" }
      if remains.waiting != 0 { return "\(remains.waiting) requests wait for a slot at rest" }
    default: break
    }
    return nil
  }
}

/// No request that may have acted is sent again, and none after its answer began.
struct RetryRule: Checker {
  private var attempts: [Int: Int] = [:]
  private var begun: Set<Int> = []

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .attempted(let request, let isSafe, _):
      let count = attempts[request, default: 0]
      attempts[request] = count + 1
      if count > 0, begun.contains(request) { return "request \(request) was sent again after its answer began" }
      if count > 0, !isSafe { return "request \(request), which may have acted, was sent again" }
      if count > 2 { return "request \(request) was sent \(count + 1) times" }
    case .unseen(let request): attempts[request, default: 1] -= 1
    case .answerBegan(let request, _): begun.insert(request)
    default: break
    }
    return nil
  }
}

/// What one exchange holds of bodies stays within a bound.
struct BufferBound: Checker {
  let bound: Int

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    guard case .held(let request, let bytes) = fact, bytes > bound else { return nil }
    return "request \(request) holds \(bytes) bytes of \(bound)"
  }
}

/// Nothing is left open at rest.
struct NothingLeft: Checker {
  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    guard case .atRest(let remains) = fact else { return nil }
    let counts = [
      (remains.sockets, "sockets"), (remains.exchanges, "exchanges"), (remains.connections, "connections"),
      (remains.lentBytes, "lent bytes"),
    ]
    let left = counts.filter { $0.0 != 0 }.map { "\($0.0) \($0.1)" }
    if !left.isEmpty { return "left at rest: \(left.joined(separator: ", "))" }
    return nil
  }
}

/// What was broken off is never shown as complete.
struct NoFalseEnd: Checker {
  private var broken: Set<Int> = []

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .brokenOff(let request): broken.insert(request)
    case .answersAnew(let request): broken.remove(request)
    case .answered(let request, _, isOwn: false) where broken.contains(request):
      return "request \(request) was broken off and shown as complete"
    default: break
    }
    return nil
  }
}

/// All checkers of a world, and what they found.
struct Court {
  var checkers: [any Checker]
  private(set) var violations: [String] = []

  mutating func note(_ fact: Fact, at now: Instant) {
    for place in checkers.indices {
      if let violation = checkers[place].note(fact, at: now) { report(violation) }
    }
  }

  /// Takes in a violation that a script or the seam saw.
  mutating func report(_ violation: String) {
    if violations.count < 20 { violations.append(violation) }
  }
}
