/// The last changes of tenants, in order and without gaps.
///
/// In parts, so that one more does not copy all of them when somebody holds a copy.
struct TenantHistory: Sendable {
  /// Entries at most.
  static let mostEntries = 100_000
  /// Bytes at most; the last part stays whatever it takes.
  static let mostBytes = 64 << 20
  private static let partCount = 256

  private var parts: [[HistoryEntry]] = []
  private var weight = 0
  /// Entries.
  private(set) var count = 0
  /// The number of the newest entry there ever was; 0 before the first.
  private(set) var last: UInt64 = 0

  /// The number of the oldest entry that is there.
  var first: UInt64 { last - UInt64(count) + 1 }

  /// Adds the next entry; the oldest go when there are too many. One that is there already is left out.
  mutating func append(_ entry: HistoryEntry) {
    guard entry.n > last else { return }
    // What is before a gap is not the past of what is behind it.
    if entry.n != last + 1 { (parts, count, weight) = ([], 0, 0) }
    if parts.isEmpty || parts[parts.count - 1].count == TenantHistory.partCount { parts.append([]) }
    parts[parts.count - 1].append(entry)
    count += 1
    weight += entry.weight
    last = entry.n
    while parts.count > 1, count > TenantHistory.mostEntries || weight > TenantHistory.mostBytes {
      let old = parts.removeFirst()
      count -= old.count
      weight -= old.reduce(0) { $0 + $1.weight }
    }
  }

  /// The entry of number `n`.
  subscript(n: UInt64) -> HistoryEntry? {
    guard n >= first, n <= last, count > 0 else { return nil }
    // Every part but the last is full.
    let place = Int(n - first)
    return parts[place / TenantHistory.partCount][place % TenantHistory.partCount]
  }

  /// Entries older than `n`, the newest first, that `fits` holds for: `limit` at most, and one more if there is one.
  func page(before n: UInt64, limit: Int, _ fits: (HistoryEntry) -> Bool) -> [HistoryEntry] {
    var found: [HistoryEntry] = []
    var place = min(n, last + 1)
    while place > first, found.count <= limit {
      place -= 1
      if let entry = self[place], fits(entry) { found.append(entry) }
    }
    return found
  }

  /// All entries, the oldest first.
  func forEach<Failure>(_ body: (HistoryEntry) throws(Failure) -> Void) throws(Failure) {
    for part in parts {
      for entry in part { try body(entry) }
    }
  }

  /// What was kept of tenants right after entry `n`, for those that were changed since; `nil` when that is forgotten.
  func states(after n: UInt64) -> [String: [UInt8]?]? {
    guard n + 1 >= first, n <= last else { return nil }
    var states: [String: [UInt8]?] = [:]
    var place = n + 1
    while place <= last {
      if let entry = self[place], states[entry.tenant] == nil { states.updateValue(entry.before, forKey: entry.tenant) }
      place += 1
    }
    return states
  }
}
