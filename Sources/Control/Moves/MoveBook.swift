import FoundationEssentials
import Persistence

/// The moves and waves that are kept: what is under way, and the newest of what has ended.
struct MoveBook {
  /// Moves, and waves, that have ended and are still told of.
  static let mostEnded = 1000
  /// Bytes of a journal that are worth a new snapshot.
  private static let leastJournal = 4 << 20

  /// One record of the journal.
  private struct Entry: Codable {
    var move: MoveRecord?
    var wave: WaveRecord?
  }

  private let journal: Journal
  private(set) var moves: [UInt64: MoveRecord] = [:]
  private(set) var waves: [UInt64: WaveRecord] = [:]
  private var lastMove: UInt64 = 0
  private var lastWave: UInt64 = 0
  /// Whether another process keeps them by now.
  var isHandedOver = false

  /// Reads what was kept in a folder.
  init(folder: String) throws(PersistenceError) {
    var entries: [Entry] = []
    journal = try Journal(folder: folder, name: "moves") { record in
      if let entry = try? JSONDecoder().decode(Entry.self, from: Data(record)) { entries.append(entry) }
    }
    for entry in entries { take(entry) }
  }

  private mutating func take(_ entry: Entry) {
    if let move = entry.move {
      moves[move.n] = move
      lastMove = max(lastMove, move.n)
    }
    if let wave = entry.wave {
      waves[wave.n] = wave
      lastWave = max(lastWave, wave.n)
    }
  }

  /// The number of the next move, and of the next wave.
  var nextMove: UInt64 { lastMove + 1 }
  var nextWave: UInt64 { lastWave + 1 }

  /// Keeps a move as it is now: on the disk when this returns.
  mutating func keep(_ move: MoveRecord) throws(PersistenceError) { try keep(Entry(move: move)) }

  /// The same of a wave.
  mutating func keep(_ wave: WaveRecord) throws(PersistenceError) { try keep(Entry(wave: wave)) }

  private mutating func keep(_ entry: Entry) throws(PersistenceError) {
    if isHandedOver { throw PersistenceError("a new process has taken over; try again") }
    take(entry)
    if journal.isWhole {
      try journal.append([AdminJSON.bytes(entry)])
      try journal.sync()
    }
    if !journal.isWhole || journal.size > MoveBook.leastJournal { try replace() }
  }

  private mutating func replace() throws(PersistenceError) {
    moves = MoveBook.newest(moves) { $0.ended != nil }
    waves = MoveBook.newest(waves) { $0.ended != nil }
    let entries = waves.values.map { Entry(wave: $0) } + moves.values.map { Entry(move: $0) }
    try journal.replace(with: entries.map { AdminJSON.bytes($0) })
  }

  /// What has not ended, and the newest of the rest.
  private static func newest<Record>(_ all: [UInt64: Record], hasEnded: (Record) -> Bool) -> [UInt64: Record] {
    let ended = all.filter { hasEnded($0.value) }.keys.sorted().dropLast(mostEnded)
    return all.filter { !ended.contains($0.key) }
  }
}
