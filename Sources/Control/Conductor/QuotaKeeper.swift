import Engine
import Persistence
import Platform
import Synchronization

/// The thread that keeps what is used of quotas: twice a second what has changed goes to the journal, so that a process that
/// is killed has lost less than a second of it.
final class QuotaKeeper: Sendable {
  /// Nanoseconds between two looks.
  private static let rest: Int64 = 50_000_000
  /// Looks between two writes.
  private static let looks = 8
  /// Bytes of a journal that are worth a new snapshot, at least.
  private static let leastJournal = 1 << 20
  /// Seconds after which a period that began is over for certain.
  private static let longestPeriod: Int64 = 32 * 86_400

  /// A quota of a tenant.
  private struct Key: Hashable {
    var tenant: String
    var limit: String
  }

  /// What belongs to whoever holds the lock.
  private struct Books {
    var journal: Journal
    var uses: [Key: QuotaUse]
    /// Whether the last write failed, and that was said.
    var hasFailed = false
    /// Whether another process writes by now.
    var isHandedOver = false
  }

  private let books: Mutex<Books>
  private let isStopping = Atomic<Bool>(false)
  private let thread: Mutex<Platform.Thread?> = Mutex(nil)

  /// Reads what was kept in `folder`.
  init(folder: StateFolder) throws(PersistenceError) {
    var uses: [Key: QuotaUse] = [:]
    let journal = try Journal(folder: folder.path, name: "quotas") { record in
      guard let use = QuotaKeeper.decode(record) else { return }
      uses[Key(tenant: use.tenant, limit: use.limit)] = use
    }
    books = Mutex(Books(journal: journal, uses: uses))
  }

  /// Gives the tenants of `engine` what was kept of them; those that have used their quotas meanwhile keep what they have.
  func restore(_ engine: Engine) {
    let uses = books.withLock { Array($0.uses.values) }
    engine.restore(uses)
  }

  /// Keeps what `engine` counts until `stop()`.
  func start(_ engine: Engine) throws(SystemError) {
    let thread = try Platform.Thread(name: "quotas") { [self] in
      var look = 0
      while true {
        let isLast = isStopping.load(ordering: .acquiring)
        if isLast || look % QuotaKeeper.looks == 0 { keep(engine) }
        if isLast { return }
        look += 1
        Machine.rest(nanoseconds: QuotaKeeper.rest)
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Keeps what is left and ends the thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    thread.withLock { $0 }?.join()
  }

  /// Keeps what has changed at once; false when it could not be written down.
  func keepNow(_ engine: Engine) -> Bool {
    keep(engine)
    return books.withLock { !$0.hasFailed && !$0.isHandedOver }
  }

  /// Writes what is left of `engine`, then nothing while `body` runs, and nothing ever again if that is true.
  func handOver(_ engine: Engine, _ body: () -> Bool) -> Bool {
    keep(engine)
    return books.withLock { books in
      books.isHandedOver = body()
      return books.isHandedOver
    }
  }

  private func keep(_ engine: Engine) {
    books.withLock { books in
      guard !books.isHandedOver else { return }
      // Within the lock: what is taken later is written later.
      let changes = engine.takeQuotaChanges()
      for use in changes { books.uses[Key(tenant: use.tenant, limit: use.limit)] = use }
      do throws(PersistenceError) {
        if !books.journal.isWhole || books.journal.size > QuotaKeeper.leastJournal + 400 * books.uses.count {
          try replace(&books)
        } else if !changes.isEmpty {
          try books.journal.append(changes.map(QuotaKeeper.encode))
          try books.journal.sync()
        }
        if books.hasFailed { say("quotas are kept again") }
        books.hasFailed = false
      } catch {
        if !books.hasFailed { say("quotas are not kept: \(error)") }
        books.hasFailed = true
      }
    }
  }

  /// Writes all that still matters anew.
  private func replace(_ books: inout Books) throws(PersistenceError) {
    let newest = books.uses.values.map(\.start).max() ?? 0
    books.uses = books.uses.filter { $0.value.start > newest - QuotaKeeper.longestPeriod }
    try books.journal.replace(with: books.uses.values.map(QuotaKeeper.encode))
  }

  // MARK: - records

  private static let version: UInt8 = 1

  static func encode(_ use: QuotaUse) -> [UInt8] {
    var bytes = [version]
    for number in [use.start, use.used] {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> Int64(8 * shift))) }
    }
    bytes.append(UInt8(clamping: use.tenant.utf8.count))
    return bytes + Array(use.tenant.utf8) + Array(use.limit.utf8)
  }

  static func decode(_ record: ArraySlice<UInt8>) -> QuotaUse? {
    let bytes = Array(record)
    guard bytes.count >= 18, bytes[0] == version, bytes.count >= 18 + Int(bytes[17]) else { return nil }
    func number(_ place: Int) -> Int64 {
      (0..<8).reduce(0) { $0 | Int64(bytes[place + $1]) << Int64(8 * $1) }
    }
    let end = 18 + Int(bytes[17])
    return QuotaUse(
      tenant: String(decoding: bytes[18..<end], as: UTF8.self), limit: String(decoding: bytes[end...], as: UTF8.self),
      start: number(1), used: number(9))
  }
}
