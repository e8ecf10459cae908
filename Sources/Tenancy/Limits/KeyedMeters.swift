import Primitives

/// Buckets by key, as many as there is room for: the one used longest ago makes room for the next.
///
/// Keys are hashes that nobody outside can aim; two that are alike share a bucket. The memory grows with the keys up to
/// `capacity` of them, 24 bytes each and 8 to find it.
struct KeyedMeters: ~Copyable {
  /// Most keys, of all limits of a tenant together.
  static let mostKeys = 4_096
  private static let nothing: Int32 = -1

  private struct Entry: BitwiseCopyable {
    var key: UInt64
    var meter = Meter()
    /// The entries used just after and just before this one.
    var newer: Int32 = nothing
    var older: Int32 = nothing
  }

  private let capacity: Int
  private var entries: [Entry] = []
  /// The entry at each place of an open-addressed table, a power of two of them, at most half full.
  private var places: [Int32] = []
  private var newest: Int32 = nothing
  private var oldest: Int32 = nothing

  /// No buckets, and room for `capacity`.
  init(capacity: Int = mostKeys) { self.capacity = max(1, capacity) }

  /// Keys that have a bucket.
  var count: Int { entries.count }

  /// Calls `body` with each key and its bucket, the one used longest ago first.
  func forEach(_ body: (UInt64, Meter) -> Void) {
    var entry = oldest
    while entry >= 0 {
      body(entries[Int(entry)].key, entries[Int(entry)].meter)
      entry = entries[Int(entry)].newer
    }
  }

  /// What the bucket of `key` is; a full one when it has none.
  func meter(of key: UInt64) -> Meter {
    let entry = find(key)
    return entry >= 0 ? entries[Int(entry)].meter : Meter()
  }

  /// Changes the bucket of `key` and makes it the last used; whether another had to make room.
  mutating func update(_ key: UInt64, _ body: (inout Meter) -> Void) -> Bool {
    var entry = find(key)
    var hasEvicted = false
    if entry >= 0 {
      unlink(entry)
    } else if entries.count < capacity {
      entry = add(key)
    } else {
      entry = oldest
      unlink(entry)
      forget(entry)
      entries[Int(entry)] = Entry(key: key)
      place(entry)
      hasEvicted = true
    }
    body(&entries[Int(entry)].meter)
    link(entry)
    return hasEvicted
  }

  private mutating func add(_ key: UInt64) -> Int32 {
    let entry = Int32(entries.count)
    entries.append(Entry(key: key))
    if entries.count * 2 > places.count {
      places = [Int32](repeating: KeyedMeters.nothing, count: max(64, places.count * 2))
      for known in 0..<entry { place(known) }
    }
    place(entry)
    return entry
  }

  private var mask: Int { places.count - 1 }

  private func find(_ key: UInt64) -> Int32 {
    guard !places.isEmpty else { return KeyedMeters.nothing }
    var at = Int(truncatingIfNeeded: key) & mask
    while places[at] >= 0 {
      if entries[Int(places[at])].key == key { return places[at] }
      at = (at + 1) & mask
    }
    return KeyedMeters.nothing
  }

  private mutating func place(_ entry: Int32) {
    var at = Int(truncatingIfNeeded: entries[Int(entry)].key) & mask
    while places[at] >= 0 { at = (at + 1) & mask }
    places[at] = entry
  }

  /// Takes an entry out of the table; those behind it that it kept from their place move up.
  private mutating func forget(_ entry: Int32) {
    var hole = Int(truncatingIfNeeded: entries[Int(entry)].key) & mask
    while places[hole] != entry { hole = (hole + 1) & mask }
    var at = (hole + 1) & mask
    while places[at] >= 0 {
      let home = Int(truncatingIfNeeded: entries[Int(places[at])].key) & mask
      if (at - home) & mask >= (at - hole) & mask {
        places[hole] = places[at]
        hole = at
      }
      at = (at + 1) & mask
    }
    places[hole] = KeyedMeters.nothing
  }

  private mutating func link(_ entry: Int32) {
    entries[Int(entry)].older = newest
    entries[Int(entry)].newer = KeyedMeters.nothing
    if newest >= 0 { entries[Int(newest)].newer = entry } else { oldest = entry }
    newest = entry
  }

  private mutating func unlink(_ entry: Int32) {
    let (newer, older) = (entries[Int(entry)].newer, entries[Int(entry)].older)
    if newer >= 0 { entries[Int(newer)].older = older } else { newest = older }
    if older >= 0 { entries[Int(older)].newer = newer } else { oldest = newer }
  }
}
