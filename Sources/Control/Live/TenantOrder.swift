import Glibc
import Tenancy

/// The tenants of a directory by name, kept from one page of a list to the next.
///
/// A tenant's number is never given again, so a new directory differs by those that are gone and by those with higher
/// numbers.
struct TenantOrder: Sendable {
  private var list: [TenantIndex] = []
  private var capacity = 0
  private weak var known: TenantDirectory?

  /// Brings the order up to a directory.
  mutating func follow(_ directory: TenantDirectory) {
    guard known !== directory else { return }
    known = directory
    let start = min(capacity, directory.capacity)
    var fresh = (TenantIndex(start)..<TenantIndex(max(start, directory.capacity))).filter { directory.isLive($0) }
    fresh.sort { TenantOrder.isBefore($0, $1, directory) }
    var merged: [TenantIndex] = []
    merged.reserveCapacity(list.count + fresh.count)
    var next = fresh.startIndex
    for tenant in list where Int(tenant) < start && directory.isLive(tenant) {
      while next < fresh.endIndex, TenantOrder.isBefore(fresh[next], tenant, directory) {
        merged.append(fresh[next])
        next += 1
      }
      merged.append(tenant)
    }
    merged += fresh[next...]
    list = merged
    capacity = directory.capacity
  }

  /// The names of tenants behind `name`, `limit` at most, that `fits` holds for, and whether there are more.
  func page(
    after name: String?, limit: Int, in directory: TenantDirectory, _ fits: (String) -> Bool
  ) -> (names: [String], hasMore: Bool) {
    var place = name.map { firstPlace(behind: Array($0.utf8), directory) } ?? 0
    var names: [String] = []
    while place < list.count {
      let name = directory.name(of: list[place])
      if fits(name) {
        if names.count == limit { return (names, true) }
        names.append(name)
      }
      place += 1
    }
    return (names, false)
  }

  private func firstPlace(behind name: [UInt8], _ directory: TenantDirectory) -> Int {
    var (low, high) = (0, list.count)
    while low < high {
      let middle = (low + high) / 2
      let isBehind = name.withUnsafeBufferPointer { name in
        TenantOrder.compare(directory.idBytes(of: list[middle]), name) > 0
      }
      if isBehind { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private static func isBefore(_ a: TenantIndex, _ b: TenantIndex, _ directory: TenantDirectory) -> Bool {
    compare(directory.idBytes(of: a), directory.idBytes(of: b)) < 0
  }

  private static func compare(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count - b.count }
    let order = memcmp(first, second, min(a.count, b.count))
    return order != 0 ? Int(order) : a.count - b.count
  }
}
