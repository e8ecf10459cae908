import HTTP
import Platform
import Primitives
import Synchronization
import Tenancy

/// A count that one thread raises and any thread reads.
struct Counter: ~Copyable {
  private let value = Atomic<UInt64>(0)

  /// Raises the count; only its worker may.
  @inline(__always)
  func add(_ amount: UInt64 = 1) {
    value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// Lowers the count; only its worker may.
  @inline(__always)
  func subtract(_ amount: UInt64 = 1) {
    value.store(value.load(ordering: .relaxed) &- amount, ordering: .relaxed)
  }

  /// Replaces the count; only its worker may.
  func set(_ amount: UInt64) { value.store(amount, ordering: .relaxed) }

  /// The count now.
  var current: UInt64 { value.load(ordering: .relaxed) }
}

/// Rows of counters of one width, made as they are needed; a row never moves.
///
/// One worker adds rows and raises counters; others read rows below `count`.
struct CounterTable: ~Copyable {
  /// Rows made at a time.
  static let chunk = 256
  /// Chunks at most; a row beyond them is refused.
  static let chunks = 131_072
  /// Counters of a row.
  let width: Int
  private let table: UnsafeMutablePointer<UnsafeMutablePointer<Counter>?>
  private let published = Atomic<Int>(0)

  init(width: Int) {
    self.width = width
    table = .allocate(capacity: CounterTable.chunks)
    table.initialize(repeating: nil, count: 1)
  }

  deinit {
    let rows = count
    for chunk in 0..<(rows + CounterTable.chunk - 1) / CounterTable.chunk { table[chunk]?.deallocate() }
    table.deallocate()
  }

  /// Rows made so far.
  var count: Int { published.load(ordering: .acquiring) }

  /// The first counter of row `index`, below `count`.
  @inline(__always)
  func row(_ index: Int) -> UnsafeMutablePointer<Counter> {
    table[index / CounterTable.chunk]! + (index % CounterTable.chunk) * width
  }

  /// Makes one more row, set up by `body` before others can see it; -1 when there are too many.
  func add(_ body: (UnsafeMutablePointer<Counter>) -> Void) -> Int {
    let index = published.load(ordering: .relaxed)
    let chunk = index / CounterTable.chunk
    guard chunk < CounterTable.chunks else { return -1 }
    if index % CounterTable.chunk == 0 {
      let counters = UnsafeMutablePointer<Counter>.allocate(capacity: CounterTable.chunk * width)
      for position in 0..<CounterTable.chunk * width { (counters + position).initialize(to: Counter()) }
      table[chunk] = counters
    }
    body(row(index))
    published.store(index + 1, ordering: .releasing)
    return index
  }
}

/// The places of a histogram's counters: the sum in nanoseconds, then one count a bucket.
enum HistogramPlace {
  /// Counters of a histogram.
  static let width = 1 + HistogramSnapshot.bounds.count + 1

  /// Adds one duration to the histogram that starts at `place`.
  @inline(__always)
  static func add(_ nanoseconds: Int64, to place: UnsafeMutablePointer<Counter>) {
    place.pointee.add(UInt64(max(0, nanoseconds)))
    place[1 + bucket(of: nanoseconds)].add()
  }

  /// The bucket of a duration: decades of a millisecond, each cut at 1, 2.5 and 5.
  @inline(__always)
  static func bucket(of nanoseconds: Int64) -> Int {
    if nanoseconds <= 1_000_000 { return 0 }
    var bucket = 1
    var decade: Int64 = 1_000_000
    while bucket < HistogramSnapshot.bucketCount - 1 {
      if nanoseconds <= decade * 5 / 2 { return bucket }
      if nanoseconds <= decade * 5 { return bucket + 1 }
      if nanoseconds <= decade * 10 { return bucket + 2 }
      bucket += 3
      decade *= 10
    }
    return HistogramSnapshot.bucketCount - 1
  }
}

extension HistogramSnapshot {
  /// Buckets, the one over the last bound included.
  static let bucketCount = 14

  /// Adds what the histogram at `place` counted.
  mutating func add(_ place: UnsafeMutablePointer<Counter>) {
    sum += Double(place.pointee.current) / 1e9
    for bucket in 0..<HistogramSnapshot.bucketCount { buckets[bucket] += place[1 + bucket].current }
  }
}

/// The places of a tenant's row: one row for each shard its requests were placed on.
enum TenantPlace {
  /// Tenant index above the shard's number plus one.
  static let identity = 0
  /// The row of the same tenant on another shard, plus one.
  static let next = 1
  /// Answers by class, five counters.
  static let classes = 2
  static let bytesIn = 7
  static let bytesOut = 8
  /// Refusals by `requests`, then by `concurrency`.
  static let limited = 9
  static let histogram = 11
  static let width = histogram + HistogramPlace.width
}

/// The places of a row of one limit of one tenant.
enum LimitPlace {
  /// Tenant index above the limit's number.
  static let identity = 0
  static let limited = 1
  /// What it would have refused, had it not only counted.
  static let shadow = 2
  /// Buckets of keys that had to make room for others.
  static let evicted = 3
  static let width = 4
}

/// The places of a backend's row.
enum BackendPlace {
  /// Responses by class, five counters.
  static let classes = 0
  static let active = 5
  static let idle = 6
  static let retries = 7
  static let histogram = 8
  /// How long requests waited that were given a slot of it.
  static let queued = histogram + HistogramPlace.width
  static let width = queued + HistogramPlace.width
}

/// The places of a worker's own counters.
enum WorkerPlace {
  static let activeConnections = 0
  static let idleConnections = 1
  /// Affinity by result: bound, kept, rebound, rejected.
  static let affinity = 2
  static let droppedRecords = 6
  /// Handshakes of clients: new sessions, resumed ones, and those that came to nothing.
  static let handshakes = 7
  static let resumed = 8
  static let failedHandshakes = 9
  /// Refusals of requests without tenant, by code.
  static let refused = 10
  /// Connections and streams of HTTP/2 that were told to be calm, by kind.
  static let floods = refused + RefusalCode.count
  /// Handshakes that failed, by kind: those of clients, then those with backends.
  static let handshakeFailures = floods + FloodKind.allCases.count
  /// Requests refused since the process runs out of something.
  static let overloaded = handshakeFailures + 2 * TLSFailureKind.allCases.count
  /// Answers by which a backend said that a request was placed by an earlier epoch than it knows.
  static let staleRoutes = overloaded + 1
  /// Idle clients that were parted from for want of room.
  static let idleParted = staleRoutes + 1
  static let width = idleParted + 1
}

/// What one worker counts.
final class WorkerCounters: @unchecked Sendable {
  // Unchecked: one worker writes, through counters that any thread may read.
  /// The worker's own counters: one row of `WorkerPlace`.
  let own = CounterTable(width: WorkerPlace.width)
  /// Rows of tenants with traffic.
  let tenants = CounterTable(width: TenantPlace.width)
  /// Rows of limits other than the plain ones, and the row of each tenant and limit: for the worker only.
  let limits = CounterTable(width: LimitPlace.width)
  private var rowOfLimit: [UInt64: Int] = [:]
  /// Rows of backends by number in the roster.
  let backends = CounterTable(width: BackendPlace.width)
  /// The first row of each tenant plus one, by index; touched only for tenants with traffic.
  let rowOfTenant: UnsafeMutablePointer<Int32>

  init() {
    rowOfTenant = ZeroedMemory.reserve(Int32.self, count: TenantLedger.maximumTenants)
    _ = own.add { _ in }
  }

  deinit { ZeroedMemory.release(rowOfTenant, count: TenantLedger.maximumTenants) }

  /// The row of `tenant` on shard number `shard` (-1: none), made when there is none; `nil` when there are too many.
  @inline(__always)
  func row(ofTenant tenant: Int32, shard: Int32) -> UnsafeMutablePointer<Counter>? {
    let identity = UInt64(UInt32(bitPattern: tenant)) << 32 | UInt64(UInt32(bitPattern: shard &+ 1))
    let first = Int(rowOfTenant[Int(tenant)])
    if first > 0 {
      let row = tenants.row(first - 1)
      if row[TenantPlace.identity].current == identity { return row }
    }
    return findRow(identity, tenant, first)
  }

  /// Makes the first row of `tenant`, if it has none: from now on it is one of those with traffic.
  @inline(__always)
  func announce(_ tenant: Int32, shard: Int32) {
    if rowOfTenant[Int(tenant)] == 0 { _ = row(ofTenant: tenant, shard: shard) }
  }

  /// Has the first row of `tenant` fetched, which will be needed when its exchange ends.
  @inline(__always)
  func prefetchRow(ofTenant tenant: Int32) {
    let first = Int(rowOfTenant[Int(tenant)])
    guard first > 0 else { return }
    let row = tenants.row(first - 1)
    Prefetch.lines(row, row + 8, row + 16)
  }

  @inline(never)
  private func findRow(_ identity: UInt64, _ tenant: Int32, _ first: Int) -> UnsafeMutablePointer<Counter>? {
    var next = first
    while next > 0 {
      let row = tenants.row(next - 1)
      if row[TenantPlace.identity].current == identity { return row }
      next = Int(row[TenantPlace.next].current)
    }
    let index = tenants.add { row in
      row[TenantPlace.identity].set(identity)
      row[TenantPlace.next].set(UInt64(first))
    }
    guard index >= 0 else { return nil }
    rowOfTenant[Int(tenant)] = Int32(index + 1)
    return tenants.row(index)
  }

  /// The row of limit number `limit` of `tenant`, made when there is none; `nil` when there are too many.
  @inline(never)
  func row(ofLimit limit: Int32, tenant: Int32) -> UnsafeMutablePointer<Counter>? {
    let identity = UInt64(UInt32(bitPattern: tenant)) << 32 | UInt64(UInt32(bitPattern: limit))
    if let known = rowOfLimit[identity] { return limits.row(known) }
    let index = limits.add { $0[LimitPlace.identity].set(identity) }
    guard index >= 0 else { return nil }
    rowOfLimit[identity] = index
    return limits.row(index)
  }

  /// The row of backend `number`, rows up to it made when there is none.
  @inline(__always)
  func row(ofBackend number: Int32) -> UnsafeMutablePointer<Counter> {
    while backends.count <= Int(number) { _ = backends.add { _ in } }
    return backends.row(Int(number))
  }

  /// The worker's own counters.
  var mine: UnsafeMutablePointer<Counter> { own.row(0) }
}
