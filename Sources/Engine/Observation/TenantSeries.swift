import Tenancy

/// Which tenants have series of their own, kept from scrape to scrape so that no counter ever falls.
///
/// A tenant that enters is told with what it counted since the scrape at which it entered, or with all if it had no traffic
/// at the scrape before; the rest stays in `_other`, which told it already. One that leaves is told in `_other` with all it
/// counted and does not come back under its name.
struct TenantSeries {
  /// Names of tenants that left and are remembered: with so many, none has to leave for a busier one.
  static let mostEnded = 65_536
  /// How many times busier than the least busy one that is told a tenant must be to take its place.
  static let lead: UInt64 = 2

  private struct Member {
    var tenant: TenantIndex
    var name: String
    /// What `_other` tells of it; `nil` until the scrape at which it entered has read it.
    var base: TenantTally?
  }

  private var members: [Member] = []
  private var ended: Set<String> = []
  /// Tenants whose name is among `ended`.
  private var barred: Set<TenantIndex> = []
  /// Rows of each worker at the last scrape.
  private var known: [Int] = []
  /// Whether `_other` has been told of.
  private var tellsOther = false

  /// No scrape so far.
  init() {}

  /// Fills in what all workers counted of tenants, at most `most` of them by name.
  mutating func read(
    _ workers: [WorkerCounters], _ directory: TenantDirectory, _ ledger: TenantLedger, shards: [String],
    limits: [String] = [], most: Int, into snapshot: inout MetricsSnapshot
  ) {
    let traffic = TenantTraffic(workers, known: known, capacity: directory.capacity)
    release(traffic, directory, most)
    admit(traffic, directory, most, shards.count, limits.count)
    known = traffic.rows
    let sums = sum(workers, traffic, shards.count, limits.count)
    tell(sums, traffic, ledger, shards, limits, into: &snapshot)
  }

  // MARK: - who is told

  /// Lets those go that are not configured any more, and the least busy when there are too many.
  private mutating func release(_ traffic: TenantTraffic, _ directory: TenantDirectory, _ most: Int) {
    barred = barred.filter { directory.isLive($0) }
    members.sort { traffic.total($0.tenant) > traffic.total($1.tenant) }
    var kept: [Member] = []
    for member in members {
      if kept.count < most, directory.isLive(member.tenant) { kept.append(member) } else { end(member) }
    }
    members = kept
  }

  private mutating func end(_ member: Member) {
    guard ended.count < TenantSeries.mostEnded else { return }
    ended.insert(member.name)
    barred.insert(member.tenant)
  }

  /// Gives free places to the busiest that wait, and places of members to those that are far busier.
  private mutating func admit(
    _ traffic: TenantTraffic, _ directory: TenantDirectory, _ most: Int, _ shards: Int, _ limits: Int
  ) {
    let told = Set(members.map(\.tenant))
    var busiest = BusiestTenants(most: most)
    for tenant in traffic.tenants where traffic.isThere(tenant) && directory.isLive(tenant) {
      let entry = BusiestTenants.Entry(total: traffic.total(tenant), tenant: tenant)
      guard busiest.wants(entry), !told.contains(tenant), !barred.contains(tenant) else { continue }
      busiest.offer(entry)
    }
    // Members stand by traffic, the least busy last; those that enter now are behind `settled`.
    var settled = members.count
    for entry in busiest.sorted {
      let name = directory.name(of: entry.tenant)
      guard !ended.contains(name) else {
        barred.insert(entry.tenant)
        continue
      }
      if members.count == most {
        guard settled > 0, ended.count < TenantSeries.mostEnded else { return }
        guard entry.total > traffic.total(members[settled - 1].tenant) * TenantSeries.lead else { return }
        settled -= 1
        end(members.remove(at: settled))
      }
      let base = traffic.isNew(entry.tenant) ? TenantTally(shards: shards, limits: limits) : nil
      members.append(Member(tenant: entry.tenant, name: name, base: base))
    }
  }

  // MARK: - what is told

  /// Sums the rows up: those of each member in a block of its own, all the others in the last.
  private func sum(
    _ workers: [WorkerCounters], _ traffic: TenantTraffic, _ shards: Int, _ limits: Int
  ) -> TenantTally {
    var sums = TenantTally(blocks: members.count + 1, shards: shards, limits: limits)
    let other = members.count
    var blocks = [Int32](repeating: Int32(other), count: traffic.tenants.count)
    for (block, member) in members.enumerated() { blocks[Int(member.tenant)] = Int32(block) }
    blocks.withUnsafeBufferPointer { blocks in
      for (worker, rows) in zip(workers, traffic.rows) {
        let block = { (tenant: Int) in tenant < blocks.count ? Int(blocks[tenant]) : other }
        sums.add(worker, rows: rows, block: block)
        sums.addLimits(worker, block: block)
      }
    }
    return sums
  }

  private mutating func tell(
    _ sums: TenantTally, _ traffic: TenantTraffic, _ ledger: TenantLedger, _ shards: [String],
    _ limits: [String], into snapshot: inout MetricsSnapshot
  ) {
    func inFlight(_ tenant: TenantIndex) -> Int {
      Int(ledger.account(tenant).pointee.inFlight.load(ordering: .relaxed))
    }
    var other = sums.block(members.count)
    var counted = (tenants: 0, inFlight: 0)
    for tenant in traffic.tenants where traffic.isThere(tenant) {
      counted.tenants += 1
      counted.inFlight += inFlight(tenant)
    }
    for place in members.indices {
      let (member, tally) = (members[place], sums.block(place))
      let base = member.base ?? tally
      members[place].base = base
      other.add(base)
      var own = tally
      own.subtract(base)
      let count = inFlight(member.tenant)
      counted.inFlight -= count
      snapshot.tenants.append(own.metrics(name: member.name, shards: shards, limits: limits, inFlight: count))
    }
    snapshot.tenants.sort { ($1.total, $0.name) < ($0.total, $1.name) }
    snapshot.foldedTenants = counted.tenants - members.count
    tellsOther = tellsOther || snapshot.foldedTenants > 0
    guard tellsOther else { return }
    snapshot.otherTenants = other.metrics(
      name: "_other", shards: shards, limits: limits, inFlight: counted.inFlight)
  }
}
