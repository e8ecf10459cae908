import Platform
public import Primitives
import Synchronization
public import Tenancy

/// What was counted of each tenant with traffic at one moment: two of them tell how busy each was between.
public struct TenantSample: Sendable {
  /// Counts of one tenant.
  public struct Counts: Sendable {
    /// Requests that were answered.
    public var requests: UInt64 = 0
    /// Those answered with 500 or more.
    public var errors: UInt64 = 0
    /// Those refused by a limit.
    public var limited: UInt64 = 0
    /// Bytes from its clients.
    public var bytesIn: UInt64 = 0
    /// Bytes to its clients.
    public var bytesOut: UInt64 = 0

    /// Nothing counted.
    public init() {}
  }

  /// When it was taken.
  public let time: Instant
  /// The counts, by tenant; those without traffic are not among them.
  public internal(set) var counts: [TenantIndex: Counts] = [:]

  init(time: Instant) { self.time = time }
}

extension Engine {
  /// What was counted of tenants so far. For any thread but a worker's: with many tenants it takes a while.
  public func tenantSample() -> TenantSample {
    var sample = TenantSample(time: Clock.now())
    for worker in workers {
      for index in 0..<worker.counters.tenants.count {
        let row = worker.counters.tenants.row(index)
        let tenant = TenantIndex(truncatingIfNeeded: row[TenantPlace.identity].current >> 32)
        var counts = sample.counts[tenant] ?? TenantSample.Counts()
        for place in 0..<5 { counts.requests &+= row[TenantPlace.classes + place].current }
        counts.errors &+= row[TenantPlace.classes + 4].current
        counts.limited &+= row[TenantPlace.limited].current &+ row[TenantPlace.limited + 1].current
        counts.bytesIn &+= row[TenantPlace.bytesIn].current
        counts.bytesOut &+= row[TenantPlace.bytesOut].current
        sample.counts[tenant] = counts
      }
    }
    return sample
  }

  /// Requests of a tenant in flight. Any thread may ask.
  public func inFlight(of tenant: TenantIndex) -> Int {
    Int(process.ledger.account(tenant).pointee.inFlight.load(ordering: .relaxed))
  }
}
