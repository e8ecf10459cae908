public import Primitives

/// The tenants whose requests failed lately at one shard, and what is held against each: a bounded table, out of which the
/// one that was heard of least lately goes first. Tenants that fare well are not in it.
public struct TenantTroubles: Sendable {
  private struct Entry {
    var tenant: Int32 = -1
    var used = Instant.distantPast
    var breaker = TenantBreaker()
    var retries = RetryShare()
  }

  /// Tenants at most.
  public static let capacity = 1_024
  /// Entries among which a tenant has its place.
  public static let ways = 4

  private var entries: [Entry] = []

  /// Nobody is in trouble.
  public init() {}

  /// The first of the entries that a tenant may have.
  @inlinable
  public static func row(of tenant: Int32) -> Int {
    let mixed = UInt32(bitPattern: tenant) &* 0x9E37_79B1
    return Int(mixed >> 24) * ways
  }

  private func place(of tenant: Int32) -> Int? {
    guard !entries.isEmpty else { return nil }
    let first = TenantTroubles.row(of: tenant)
    return (first..<first + TenantTroubles.ways).first { entries[$0].tenant == tenant }
  }

  /// The entry of a tenant, made when there is none.
  private mutating func enter(_ tenant: Int32, at now: Instant) -> Int {
    if let place = place(of: tenant) { return place }
    if entries.isEmpty { entries = [Entry](repeating: Entry(), count: TenantTroubles.capacity) }
    let first = TenantTroubles.row(of: tenant)
    var oldest = first
    for place in first..<first + TenantTroubles.ways where entries[place].used < entries[oldest].used { oldest = place }
    entries[oldest] = Entry(tenant: tenant)
    return oldest
  }

  /// The tenant of an entry, -1 when it is free.
  public func tenant(at place: Int) -> Int32 { entries.isEmpty ? -1 : entries[place].tenant }

  /// Whether a tenant is in the table.
  public func contains(_ tenant: Int32) -> Bool { place(of: tenant) != nil }

  /// Tenants in the table.
  public var count: Int { entries.count { $0.tenant >= 0 } }

  /// A tenant that is in the table makes a request: counts it, and says whether it may go.
  public mutating func ask(_ tenant: Int32, _ rules: BreakerRules?, at now: Instant) -> BreakerWord {
    guard let place = place(of: tenant) else { return .pass }
    entries[place].used = now
    entries[place].retries.countRequest(at: now)
    guard let rules else { return .pass }
    return entries[place].breaker.ask(rules, at: now)
  }

  /// A request failed; returns whether that opened the tenant's breaker.
  public mutating func failed(_ tenant: Int32, isTrial: Bool, _ rules: BreakerRules, at now: Instant) -> Bool {
    let place = enter(tenant, at: now)
    entries[place].used = now
    return entries[place].breaker.note(failed: true, isTrial: isTrial, rules, at: now)
  }

  /// A request succeeded: a tenant against which nothing is left leaves the table.
  public mutating func succeeded(_ tenant: Int32, isTrial: Bool, _ rules: BreakerRules?, at now: Instant) {
    guard let place = place(of: tenant) else { return }
    if let rules { _ = entries[place].breaker.note(failed: false, isTrial: isTrial, rules, at: now) }
    if entries[place].breaker.isClean, entries[place].retries.isUnused(at: now) { entries[place] = Entry() }
  }

  /// Takes one retry of the shard's for a tenant, if both have one left.
  public mutating func takeRetry(
    _ tenant: Int32, from budget: inout RetryBudget, _ requests: Int64, _ rules: RetryRules, at now: Instant
  ) -> Bool {
    let isKnown = contains(tenant)
    let place = enter(tenant, at: now)
    entries[place].used = now
    // The request that is retried was not counted for a tenant that was not in the table.
    if !isKnown { entries[place].retries.countRequest(at: now) }
    guard entries[place].retries.take(rules, at: now) else { return false }
    if budget.take(requests, rules, at: now) { return true }
    entries[place].retries.giveBack()
    return false
  }

  /// Nanoseconds until a request of the tenant is let through.
  public func wait(of tenant: Int32, at now: Instant) -> Int64 {
    place(of: tenant).map { entries[$0].breaker.wait(at: now) } ?? 0
  }
}
