import Tenancy

/// Which tenants have traffic at the moment of a scrape, and how many requests of each were answered: flat, by index.
struct TenantTraffic {
  /// Set beside the count of a tenant that had a row at the last scrape too.
  private static let mark: UInt64 = 1 << 63
  /// One more than the requests, 0 without traffic.
  private var counts: [UInt64]
  /// Rows of each worker at this moment; those made later are left to the next scrape.
  let rows: [Int]

  /// The traffic of tenants below `capacity`.
  ///
  /// - Parameter known: rows of each worker at the last scrape.
  init(_ workers: [WorkerCounters], known: [Int], capacity: Int) {
    rows = workers.map { $0.tenants.count }
    counts = [UInt64](repeating: 0, count: capacity)
    for (number, worker) in workers.enumerated() {
      add(worker, rows: rows[number], known: number < known.count ? known[number] : 0)
    }
  }

  private mutating func add(_ worker: WorkerCounters, rows: Int, known: Int) {
    counts.withUnsafeMutableBufferPointer { counts in
      for index in 0..<rows {
        let row = worker.tenants.row(index)
        let tenant = Int(row[TenantPlace.identity].current >> 32)
        guard tenant < counts.count else { continue }
        var count = counts[tenant]
        if count == 0 { count = 1 }
        for place in 0..<5 { count &+= row[TenantPlace.classes + place].current }
        counts[tenant] = index < known ? count | TenantTraffic.mark : count
      }
    }
  }

  /// The tenants that may have traffic.
  var tenants: Range<TenantIndex> { 0..<TenantIndex(counts.count) }

  /// Whether a tenant has a row.
  func isThere(_ tenant: TenantIndex) -> Bool { counts[Int(tenant)] > 0 }

  /// Requests of a tenant with traffic.
  func total(_ tenant: TenantIndex) -> UInt64 { counts[Int(tenant)] & ~TenantTraffic.mark &- 1 }

  /// Whether a tenant with traffic had none at the last scrape.
  func isNew(_ tenant: TenantIndex) -> Bool { counts[Int(tenant)] & TenantTraffic.mark == 0 }
}

/// The busiest tenants of many: a heap with the least busy on top, bounded by `most`.
struct BusiestTenants {
  /// A tenant and its requests.
  struct Entry: Comparable {
    var total: UInt64
    var tenant: TenantIndex

    static func < (one: Entry, another: Entry) -> Bool {
      one.total != another.total ? one.total < another.total : one.tenant > another.tenant
    }
  }

  private let most: Int
  private var heap: [Entry] = []

  init(most: Int) { self.most = most }

  /// The entries, the busiest first.
  var sorted: [Entry] { heap.sorted(by: >) }

  /// Whether an entry is among the busiest so far.
  func wants(_ entry: Entry) -> Bool { heap.count < most || (heap.first.map { $0 < entry } ?? false) }

  /// Keeps an entry if it is among the busiest so far.
  mutating func offer(_ entry: Entry) {
    if heap.count < most {
      heap.append(entry)
      rise(heap.count - 1)
    } else if wants(entry) {
      heap[0] = entry
      sink()
    }
  }

  private mutating func rise(_ start: Int) {
    var place = start
    while place > 0, heap[place] < heap[(place - 1) / 2] {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sink() {
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      guard least != place else { return }
      heap.swapAt(place, least)
      place = least
    }
  }
}
