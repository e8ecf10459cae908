import FoundationEssentials
import Persistence
import Platform
import Primitives
import Synchronization

/// The grants that were given and not taken back, kept in the state.
final class GrantBook: Sendable {
  /// Grants at a time.
  static let most = 10_000
  /// Bytes of a journal that are worth a new snapshot, at least.
  private static let leastJournal = 1 << 20

  /// What a token is good for.
  enum Admission {
    /// Nobody knows it.
    case unknown
    /// It was good once.
    case expired(Grant)
    /// It is good; a sealed one may be used for the first time.
    case granted(Grant, isOpening: Bool)
  }

  private struct Books {
    var journal: Journal
    var grants: [String: Grant]
    /// Sealed tokens that were opened by this process.
    var openings = 0
    /// Whether another process has the grants by now.
    var isHandedOver = false
  }

  private let books: Mutex<Books>

  /// Reads what was kept in a folder.
  init(folder: String) throws(PersistenceError) {
    var grants: [String: Grant] = [:]
    let journal = try Journal(folder: folder, name: "grants") { record in
      guard let grant = try? JSONDecoder().decode(Grant.self, from: Data(record)) else { return }
      grants[grant.id] = grant.isRevoked ? nil : grant
    }
    books = Mutex(Books(journal: journal, grants: grants))
  }

  /// What a token is good for at `now`; notes the first use of a sealed one, or says that this can't be kept.
  func admit(_ token: GrantToken, at now: Int64) throws(PersistenceError) -> Admission {
    try books.withLock { books throws(PersistenceError) in
      // Whatever is unknown takes as long as what is wrong.
      let grant = books.grants[token.id]
      let isRight = SHA256Digest.areSame(token.digest, grant?.digest ?? [UInt8](repeating: 0, count: 32))
      guard var grant, isRight else { return .unknown }
      if grant.isExpired(at: now) { return .expired(grant) }
      guard grant.seal != nil, grant.opened == nil else { return .granted(grant, isOpening: false) }
      grant.opened = now
      try GrantBook.keep(grant, &books)
      books.openings += 1
      return .granted(grant, isOpening: true)
    }
  }

  /// Writes nothing while `body` runs, and nothing ever again if that is true.
  func handOver(_ body: () -> Bool) -> Bool {
    books.withLock { books in
      books.isHandedOver = body()
      return books.isHandedOver
    }
  }

  /// All grants, in the order in which they were given.
  var all: [Grant] {
    books.withLock { Array($0.grants.values) }.sorted { ($0.created, $0.id) < ($1.created, $1.id) }
  }

  /// Keeps a new grant; false when there are too many.
  func add(_ grant: Grant, at now: Int64) throws(PersistenceError) -> Bool {
    try books.withLock { books throws(PersistenceError) in
      if books.grants.count >= GrantBook.most, !books.isHandedOver {
        books.grants = books.grants.filter { !$0.value.isExpired(at: now) }
        guard books.grants.count < GrantBook.most else { return false }
        try books.journal.replace(with: books.grants.values.map { AdminJSON.bytes($0) })
      }
      try GrantBook.keep(grant, &books)
      return true
    }
  }

  /// Takes a grant back; `nil` when there is none of this id.
  func revoke(_ id: String) throws(PersistenceError) -> Grant? {
    try books.withLock { books throws(PersistenceError) in
      guard var grant = books.grants[id] else { return nil }
      let before = grant
      grant.isRevoked = true
      try GrantBook.keep(grant, &books)
      return before
    }
  }

  /// Sealed tokens that this process saw opened, and those that are open at `now`.
  func breakGlass(at now: Int64) -> (openings: Int, open: Int) {
    books.withLock { books in
      (books.openings, books.grants.values.count { $0.opened != nil && !$0.isExpired(at: now) })
    }
  }

  private static func keep(_ grant: Grant, _ books: inout Books) throws(PersistenceError) {
    if books.isHandedOver { throw PersistenceError("a new process has taken over; try again") }
    if !books.journal.isWhole || books.journal.size > leastJournal + 1000 * books.grants.count {
      try books.journal.replace(with: books.grants.values.map { AdminJSON.bytes($0) })
    }
    try books.journal.append([AdminJSON.bytes(grant)])
    try books.journal.sync()
    books.grants[grant.id] = grant.isRevoked ? nil : grant
  }
}
