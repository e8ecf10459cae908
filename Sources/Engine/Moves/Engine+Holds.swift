import Platform
import Primitives
import Synchronization
import Tenancy

extension Engine {
  /// Begins to hold the requests of a tenant; `nil` when there is no such tenant, or it is held already. For any thread.
  public func hold(_ tenant: String, _ terms: HoldTerms) -> TenantHold? {
    let name = Array(tenant.utf8)
    let index = blueprint.tenants.tenant(id: name, name.count)
    guard index >= 0 else { return nil }
    let hold = TenantHold(index, terms, workers: workers.count)
    guard process.holds.add(hold) else { return nil }
    process.setHolds(true)
    tellOfHolds()
    return hold
  }

  /// Holds safe requests too, if those passed until now.
  ///
  /// False when the hold lets go by now.
  public func holdAll(_ hold: TenantHold) -> Bool {
    raise(hold, to: .all)
    return hold.current <= .all
  }

  /// Lets go what is held, in each worker as soon as it knows that the tenant's epoch is `epoch` or later.
  ///
  /// - Parameter grace: nanoseconds over which long streams that were left behind are ended; `nil` leaves them.
  public func release(_ hold: TenantHold, epoch: UInt64, endingStreamsOver grace: Int64?) {
    hold.epoch.store(epoch, ordering: .relaxed)
    hold.grace.store(grace ?? -1, ordering: .relaxed)
    raise(hold, to: .releasing)
  }

  /// Ends a hold: what it still holds goes its way at once.
  public func end(_ hold: TenantHold) { raise(hold, to: .over) }

  /// Forgets holds that have ended.
  public func sweepHolds() {
    if process.holds.sweep() { process.setHolds(false) }
  }

  private func raise(_ hold: TenantHold, to stage: HoldStage) {
    guard hold.current < stage else { return }
    hold.stage.store(stage.rawValue, ordering: .releasing)
    tellOfHolds()
  }

  private func tellOfHolds() {
    for worker in workers { worker.mailbox.tellOfHolds() }
  }

  // MARK: - where tenants are

  /// The shard that serves a tenant, by the blueprint in use, and its epoch; `nil` when there is no such tenant.
  public func placement(of tenant: String) -> (shard: String?, epoch: UInt64)? {
    let blueprint = self.blueprint
    let name = Array(tenant.utf8)
    let index = blueprint.tenants.tenant(id: name, name.count)
    guard index >= 0 else { return nil }
    var home = Int(blueprint.tenants.home(of: index))
    if home < 0, !blueprint.unlistedShards.isEmpty {
      let hashes = blueprint.unlistedShards.map { Rendezvous.hash(blueprint.shards[$0].name) }
      home =
        blueprint.unlistedShards[
          Rendezvous.choose(
            key: blueprint.tenants.rendezvousHash(of: index), shards: hashes, count: hashes.count)]
    }
    return (home < 0 ? nil : blueprint.shards[home].name, blueprint.tenants.epoch(of: index))
  }

  /// What was counted so far of a tenant's answers from a shard.
  public func traffic(of tenant: String, onShard shard: String) -> (
    requests: UInt64, errors: UInt64, times: HistogramSnapshot
  ) {
    var (requests, errors, times) = (UInt64(0), UInt64(0), HistogramSnapshot())
    let name = Array(tenant.utf8)
    let index = blueprint.tenants.tenant(id: name, name.count)
    let number = process.roster.number(ofShard: shard)
    guard index >= 0, number >= 0 else { return (0, 0, times) }
    let identity = UInt64(UInt32(bitPattern: index)) << 32 | UInt64(UInt32(bitPattern: number &+ 1))
    for worker in workers {
      for place in 0..<worker.counters.tenants.count {
        let row = worker.counters.tenants.row(place)
        guard row[TenantPlace.identity].current == identity else { continue }
        for kind in 0..<5 { requests += row[TenantPlace.classes + kind].current }
        errors += row[TenantPlace.classes + 4].current
        times.add(row + TenantPlace.histogram)
      }
    }
    return (requests, errors, times)
  }
}

extension HistogramSnapshot {
  /// What was counted since `earlier`.
  public func since(_ earlier: HistogramSnapshot) -> HistogramSnapshot {
    var difference = self
    difference.sum -= earlier.sum
    for place in buckets.indices { difference.buckets[place] &-= earlier.buckets[place] }
    return difference
  }

  /// In how many nanoseconds `percent` of 100 were done, read off between the bounds; 0 when nothing was counted.
  public func nanoseconds(below percent: Int) -> Int64 {
    let total = buckets.reduce(0, &+)
    guard total > 0 else { return 0 }
    let rank = Double(total) * Double(percent) / 100
    var (below, low) = (0.0, 0.0)
    for (place, count) in buckets.enumerated() {
      let high = place < HistogramSnapshot.bounds.count ? HistogramSnapshot.bounds[place] : low * 2
      if below + Double(count) >= rank, count > 0 {
        return Int64((low + (high - low) * (rank - below) / Double(count)) * 1e9)
      }
      below += Double(count)
      low = high
    }
    return Int64(low * 1e9)
  }
}
