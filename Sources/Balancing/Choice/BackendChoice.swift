public import Primitives

/// Chooses one of a shard's backends.
public enum BackendChoice {
  /// The index of the backend for the next attempt, or -1 when none is left.
  ///
  /// Backends that are down, have weight 0 or stand in `avoiding` (indices tried already, -1: none) are never chosen.
  /// Only the credits of smooth round robin are changed: the caller counts the request in with `start(at:)`.
  public static func choose(
    _ algorithm: BalanceAlgorithm, _ loads: UnsafeMutablePointer<BackendLoad>, _ count: Int,
    avoiding: (Int32, Int32), now: Instant, random: inout SeededRandom
  ) -> Int32 {
    let field = Candidates(loads, count, avoiding: avoiding, now: now)
    return switch algorithm {
    case .roundRobin: field.roundRobin()
    case .leastRequests: field.leastRequests(&random)
    case .peakEWMA: field.peakEWMA(&random)
    case .random: field.byLot(&random, except: -1)
    }
  }
}

/// The backends of one choice.
struct Candidates {
  private let loads: UnsafeMutablePointer<BackendLoad>
  private let count: Int32
  private let avoiding: (Int32, Int32)
  private let now: Instant

  init(_ loads: UnsafeMutablePointer<BackendLoad>, _ count: Int, avoiding: (Int32, Int32), now: Instant) {
    self.loads = loads
    self.count = Int32(truncatingIfNeeded: count)
    self.avoiding = avoiding
    self.now = now
  }

  /// The effective weight of backend `index`, 0 when it may not be chosen.
  @inline(__always) private func weight(_ index: Int32) -> Int64 {
    let load = loads + Int(index)
    guard load.pointee.isUp, index != avoiding.0, index != avoiding.1 else { return 0 }
    return load.pointee.effectiveWeight(at: now)
  }

  /// Smooth weighted round robin: all gain their weight, the richest is chosen and pays for all.
  func roundRobin() -> Int32 {
    var best: Int32 = -1
    var total: Int64 = 0
    for index in 0..<count {
      let gain = weight(index)
      guard gain > 0 else { continue }
      total &+= gain
      loads[Int(index)].current &+= gain
      if best < 0 || loads[Int(index)].current > loads[Int(best)].current { best = index }
    }
    if best >= 0 { loads[Int(best)].current &-= total }
    return best
  }

  /// The fewest in flight for the weight; equals are drawn by lot in proportion to their weights.
  func leastRequests(_ random: inout SeededRandom) -> Int32 {
    var best: Int32 = -1
    var bestWeight: Int64 = 0
    var tied: Int64 = 0
    for index in 0..<count {
      let own = weight(index)
      guard own > 0 else { continue }
      let load = Int64(loads[Int(index)].inFlight) &* bestWeight
      let bound = best < 0 ? .max : Int64(loads[Int(best)].inFlight) &* own
      if best < 0 || load < bound {
        tied = own
      } else if load == bound {
        tied &+= own
        if Int64(random.below(Int(tied))) >= own { continue }
      } else {
        continue
      }
      best = index
      bestWeight = own
    }
    return best
  }

  /// The cheapest of two drawn by lot, or of all when there are at most three.
  func peakEWMA(_ random: inout SeededRandom) -> Int32 {
    if count <= 3 { return cheapest() }
    let first = byLot(&random, except: -1)
    guard first >= 0 else { return -1 }
    let second = byLot(&random, except: first)
    guard second >= 0 else { return first }
    return loads[Int(second)].cost(at: now) < loads[Int(first)].cost(at: now) ? second : first
  }

  private func cheapest() -> Int32 {
    var best: Int32 = -1
    var bestCost = Double.infinity
    for index in 0..<count where weight(index) > 0 {
      let cost = loads[Int(index)].cost(at: now)
      if best < 0 || cost < bestCost {
        best = index
        bestCost = cost
      }
    }
    return best
  }

  /// One drawn in proportion to the weights, never `excluded`.
  func byLot(_ random: inout SeededRandom, except excluded: Int32) -> Int32 {
    var total: Int64 = 0
    for index in 0..<count where index != excluded { total &+= weight(index) }
    guard total > 0 else { return -1 }
    var ticket = Int64(random.below(Int(total)))
    for index in 0..<count where index != excluded {
      ticket &-= weight(index)
      if ticket < 0 { return index }
    }
    return -1
  }
}
