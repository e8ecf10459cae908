import Configuration
import Persistence

/// What is kept in `state` of tenants: each with its row, and their history.
///
/// A record is a change, whose entry of history tells what holds afterwards; a snapshot has the history first and then all
/// rows, so that reading either comes to the same.
struct TenantJournal: Sendable {
  private static let entryKind: UInt8 = 1
  private static let rowKind: UInt8 = 2
  /// Bytes of a journal that are worth a new snapshot, at least.
  static let leastJournal = 4 << 20

  private let journal: Journal
  /// Bytes of the journal from which on it is worth one.
  private var threshold = TenantJournal.leastJournal

  /// Reads what was kept in `folder` into `rows` and `history`.
  init(
    folder: String, rows: inout RowTable, history: inout TenantHistory
  ) throws(PersistenceError) {
    var kept = (rows: RowTable(), history: TenantHistory())
    journal = try Journal(folder: folder, name: "tenants") { TenantJournal.read($0, &kept.rows, &kept.history) }
    (rows, history) = kept
    setThreshold(rows)
  }

  private static func read(_ record: ArraySlice<UInt8>, _ rows: inout RowTable, _ history: inout TenantHistory) {
    guard let kind = record.first else { return }
    if kind == entryKind, let entry = HistoryEntry(bytes: record.dropFirst()) {
      rows[entry.tenant] = entry.after
      history.append(entry)
    } else if kind == rowKind {
      var row = RecordReading(record.dropFirst())
      let tenant = row.text()
      let bytes = Array(row.blob())
      if row.isWhole { rows[tenant] = bytes }
    }
  }

  private static func record(_ entry: HistoryEntry) -> [UInt8] { [entryKind] + entry.bytes }

  private static func record(_ tenant: String, _ row: [UInt8]) -> [UInt8] {
    var writing = RecordWriting()
    writing.append(tenant)
    writing.append(row)
    return [rowKind] + writing.bytes
  }

  /// Whether so much was written that reading it takes longer than it must.
  var isLong: Bool { journal.size > threshold }

  private mutating func setThreshold(_ rows: RowTable) {
    threshold = max(TenantJournal.leastJournal, rows.count * 100)
  }

  /// Keeps changes, all or none, down to the disk. After a failure of the disk all is written anew first: what `catalog`
  /// has, which must be what holds.
  mutating func commit(_ entries: [HistoryEntry], after catalog: TenantCatalog) throws(PersistenceError) {
    if !journal.isWhole { try rewrite(catalog) }
    try journal.commit(entries.map(TenantJournal.record))
  }

  private mutating func rewrite(_ catalog: TenantCatalog) throws(PersistenceError) {
    var records: [[UInt8]] = []
    catalog.history.forEach { records.append(TenantJournal.record($0)) }
    catalog.rows.forEach { records.append(TenantJournal.record($0, $1)) }
    try journal.replace(with: records)
    setThreshold(catalog.rows)
  }

  /// Begins a snapshot of what holds, which another thread is to write.
  func beginSnapshot() throws(PersistenceError) -> SnapshotWriter { try journal.fork() }

  /// Writes a snapshot.
  static func write(_ catalog: TenantCatalog, to snapshot: SnapshotWriter) throws(PersistenceError) {
    try catalog.history.forEach { (entry: HistoryEntry) throws(PersistenceError) in
      try snapshot.add(TenantJournal.record(entry))
    }
    try catalog.rows.forEach { (tenant: String, row: [UInt8]) throws(PersistenceError) in
      try snapshot.add(TenantJournal.record(tenant, row))
    }
    try snapshot.finish()
  }

  /// Puts a snapshot in place.
  mutating func end(_ snapshot: SnapshotWriter, of catalog: TenantCatalog) throws(PersistenceError) {
    try journal.adopt(snapshot)
    setThreshold(catalog.rows)
  }

  /// Waits with the next snapshot until as much again was written: there was no room for this one.
  mutating func postponeSnapshot() { threshold = journal.size + TenantJournal.leastJournal }
}
