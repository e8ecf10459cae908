/// A combination of plan and overrides, and what it allows.
struct LimitRow: BitwiseCopyable {
  /// What holds for the tenants of this row; first, so that the row's address is also its.
  var limits: TenantLimits
  var key: LimitTable.Key
  /// How often the rate of a plan's row has changed, below `TokenBucket.revisions`.
  var revision: UInt8 = 0
}

/// The limits that tenants have, each combination of plan and overrides once.
struct LimitTable: ~Copyable {
  private static let nobody: Int32 = -1

  /// What a combination is made of.
  struct Key: Hashable, BitwiseCopyable {
    var plan: Int32
    var overrides: TenantOverrides
    /// Whether what they send is shed first, whatever else is said.
    var isPastDue = false
  }

  private var rows: SharedMemory<LimitRow>
  /// The tenants of each row; of a free row the next free one below -1.
  private var users: SharedMemory<Int32>
  private var index: NameIndex
  private var firstFree: Int32
  /// What each plan allows.
  private(set) var plans: [TenantLimits]
  /// What tenants without plan may do.
  private(set) var unplanned: TenantLimits

  /// A table without rows for these plans.
  init(plans: [TenantLimits], unplanned: TenantLimits = TenantLimits()) {
    self.unplanned = unplanned
    rows = SharedMemory()
    users = SharedMemory()
    index = NameIndex()
    firstFree = LimitTable.nobody
    self.plans = plans
  }

  private init(
    _ rows: consuming SharedMemory<LimitRow>, _ users: consuming SharedMemory<Int32>, _ index: consuming NameIndex,
    _ firstFree: Int32, _ plans: [TenantLimits], _ unplanned: TenantLimits
  ) {
    self.unplanned = unplanned
    self.rows = rows
    self.users = users
    self.index = index
    self.firstFree = firstFree
    self.plans = plans
  }

  /// The same rows, to be changed apart from these.
  borrowing func copy() -> LimitTable {
    LimitTable(rows.copy(), users.copy(), index.copy(), firstFree, plans, unplanned)
  }

  /// The limits of a row; good as long as this version lives unchanged.
  @inline(__always)
  func limits(_ row: Int32) -> UnsafePointer<TenantLimits> {
    UnsafeRawPointer(rows[Int(row)]).assumingMemoryBound(to: TenantLimits.self)
  }

  /// How often the rate of a row has changed, below `TokenBucket.revisions`.
  @inline(__always)
  func revision(_ row: Int32) -> UInt8 { rows[Int(row)].pointee.revision }

  /// What a row is made of.
  @inline(__always)
  func key(_ row: Int32) -> Key { rows[Int(row)].pointee.key }

  /// The row of a combination with one more tenant.
  mutating func enter(_ key: Key) -> Int32 {
    let hash = LimitTable.hash(key)
    let known = index.find(hash) { rows[Int($0)].pointee.key == key }
    if known >= 0 {
      users.writable(Int(known)).pointee += 1
      return known
    }
    let row = LimitRow(limits: limits(of: key), key: key)
    let place = firstFree
    if place == LimitTable.nobody {
      users.append(1)
      let place = Int32(rows.append(row))
      index.insert(hash, place)
      return place
    }
    firstFree = -2 - users[Int(place)].pointee
    users.writable(Int(place)).pointee = 1
    rows.writable(Int(place)).pointee = row
    index.insert(hash, place)
    return place
  }

  /// Counts one tenant of a row out; a row without tenants is free.
  mutating func leave(_ row: Int32) {
    let left = users.writable(Int(row))
    left.pointee -= 1
    guard left.pointee == 0 else { return }
    left.pointee = -2 - firstFree
    firstFree = row
    _ = index.remove(LimitTable.hash(key(row)), row)
  }

  /// Takes over new plans: what their rows allow is worked out anew.
  mutating func replan(_ plans: [TenantLimits], unplanned: TenantLimits = TenantLimits()) {
    self.plans = plans
    self.unplanned = unplanned
    for row in 0..<Int32(rows.count) where users[Int(row)].pointee > 0 && Int(key(row).plan) < plans.count {
      let fresh = limits(of: key(row))
      let known = limits(row).pointee
      let hasNewRate = fresh.requests.rate != known.requests.rate
      let hasNewTerms =
        fresh.concurrency != known.concurrency || fresh.scheduling != known.scheduling || fresh.policy != known.policy
      guard hasNewRate || hasNewTerms else { continue }
      let place = rows.writable(Int(row))
      place.pointee.limits = fresh
      if hasNewRate { place.pointee.revision = TokenBucket.revision(place.pointee.revision, plus: 1) }
    }
  }

  /// Whether each tenant that kept its row has the revision it had in `previous`.
  func hasRevisions(of previous: borrowing LimitTable) -> Bool {
    for row in 0..<min(rows.count, previous.rows.count) where !rows.shares(row, with: previous.rows) {
      if revision(Int32(row)) != previous.revision(Int32(row)) { return false }
    }
    return true
  }

  private func limits(of key: Key) -> TenantLimits {
    var limits = key.plan >= 0 ? plans[Int(key.plan)] : unplanned
    if let rate = key.overrides.requests { limits.requests = TokenBucketRule(rate) }
    if let concurrency = key.overrides.concurrency { limits.concurrency = concurrency }
    if let policy = key.overrides.policy { limits.policy = policy }
    limits.scheduling = key.overrides.scheduling.applied(to: limits.scheduling)
    if key.isPastDue { limits.scheduling.criticality = .sheddable }
    return limits
  }

  private static func hash(_ key: Key) -> UInt64 { UInt64(bitPattern: Int64(key.hashValue)) }
}
