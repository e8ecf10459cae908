public import Primitives

/// What is counted of one tenant by limits other than its plain ones. Used by one thread at a time.
///
/// Rules come with the requests. They may be of an older configuration than the one a limit's bucket follows already: then
/// the newer rule holds.
public struct MeterBook: ~Copyable {
  /// A limit and its rule.
  private struct Line {
    var identity: UInt64
    /// The configuration its rule is of.
    var generation: UInt64
    var rule: TokenBucketRule
    /// Tells the buckets of keys from those that were filled by an earlier rule.
    var revision: UInt8 = 0
    var meter = Meter()
  }

  /// A quota and what is used of it.
  public struct QuotaLine: Sendable {
    /// A hash of the quota's name.
    public var identity: UInt64
    /// What the caller calls the limit; -1 before it was asked.
    public var number: Int32 = -1
    /// The most of it, as it was last asked.
    public var amount: Int64 = 0
    /// Percent of it at which it is told of.
    public var soft: Int64 = 100
    /// What is used.
    public var meter: QuotaMeter
    /// Whether it has changed since it was last kept.
    public var isDirty = false
  }

  /// Most keys that have a bucket of their own, of all limits of the tenant together.
  public static let mostKeys = KeyedMeters.mostKeys
  /// Limits that are remembered; more of them than a policy has, for those of the configuration before.
  static let mostLines = 4 * LimitPolicy.mostLimits

  private var lines: [Line] = []
  private var keyed: KeyedMeters
  /// The quotas.
  public private(set) var quotas: [QuotaLine] = []
  /// Connections, and those of each client.
  public private(set) var connections: Int32 = 0
  private var connectionsOfClients: [UInt64: Int32] = [:]

  /// A book of nothing.
  public init(mostKeys: Int = MeterBook.mostKeys) { keyed = KeyedMeters(capacity: mostKeys) }

  /// Keys that have a bucket.
  public var keyCount: Int { keyed.count }

  // MARK: - buckets

  /// The place of a limit's line, which follows the newest rule from now on.
  private mutating func line(_ level: LimitLevel, _ generation: UInt64, at now: Instant) -> Int {
    guard let place = lines.firstIndex(where: { $0.identity == level.identity }) else {
      if lines.count >= MeterBook.mostLines {
        let oldest = lines.indices.min { lines[$0].generation < lines[$1].generation }!
        lines.remove(at: oldest)
      }
      lines.append(Line(identity: level.identity, generation: generation, rule: level.rule))
      return lines.count - 1
    }
    guard generation > lines[place].generation else { return place }
    lines[place].generation = generation
    if lines[place].rule.rate != level.rule.rate {
      lines[place].meter.refit(from: lines[place].rule, to: level.rule, at: now)
      // The buckets of keys start anew.
      lines[place].revision = TokenBucket.revision(lines[place].revision, plus: 1)
      lines[place].rule = level.rule
    }
    return place
  }

  /// What a level would say; it follows the newest rule from then on.
  mutating func look(_ level: inout LimitLevel, _ tokens: Int64, _ generation: UInt64, at now: Instant) {
    let place = line(level, generation, at: now)
    let (rule, revision) = (lines[place].rule, lines[place].revision)
    level.rule = rule
    let demand = Demand(tokens, patience: level.delay)
    let grant =
      level.kind == .fixed
      ? lines[place].meter.look(demand, rule, at: now)
      : keyed.meter(of: level.key).look(demand, rule, revision: revision, at: now)
    level.admission = grant.admission
    level.pause = grant.pause
  }

  /// Takes what `look` has found to be there.
  mutating func take(_ level: inout LimitLevel, _ tokens: Int64, at now: Instant) {
    guard let place = lines.firstIndex(where: { $0.identity == level.identity }) else { return }
    let (rule, revision) = (lines[place].rule, lines[place].revision)
    let demand = Demand(tokens, patience: level.delay)
    if level.kind == .fixed {
      level.admission = lines[place].meter.take(demand, rule, at: now).admission
      return
    }
    var admission = level.admission
    level.hasEvicted = keyed.update(level.key) {
      admission = $0.take(demand, rule, revision: revision, at: now).admission
    }
    level.admission = admission
  }

  /// Puts back what was taken for a request that does not go on.
  mutating func giveBack(_ mark: LimitMark, _ tokens: Int64, at now: Instant) {
    change(mark) { $0.giveBack(tokens, $1, revision: $2, at: now) }
  }

  /// Charges what a request cost beyond what was taken.
  mutating func charge(_ mark: LimitMark, _ tokens: Int64, at now: Instant) {
    change(mark) { $0.charge(tokens, $1, revision: $2, at: now) }
  }

  private mutating func change(_ mark: LimitMark, _ body: (inout Meter, TokenBucketRule, UInt8) -> Void) {
    guard let place = lines.firstIndex(where: { $0.identity == mark.identity }) else { return }
    let (rule, revision) = (lines[place].rule, lines[place].revision)
    if mark.kind == .fixed { return body(&lines[place].meter, rule, 0) }
    _ = keyed.update(mark.key) { body(&$0, rule, revision) }
  }

  /// How much of a bucketful of the limit is owed; `nil` for limits of keys and unknown ones.
  public func ratio(of identity: UInt64, at now: Instant) -> Double? {
    guard let line = lines.first(where: { $0.identity == identity }) else { return nil }
    return line.meter.ratio(line.rule, at: now)
  }

  // MARK: - handing over

  /// A limit's bucket, or what its keys' buckets go by, for another process to go on with.
  public struct HandedLine: Sendable, Hashable {
    /// A hash of the limit's name.
    public var identity: UInt64
    /// Tells the buckets of keys that its rate has filled.
    public var revision: UInt8
    /// What it owes.
    public var spent: SpentBucket

    /// A line of these parts.
    public init(identity: UInt64, revision: UInt8, spent: SpentBucket) {
      self.identity = identity
      self.revision = revision
      self.spent = spent
    }
  }

  /// The bucket of a key, for another process to go on with.
  public struct HandedKey: Sendable, Hashable {
    /// The key.
    public var key: UInt64
    /// The bucket's arrival time.
    public var arrival: UInt64
    /// The tick of its last token.
    public var used: Int32

    /// A bucket of these numbers.
    public init(key: UInt64, arrival: UInt64, used: Int32) {
      self.key = key
      self.arrival = arrival
      self.used = used
    }
  }

  /// All lines, as they are at `now`.
  public func handedLines(at now: Instant) -> [HandedLine] {
    lines.map { line in
      let debt = line.rule.isUnlimited ? 0 : TokenBucket.debt(line.meter.state, line.rule, 0, at: now) ?? 0
      let spent = SpentBucket(rate: line.rule.rate, debt: debt, time: now.nanoseconds)
      return HandedLine(identity: line.identity, revision: line.revision, spent: spent)
    }
  }

  /// All buckets of keys, the one used longest ago first.
  public func handedKeys() -> [HandedKey] {
    var keys: [HandedKey] = []
    keyed.forEach { keys.append(HandedKey(key: $0, arrival: $1.state.arrival, used: $1.state.used)) }
    return keys
  }

  /// Goes on with a line of another process; the first rule that is asked by is newer.
  public mutating func restore(_ line: HandedLine) {
    guard lines.count < MeterBook.mostLines, !lines.contains(where: { $0.identity == line.identity }) else { return }
    var fresh = Line(identity: line.identity, generation: 0, rule: TokenBucketRule(line.spent.rate))
    fresh.revision = TokenBucket.revision(line.revision, plus: 0)
    if let (_, sight) = line.spent.bucket { fresh.meter = Meter(sight) }
    lines.append(fresh)
  }

  /// Goes on with the bucket of a key of another process.
  public mutating func restore(_ key: HandedKey) {
    _ = keyed.update(key.key) { $0 = Meter(TokenBucket.Sight(arrival: key.arrival, used: key.used)) }
  }

  /// Goes on with a quota of another process, which has counted on since it was kept.
  public mutating func adopt(_ identity: UInt64, start: Int64, used: Int64) {
    let place = quota(identity)
    let known = quotas[place].meter
    guard known.span.start < start || (known.span.start == start && known.used < used) else { return }
    quotas[place].meter = QuotaMeter(start: start, used: used)
    quotas[place].isDirty = true
  }

  // MARK: - quotas

  private mutating func quota(_ identity: UInt64) -> Int {
    if let place = quotas.firstIndex(where: { $0.identity == identity }) { return place }
    quotas.append(QuotaLine(identity: identity, meter: QuotaMeter()))
    return quotas.count - 1
  }

  /// Whether `amount` more fits into a quota; `time` is in seconds since 1970.
  mutating func look(_ level: inout LimitLevel, quota amount: Int64, at time: Int64, in zone: TimeZoneTable) {
    let place = quota(level.identity)
    quotas[place].meter.advance(to: time, of: level.period, in: zone)
    quotas[place].number = level.number
    quotas[place].amount = level.amount
    quotas[place].soft = level.soft
    let meter = quotas[place].meter
    let left = max(0, level.amount - meter.used)
    level.length = meter.span.end - meter.span.start
    let wait = max(1, meter.span.end - time) * .second
    level.admission = Admission(isAdmitted: left >= amount, remaining: left, wait: wait)
  }

  /// Counts `amount` of a quota.
  mutating func use(_ level: inout LimitLevel, quota amount: Int64) {
    let place = quota(level.identity)
    level.isCrossing = quotas[place].meter.use(amount, of: level.amount, soft: level.soft)
    quotas[place].isDirty = true
    level.admission.remaining = max(0, level.amount - quotas[place].meter.used)
  }

  /// Puts back what was counted for a request that does not go on.
  mutating func giveBack(quota identity: UInt64, _ amount: Int64) {
    guard let place = quotas.firstIndex(where: { $0.identity == identity }) else { return }
    quotas[place].meter.giveBack(amount)
    quotas[place].isDirty = true
  }

  /// Counts what a request used beyond what was counted when it came; the quota, when that crosses its soft line.
  public mutating func use(quota identity: UInt64, _ amount: Int64) -> QuotaLine? {
    guard let place = quotas.firstIndex(where: { $0.identity == identity }) else { return nil }
    quotas[place].isDirty = true
    let isCrossing = quotas[place].meter.use(amount, of: quotas[place].amount, soft: quotas[place].soft)
    return isCrossing ? quotas[place] : nil
  }

  /// Takes over what was kept of a quota, unless it is known already.
  public mutating func restore(_ identity: UInt64, start: Int64, used: Int64) {
    guard !quotas.contains(where: { $0.identity == identity }) else { return }
    quotas.append(QuotaLine(identity: identity, meter: QuotaMeter(start: start, used: used)))
  }

  /// What is used of a quota; `nil` when it is not known.
  public func used(of identity: UInt64) -> Int64? { quotas.first { $0.identity == identity }?.meter.used }

  /// The period in which so much was used of a quota; `nil` when it is not known.
  public func meter(of identity: UInt64) -> QuotaMeter? { quotas.first { $0.identity == identity }?.meter }

  /// Has a quota begin anew.
  public mutating func reset(_ identity: UInt64) {
    for place in quotas.indices where quotas[place].identity == identity {
      quotas[place].meter.reset()
      quotas[place].isDirty = true
    }
  }

  /// Whether some quota has changed since they were last asked for.
  public var hasChanged: Bool { quotas.contains(where: \.isDirty) }

  /// The quotas that have changed since they were last asked for.
  public mutating func takeChanged() -> [QuotaLine] {
    var changed: [QuotaLine] = []
    for place in quotas.indices where quotas[place].isDirty {
      quotas[place].isDirty = false
      changed.append(quotas[place])
    }
    return changed
  }

  // MARK: - connections

  /// Counts one connection of `client` in, unless there are too many: `nil` when it is in, else the bound it met.
  public mutating func enter(client: UInt64, most: Int32, perClient: Int32) -> ConnectionBound? {
    if most > 0, connections >= most { return .tenant }
    let own = connectionsOfClients[client] ?? 0
    if perClient > 0, own >= perClient { return .client }
    connections += 1
    connectionsOfClients[client] = own + 1
    return nil
  }

  /// Counts one connection of `client` out.
  public mutating func leave(client: UInt64) {
    guard let own = connectionsOfClients[client] else { return }
    connections -= 1
    connectionsOfClients[client] = own > 1 ? own - 1 : nil
  }
}

/// The bound on connections that one more has met.
public enum ConnectionBound: Sendable {
  /// That of all of the tenant's clients.
  case tenant
  /// That of one client.
  case client
}
