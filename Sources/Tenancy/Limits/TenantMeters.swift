public import Primitives
import Synchronization

/// What a tenant with more than plain limits has used: made when it is first asked for, shared by all workers.
public struct TenantMeters: ~Copyable, @unchecked Sendable {
  // Unchecked: the book is only touched under the lock.
  private let lock = Mutex(())
  private let pages: UnsafeMutablePointer<MeterBook>
  /// Its bytes to clients.
  public let outward = Pace()
  /// Its bytes from clients.
  public let inward = Pace()

  /// Nothing used.
  public init(mostKeys: Int = MeterBook.mostKeys) {
    pages = .allocate(capacity: 1)
    pages.initialize(to: MeterBook(mostKeys: mostKeys))
  }

  deinit {
    pages.deinitialize(count: 1)
    pages.deallocate()
  }

  /// The counts, for the few steps of one decision.
  public borrowing func withBook<Result>(_ body: (inout MeterBook) -> Result) -> Result {
    lock.withLock { _ in body(&pages.pointee) }
  }
}

/// What became of a request at all its levels.
public enum LimitOutcome: Sendable, Equatable {
  /// It may go on, after so many nanoseconds.
  case admitted(after: Int64)
  /// Some of the levels refuse; nothing was taken from any.
  case refused
}

extension TenantLedger {
  /// Asks all levels of a request and takes from all of them or from none.
  ///
  /// - Parameters:
  ///   - tokens: what the request counts as.
  ///   - generation: of the configuration that the levels are of.
  ///   - time: seconds since 1970.
  ///   - zones: what the levels' `zone` counts.
  public func decide(
    _ levels: UnsafeMutableBufferPointer<LimitLevel>, of tenant: TenantIndex,
    with meters: UnsafeMutablePointer<TenantMeters>, tokens: Int64, generation: UInt64, at now: Instant, time: Int64,
    zones: [TimeZoneTable]
  ) -> LimitOutcome {
    meters.pointee.withBook { book in
      for place in levels.indices {
        look(&levels[place], tenant, &book, tokens, generation, now, time, zones)
      }
      guard !levels.contains(where: \.isRefusing) else {
        for place in levels.indices { levels[place].tellUntaken(tokens) }
        return .refused
      }
      // Those that other tenants and older configurations take from come first: only they can have run dry meanwhile.
      for place in levels.indices where !take(&levels[place], tenant, tokens, now) {
        for taken in levels[..<place].indices { giveBack(levels[taken], tenant, tokens, now) }
        for other in levels.indices where other != place { levels[other].tellUntaken(tokens) }
        return .refused
      }
      var pause: Int64 = 0
      for place in levels.indices {
        if levels[place].admission.isAdmitted, !levels[place].isShadow { pause = max(pause, levels[place].pause) }
        finish(&levels[place], &book, tokens, now)
      }
      return .admitted(after: pause)
    }
  }

  private func look(
    _ level: inout LimitLevel, _ tenant: TenantIndex, _ book: inout MeterBook, _ tokens: Int64, _ generation: UInt64,
    _ now: Instant, _ time: Int64, _ zones: [TimeZoneTable]
  ) {
    // What only counts does not make anybody wait.
    let demand = Demand(tokens, patience: level.isShadow ? 0 : level.delay)
    var grant = Grant(admission: level.admission)
    switch level.kind {
    case .shared: grant = level.bucket!.pointee.look(demand, level.rule, revision: level.revision, at: now)
    case .account: grant = ask(&level, tenant, now) { $0.look(demand, $1, revision: $2, at: now) }
    case .fixed, .keyed: return book.look(&level, tokens, generation, at: now)
    case .requestQuota: return book.look(&level, quota: tokens, at: time, in: zones[Int(level.zone)])
    // Whoever comes before it is used up goes on: how much it will take is not known.
    case .byteQuota: return book.look(&level, quota: 1, at: time, in: zones[Int(level.zone)])
    }
    level.admission = grant.admission
    level.pause = grant.pause
  }

  /// Takes from a level outside of the tenant's meters; false when it has run dry since it was looked at.
  private func take(_ level: inout LimitLevel, _ tenant: TenantIndex, _ tokens: Int64, _ now: Instant) -> Bool {
    guard level.admission.isAdmitted else { return true }
    let demand = Demand(tokens, patience: level.isShadow ? 0 : level.delay)
    let grant: Grant
    switch level.kind {
    case .shared: grant = level.bucket!.pointee.take(demand, level.rule, revision: level.revision, at: now)
    case .account: grant = ask(&level, tenant, now) { $0.take(demand, $1, revision: $2, at: now) }
    case .fixed, .keyed, .requestQuota, .byteQuota: return true
    }
    level.admission = grant.admission
    level.pause = grant.pause
    return grant.admission.isAdmitted || level.isShadow
  }

  /// Takes from a level of the tenant's meters, which nobody else can have changed.
  private func finish(_ level: inout LimitLevel, _ book: inout MeterBook, _ tokens: Int64, _ now: Instant) {
    guard level.admission.isAdmitted else { return }
    switch level.kind {
    case .fixed, .keyed: book.take(&level, tokens, at: now)
    case .requestQuota: book.use(&level, quota: tokens)
    case .shared, .account, .byteQuota: break
    }
  }

  private func giveBack(_ level: LimitLevel, _ tenant: TenantIndex, _ tokens: Int64, _ now: Instant) {
    guard level.admission.isAdmitted else { return }
    if level.kind == .shared { level.bucket!.pointee.giveBack(tokens, at: now) }
    guard level.kind == .account else { return }
    change(tenant, (level.rule, level.revision), now) { $0.giveBack(tokens, $1, revision: $2, at: now) }
  }

  /// Asks the bucket of a tenant's account, by the newest rule if it has left the one that the level has.
  private func ask(
    _ level: inout LimitLevel, _ tenant: TenantIndex, _ now: Instant,
    _ body: (borrowing TokenBucket, TokenBucketRule, UInt8) -> Grant?
  ) -> Grant {
    if let grant = body(account(tenant).pointee.bucket, level.rule, level.revision) { return grant }
    while true {
      switch newestRule(of: tenant, at: now) {
      case .unlimited: return Grant(admission: Admission(isAdmitted: true, remaining: 0, wait: 0))
      case .gone: return Grant(admission: Admission(isAdmitted: false, remaining: 0, wait: 0))
      case .rule(let newest):
        (level.rule, level.revision) = (newest.rule, newest.revision)
        if let grant = body(account(tenant).pointee.bucket, newest.rule, newest.revision) { return grant }
      }
    }
  }

  /// Changes the bucket of a tenant's account by the rule that is known, or by the newest if it has left that.
  private func change(
    _ tenant: TenantIndex, _ known: (TokenBucketRule, UInt8), _ now: Instant,
    _ body: (borrowing TokenBucket, TokenBucketRule, UInt8) -> Bool
  ) {
    if body(account(tenant).pointee.bucket, known.0, known.1) { return }
    while case .rule(let newest) = newestRule(of: tenant, at: now) {
      if body(account(tenant).pointee.bucket, newest.rule, newest.revision) { return }
    }
  }

  // MARK: - afterwards

  /// Puts all back that was taken for a request that does not go on after all.
  ///
  /// - Parameter directory: the one in use, for the rule of the tenant's plain rate.
  public func giveBack(
    _ marks: UnsafeBufferPointer<LimitMark>, of tenant: TenantIndex, in directory: TenantDirectory,
    with meters: UnsafeMutablePointer<TenantMeters>, tokens: Int64, at now: Instant
  ) {
    meters.pointee.withBook { book in
      for mark in marks where mark.isTaken {
        switch mark.kind {
        case .shared: mark.bucket!.pointee.giveBack(tokens, at: now)
        case .account:
          guard directory.isLive(tenant) else { break }
          let known = directory.rule(of: tenant)
          guard !known.rule.isUnlimited else { break }
          change(tenant, (known.rule, known.revision), now) { $0.giveBack(tokens, $1, revision: $2, at: now) }
        case .fixed, .keyed: book.giveBack(mark, tokens, at: now)
        case .requestQuota: book.giveBack(quota: mark.identity, tokens)
        case .byteQuota: break
        }
      }
    }
  }

  /// Charges what a request cost beyond what was taken for it, to all its levels; `crossed` is told of quotas whose soft
  /// line that crosses.
  public func charge(
    _ marks: UnsafeBufferPointer<LimitMark>, of tenant: TenantIndex, in directory: TenantDirectory,
    with meters: UnsafeMutablePointer<TenantMeters>, tokens: Int64, at now: Instant,
    crossed: (MeterBook.QuotaLine) -> Void
  ) {
    meters.pointee.withBook { book in
      for mark in marks {
        switch mark.kind {
        case .shared: mark.bucket!.pointee.charge(tokens, at: now)
        case .account: charge(tenant, in: directory, tokens: tokens, at: now)
        case .fixed, .keyed: book.charge(mark, tokens, at: now)
        case .requestQuota: if let line = book.use(quota: mark.identity, tokens) { crossed(line) }
        case .byteQuota: break
        }
      }
    }
  }

  /// Charges what a request cost beyond what was taken for it to the bucket of its tenant's plain rate.
  public func charge(_ tenant: TenantIndex, in directory: TenantDirectory, tokens: Int64, at now: Instant) {
    guard directory.isLive(tenant) else { return }
    let known = directory.rule(of: tenant)
    guard !known.rule.isUnlimited else { return }
    change(tenant, (known.rule, known.revision), now) { $0.charge(tokens, $1, revision: $2, at: now) }
  }
}
