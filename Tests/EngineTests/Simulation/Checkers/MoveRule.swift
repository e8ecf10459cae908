import Primitives

/// A tenant that is moved is nowhere twice: while all is held nothing of it is sent, at its cutover nothing is under way, and
/// after it nothing is sent by an earlier epoch. What is held stays within its bound and goes in the order in which it came.
struct MoveRule: Checker {
  /// Tenants of which nothing may be sent now, and whether safe requests may.
  private var quiet: [Int: Bool] = [:]
  private var epochs: [Int: UInt64] = [:]
  private var underWay: [Int: (tenant: Int, epoch: UInt64)] = [:]

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .routed(let request, let tenant, let epoch, let isSafe, let isLong):
      if !isLong { underWay[request] = (tenant, epoch) }
      if let passesSafe = quiet[tenant], !(passesSafe && isSafe) {
        return "request \(request) was sent though all of tenant \(tenant) is held"
      }
      if let known = epochs[tenant], epoch < known {
        return "request \(request) was sent with epoch \(epoch) after the cutover to \(known)"
      }
    case .finished(let request): underWay[request] = nil
    case .quiet(let tenant, let passesSafe): quiet[tenant] = passesSafe
    case .letGo(let tenant): quiet[tenant] = nil
    case .cutOver(let tenant, let epoch):
      epochs[tenant] = epoch
      for (request, known) in underWay where known.tenant == tenant && known.epoch < epoch {
        return "request \(request) was under way at the cutover of tenant \(tenant)"
      }
    case .parked(let tenant, let count, let bound):
      if count > bound { return "\(count) requests of tenant \(tenant) are held, of \(bound)" }
    case .freed(let request, let other?):
      return "request \(request) was let go before request \(other), which came before it"
    default: break
    }
    return nil
  }
}
