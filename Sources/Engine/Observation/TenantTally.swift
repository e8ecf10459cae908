import Primitives

/// What is counted of some tenants, or of all others together, flat: a block of counts each, zero at first.
///
/// A block holds the counters that a row has beside its classes, then the classes of each shard, those of no shard first.
struct TenantTally {
  /// Counters of a row from its bytes on.
  private static let shared = TenantPlace.width - TenantPlace.bytesIn
  private static let limits = ["requests", "concurrency"]
  /// Counts of a block.
  private let width: Int
  private var counts: [UInt64]

  /// Nothing counted, with a number of blocks.
  init(blocks: Int = 1, shards: Int) {
    width = TenantTally.shared + 5 * (shards + 1)
    counts = [UInt64](repeating: 0, count: blocks * width)
  }

  /// Adds the first `rows` rows of a worker, each to the block that `block` gives for its tenant.
  mutating func add(_ worker: WorkerCounters, rows: Int, block: (Int) -> Int) {
    let (width, shards) = (width, (width - TenantTally.shared) / 5 - 1)
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

  /// A block by itself.
  func block(_ place: Int) -> TenantTally {
    var tally = TenantTally(blocks: 0, shards: (width - TenantTally.shared) / 5 - 1)
    tally.counts = Array(counts[(place * width)..<((place + 1) * width)])
    return tally
  }

  /// Adds another tally of one block.
  mutating func add(_ other: TenantTally) {
    for (place, count) in other.counts.enumerated() { counts[place] &+= count }
  }

  /// Takes out an earlier tally of the same rows.
  mutating func subtract(_ earlier: TenantTally) {
    for (place, count) in earlier.counts.enumerated() { counts[place] &-= count }
  }

  /// The first block as it is told, with the names of the shards.
  func metrics(name: String, shards: [String], inFlight: Int) -> TenantMetrics {
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
    let histogram = TenantPlace.histogram - TenantPlace.bytesIn
    metrics.duration.sum = Double(counts[histogram]) / 1e9
    metrics.duration.buckets = Array(counts[(histogram + 1)..<(histogram + HistogramPlace.width)])
    return metrics
  }
}
