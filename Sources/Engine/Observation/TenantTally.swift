import Primitives

/// What is counted of some tenants, or of all others together, flat: a block of counts each, zero at first.
///
/// A block holds the counters that a row has beside its classes, then the classes of each shard, those of no shard first.
/// Counts of further limits stand apart: of an earlier tally fewer shards and limits are known, the first ones.
struct TenantTally {
  /// Counters of a row from its bytes on.
  private static let shared = TenantPlace.width - TenantPlace.bytesIn
  private static let limits = ["requests", "concurrency"]
  /// Counts of a limit: refusals, those only counted, and keys that had to make room.
  private static let perLimit = 3
  private let shardCount: Int
  private let limitCount: Int
  /// Counts of a block.
  private let width: Int
  private var counts: [UInt64]
  private var limitCounts: [UInt64]

  /// Nothing counted, with a number of blocks.
  init(blocks: Int = 1, shards: Int, limits: Int = 0) {
    shardCount = shards
    limitCount = limits
    width = TenantTally.shared + 5 * (shards + 1)
    limitCounts = [UInt64](repeating: 0, count: blocks * TenantTally.perLimit * limits)
    counts = [UInt64](repeating: 0, count: blocks * width)
  }

  /// Adds the first `rows` rows of a worker, each to the block that `block` gives for its tenant.
  mutating func add(_ worker: WorkerCounters, rows: Int, block: (Int) -> Int) {
    let (width, shards) = (width, shardCount)
    counts.withUnsafeMutableBufferPointer { counts in
      for index in 0..<rows {
        let row = worker.tenants.row(index)
        let identity = row[TenantPlace.identity].current
        let shard = Int(identity & 0xFFFF_FFFF) - 1
        guard shard < shards else { continue }
        let sum = counts.baseAddress! + block(Int(identity >> 32)) * width
        for place in 0..<TenantTally.shared { sum[place] &+= row[TenantPlace.bytesIn + place].current }
        let classes = sum + TenantTally.shared + 5 * (shard + 1)
        for place in 0..<5 { classes[place] &+= row[TenantPlace.classes + place].current }
      }
    }
  }

  /// Adds the further limits of a worker, each to the block that `block` gives for its tenant.
  mutating func addLimits(_ worker: WorkerCounters, block: (Int) -> Int) {
    for index in 0..<worker.limits.count {
      let row = worker.limits.row(index)
      let identity = row[LimitPlace.identity].current
      let limit = Int(identity & 0xFFFF_FFFF)
      guard limit < limitCount else { continue }
      let start = TenantTally.perLimit * (block(Int(identity >> 32)) * limitCount + limit)
      for place in 0..<TenantTally.perLimit { limitCounts[start + place] &+= row[LimitPlace.limited + place].current }
    }
  }

  /// A block by itself.
  func block(_ place: Int) -> TenantTally {
    var tally = TenantTally(blocks: 0, shards: shardCount, limits: limitCount)
    tally.counts = Array(counts[(place * width)..<((place + 1) * width)])
    let limits = TenantTally.perLimit * limitCount
    tally.limitCounts = Array(limitCounts[(place * limits)..<((place + 1) * limits)])
    return tally
  }

  /// Adds another tally of one block.
  mutating func add(_ other: TenantTally) {
    for (place, count) in other.counts.enumerated() { counts[place] &+= count }
    for (place, count) in other.limitCounts.enumerated() { limitCounts[place] &+= count }
  }

  /// Takes out an earlier tally of the same rows.
  mutating func subtract(_ earlier: TenantTally) {
    for (place, count) in earlier.counts.enumerated() { counts[place] &-= count }
    for (place, count) in earlier.limitCounts.enumerated() { limitCounts[place] &-= count }
  }

  /// The first block as it is told, with the names of the shards.
  func metrics(name: String, shards: [String], limits: [String], inFlight: Int) -> TenantMetrics {
    var metrics = TenantMetrics(name: name)
    metrics.inFlight = inFlight
    for (place, shard) in ([""] + shards).enumerated() {
      let start = TenantTally.shared + 5 * place
      let classes = Array(counts[start..<start + 5])
      if classes.contains(where: { $0 > 0 }) { metrics.answers.append((shard: shard, classes: classes)) }
    }
    metrics.bytesIn = counts[TenantPlace.bytesIn - TenantPlace.bytesIn]
    metrics.bytesOut = counts[TenantPlace.bytesOut - TenantPlace.bytesIn]
    for (place, limit) in TenantTally.limits.enumerated() {
      let count = counts[TenantPlace.limited - TenantPlace.bytesIn + place]
      if count > 0 { metrics.limited.append((limit: limit, count: count)) }
    }
    for (place, limit) in limits.enumerated() where place < limitCount {
      let start = TenantTally.perLimit * place
      let (limited, shadowed, evicted) = (limitCounts[start], limitCounts[start + 1], limitCounts[start + 2])
      if limited > 0 { metrics.limited.append((limit: limit, count: limited)) }
      if shadowed > 0 { metrics.shadowed.append((limit: limit, count: shadowed)) }
      if evicted > 0 { metrics.evicted.append((limit: limit, count: evicted)) }
    }
    let histogram = TenantPlace.histogram - TenantPlace.bytesIn
    metrics.duration.sum = Double(counts[histogram]) / 1e9
    metrics.duration.buckets = Array(counts[(histogram + 1)..<(histogram + HistogramPlace.width)])
    return metrics
  }
}
