import Primitives

/// Admitted is at most burst + rate x time, counted at the backends, whatever the limits are changed to meanwhile.
///
/// A change keeps a bucket's share of its depth: it can give at most the depth that the bucket grows by.
struct RateBound: Checker {
  /// A tenant's bucket.
  struct Bucket {
    var count: Int64
    var period: Int64
    var burst: Int64

    /// Tokens a nanosecond.
    var rate: Double { Double(count) / Double(period) }
  }

  /// What a tenant may have been admitted so far.
  private struct Allowance {
    var bucket: Bucket?
    /// The bucket before this one, while a worker may still go by it.
    var former: Bucket?
    var tokens = 0.0
    var since: Instant
    var admitted = 0

    mutating func advance(to now: Instant) {
      tokens += max(bucket?.rate ?? 0, former?.rate ?? 0) * Double(now - since)
      since = now
    }
  }

  private var allowances: [Allowance]
  private var seen: Set<Int> = []

  /// Tenants without limits until they are told.
  init(tenants: Int, start: Instant) { allowances = Array(repeating: Allowance(since: start), count: tenants) }

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    switch fact {
    case .limits(let tenant, let isDeclared, let bucket): change(tenant, isDeclared ? bucket : nil, now)
    case .settled:
      for tenant in allowances.indices where allowances[tenant].former != nil {
        allowances[tenant].advance(to: now)
        allowances[tenant].former = nil
      }
    case .arrived(let request, let tenant, _, _, _, isRated: true): return count(request, tenant, now)
    default: break
    }
    return nil
  }

  private mutating func change(_ tenant: Int, _ bucket: Bucket?, _ now: Instant) {
    allowances[tenant].advance(to: now)
    let known = allowances[tenant].bucket
    allowances[tenant].tokens += Double(max(0, (bucket?.burst ?? 0) - (known?.burst ?? 0)))
    if let known { allowances[tenant].former = known }
    allowances[tenant].bucket = bucket
  }

  private mutating func count(_ request: Int, _ tenant: Int, _ now: Instant) -> String? {
    guard seen.insert(request).inserted else { return nil }
    allowances[tenant].advance(to: now)
    allowances[tenant].admitted += 1
    let (admitted, tokens) = (allowances[tenant].admitted, allowances[tenant].tokens)
    guard Double(admitted) > tokens + 1e-9 else { return nil }
    return "tenant \(tenant) was admitted \(admitted) times of \(Int(tokens))"
  }
}
