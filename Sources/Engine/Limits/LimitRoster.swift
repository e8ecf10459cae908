import Platform
import Primitives
import Synchronization
import Tenancy

/// What is counted of limits for the whole process: it outlives every reload.
///
/// Names and buckets are handed out by the control thread, meters of tenants by whoever comes first.
final class LimitRoster: @unchecked Sendable {
  // Unchecked: a name or a bucket is written before its number is published to any worker; meters are published by an
  // atomic store and never freed.
  /// The numbers of the limits that every tenant may have.
  static let requests: Int32 = 0
  static let concurrency: Int32 = 1
  static let connections: Int32 = 2
  static let clientConnections: Int32 = 3

  private struct Book {
    var names: [String: Int32] = [:]
    var list: [String] = []
    var buckets: [String: UnsafeMutablePointer<SharedBucket>] = [:]
  }

  /// Turns clients and values into keys that nobody outside can aim.
  let hash: SipHash
  let keys: HashKeys
  private let names: UnsafeMutablePointer<NameBytes>
  private let book = Mutex(Book())
  /// The meters of each tenant; 0 until it needs them.
  private let shelf: UnsafeMutablePointer<UInt>
  private let metered = Mutex<[TenantIndex]>([])
  /// What tenants came near to, until somebody tells of it.
  private let events = Mutex<[LimitEvent]>([])

  init(_ keys: HashKeys) {
    self.keys = keys
    hash = SipHash(key0: keys.first, key1: keys.second)
    names = .allocate(capacity: Limit.limitNames)
    shelf = ZeroedMemory.reserve(UInt.self, count: TenantLedger.maximumTenants)
    for name in ["requests", "concurrency", "connections", "connections per client"] { _ = number(of: name) }
  }

  deinit {
    for tenant in metered.withLock({ $0 }) {
      guard let meters = meters(ifMadeFor: tenant) else { continue }
      meters.deinitialize(count: 1)
      meters.deallocate()
    }
    ZeroedMemory.release(shelf, count: TenantLedger.maximumTenants)
    book.withLock { book in
      for bucket in book.buckets.values {
        bucket.deinitialize(count: 1)
        bucket.deallocate()
      }
      for number in book.list.indices { names[number].bytes.deallocate() }
    }
    names.deallocate()
  }

  // MARK: - names and shared buckets

  /// The number of a limit's name, -1 when there are too many.
  func number(of name: String) -> Int32 {
    book.withLock { book in
      if let number = book.names[name] { return number }
      guard book.list.count < Limit.limitNames else { return -1 }
      let number = Int32(book.list.count)
      let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, name.utf8.count))
      for (place, byte) in name.utf8.enumerated() { bytes[place] = byte }
      names[Int(number)] = NameBytes(bytes: UnsafePointer(bytes), count: name.utf8.count)
      book.names[name] = number
      book.list.append(name)
      return number
    }
  }

  /// The name of a limit.
  @inline(__always)
  func name(_ number: Int32) -> NameBytes { names[Int(number)] }

  /// All names, by number.
  var allNames: [String] { book.withLock { $0.list } }

  /// The bucket that tenants share under `key`, made with `rate` when there is none.
  func bucket(_ key: String, rate: RequestRate) -> UnsafeMutablePointer<SharedBucket> {
    book.withLock { book in
      if let known = book.buckets[key] { return known }
      let bucket = UnsafeMutablePointer<SharedBucket>.allocate(capacity: 1)
      bucket.initialize(to: SharedBucket(rate))
      book.buckets[key] = bucket
      return bucket
    }
  }

  /// All buckets that tenants share, by key.
  var allBuckets: [(key: String, bucket: UnsafeMutablePointer<SharedBucket>)] {
    book.withLock { $0.buckets.map { ($0.key, $0.value) } }
  }

  // MARK: - meters

  @inline(__always)
  private func place(_ tenant: TenantIndex) -> UnsafeMutablePointer<Atomic<UInt>> {
    UnsafeMutableRawPointer(shelf + Int(tenant)).assumingMemoryBound(to: Atomic<UInt>.self)
  }

  /// The meters of a tenant, if it has needed them before.
  func meters(ifMadeFor tenant: TenantIndex) -> UnsafeMutablePointer<TenantMeters>? {
    UnsafeMutablePointer(bitPattern: place(tenant).pointee.load(ordering: .acquiring))
  }

  /// The meters of a tenant, made when there are none.
  func meters(of tenant: TenantIndex) -> UnsafeMutablePointer<TenantMeters> {
    if let known = meters(ifMadeFor: tenant) { return known }
    return metered.withLock { tenants in
      if let known = meters(ifMadeFor: tenant) { return known }
      let fresh = UnsafeMutablePointer<TenantMeters>.allocate(capacity: 1)
      fresh.initialize(to: TenantMeters())
      place(tenant).pointee.store(UInt(bitPattern: fresh), ordering: .releasing)
      tenants.append(tenant)
      return fresh
    }
  }

  /// The tenants that have meters, those from place `first` on.
  func meteredTenants(from first: Int = 0) -> [TenantIndex] {
    metered.withLock { $0.count > first ? Array($0[first...]) : [] }
  }

  // MARK: - events

  /// Leaves word of a soft line that was crossed; what nobody takes is dropped when there is too much of it.
  func note(_ event: LimitEvent) {
    events.withLock { if $0.count < Limit.limitEvents { $0.append(event) } }
  }

  /// Takes all that was left.
  func takeEvents() -> [LimitEvent] {
    events.withLock { events in
      defer { events.removeAll() }
      return events
    }
  }
}

/// A tenant has crossed the soft line of a quota.
struct LimitEvent: Sendable {
  var tenant: TenantIndex
  /// The quota's number.
  var limit: Int32
  /// Percent.
  var soft: Int64
  var used: Int64
  var amount: Int64
}

extension LimitEvent {
  /// That of a quota whose soft line was crossed just now.
  init(_ tenant: TenantIndex, _ line: MeterBook.QuotaLine) {
    self.init(tenant: tenant, limit: line.number, soft: line.soft, used: line.meter.used, amount: line.amount)
  }
}
