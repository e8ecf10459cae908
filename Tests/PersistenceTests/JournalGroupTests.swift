import Foundation
import Testing

@testable import Persistence

/// What was appended at once, cut off at every byte and stopped between any two calls of the system.
@Suite final class JournalGroupTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)")
    .path

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func open(_ calls: FileCalls = .system) throws -> (journal: Journal, numbers: [Int]) {
    var numbers: [Int] = []
    let journal = try Journal(folder: folder, name: "x", calls: calls) { record in
      numbers.append(Int(String(decoding: record, as: UTF8.self).drop { $0 == "." })!)
    }
    return (journal, numbers)
  }

  /// Numbers as records of several lengths.
  private func records(_ numbers: some Sequence<Int>) -> [[UInt8]] {
    numbers.map { Array((String(repeating: ".", count: $0 * 7 % 40) + String($0)).utf8) }
  }

  @Test func aGroupIsReadInWholeOrNotAtAll() throws {
    var (journal, numbers) = try open()
    let path = folder + "/x.journal"
    try journal.commit(records(1...1))
    let start = try #require(FileManager.default.contents(atPath: path)).count
    try journal.commit(records(2...5))
    let whole = try #require(FileManager.default.contents(atPath: path))
    for count in start..<whole.count {
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      (journal, numbers) = try open()
      #expect(numbers == [1], "\(count) bytes")
      // What is written next is not taken for the rest of it.
      try journal.commit(records(9...9))
      (journal, numbers) = try open()
      #expect(numbers == [1, 9], "\(count) bytes")
    }
    try whole.write(to: URL(fileURLWithPath: path))
    (journal, numbers) = try open()
    #expect(numbers == [1, 2, 3, 4, 5])
    _ = journal
  }

  @Test func aSnapshotByAnotherThreadLosesNothing() throws {
    var (journal, numbers) = try open()
    try journal.commit(records(1...3))
    let snapshot = try journal.fork()
    try journal.commit(records(4...4))
    // As if the process died before the snapshot came into place.
    (_, numbers) = try open()
    #expect(numbers == [1, 2, 3, 4])
    for record in records(1...3) { try snapshot.add(record) }
    try snapshot.finish()
    try journal.adopt(snapshot)
    try journal.commit(records(5...5))
    (journal, numbers) = try open()
    #expect(numbers == [1, 2, 3, 4, 5])
    #expect(!FileManager.default.fileExists(atPath: folder + "/x.journal.next"))
  }

  /// What a process does with its journal, until it is stopped; tells which numbers were confirmed and which were tried.
  private func live(_ journal: Journal, from first: Int, _ note: (_ tried: Int, _ confirmed: Int) -> Void) throws {
    var last = first - 1
    func commit(_ count: Int) throws {
      note(last + count, last)
      try journal.commit(records((last + 1)...(last + count)))
      last += count
      note(last, last)
    }
    try commit(1)
    try commit(3)
    let snapshot = try journal.fork()
    let held = last
    try commit(2)
    for record in records(1...held) { try snapshot.add(record) }
    try snapshot.finish()
    try commit(1)
    try journal.adopt(snapshot)
    try commit(2)
    try journal.replace(with: records(1...last))
    try commit(1)
    // A fork of which nothing comes, and the next try.
    _ = try journal.fork()
    try commit(1)
    let again = try journal.fork()
    for record in records(1...last) { try again.add(record) }
    try again.finish()
    try journal.adopt(again)
    try commit(1)
  }

  @Test func theEndOfTheWorldBetweenAnyTwoCalls() throws {
    var call = 0
    var isThrough = false
    while !isThrough {
      try? FileManager.default.removeItem(atPath: folder)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let world = EndingWorld(after: call)
      var (tried, confirmed) = (0, 0)
      do {
        let (journal, _) = try open(world.calls)
        try live(journal, from: 1) { (tried, confirmed) = ($0, $1) }
        isThrough = true
      } catch is PersistenceError {}
      let (journal, numbers) = try open()
      // Snapshots and journals may both have a number: what counts is which there are.
      let kept = Set(numbers)
      #expect(kept == Set(1..<(kept.count + 1)), "call \(call): \(numbers)")
      #expect(kept.count >= confirmed && kept.count <= tried, "call \(call): \(confirmed) ≤ \(kept.count) ≤ \(tried)")
      // Life goes on from there.
      try journal.commit(records([kept.count + 1]))
      #expect(Set(try open().numbers).count == kept.count + 1, "call \(call)")
      call += 1
    }
    #expect(call > 40)
  }

  @Test(arguments: [ENOSPC, EROFS, EIO])
  func whatCannotBeWrittenIsNotThere(_ number: Int32) throws {
    let disk = FullDisk()
    var (journal, numbers) = try open(disk.calls)
    try journal.commit(records(1...2))
    disk.room = 11
    disk.error = number
    let error = #expect(throws: PersistenceError.self) { try journal.commit(self.records(3...9)) }
    #expect(error?.isFull == (number == ENOSPC))
    #expect(journal.isWhole)
    #expect(try open().numbers == [1, 2])
    disk.room = .max
    try journal.commit(records(3...3))
    (journal, numbers) = try open()
    #expect(numbers == [1, 2, 3])
  }

  @Test func whatWasNotConfirmedDoesNotComeBack() throws {
    let disk = FullDisk()
    var (journal, numbers) = try open(disk.calls)
    try journal.commit(records(1...1))
    disk.failsToSync = true
    #expect(throws: PersistenceError.self) { try journal.commit(self.records(2...2)) }
    // Nobody knows what is on the disk: all is to be written anew.
    #expect(!journal.isWhole)
    #expect(throws: PersistenceError.self) { try journal.commit(self.records(2...2)) }
    #expect(try open().numbers == [1])
    disk.failsToSync = false
    try journal.replace(with: records(1...1))
    try journal.commit(records(7...7))
    (journal, numbers) = try open()
    #expect(numbers == [1, 7])
  }
}

/// Calls of the system that do nothing any more after a number of them; the last one, if it writes, writes half.
private final class EndingWorld: @unchecked Sendable {
  // Unchecked: one thread uses it.
  private var left: Int

  init(after count: Int) { left = count }

  private func next() -> Bool {
    left -= 1
    if left < 0 { errno = EIO }
    return left >= 0
  }

  var calls: FileCalls {
    let system = FileCalls.system
    return FileCalls(
      open: { self.next() ? system.open($0, $1) : -1 },
      write: { file, bytes, count, place in
        if self.next() { return system.write(file, bytes, count, place) }
        if self.left == -1 { _ = system.write(file, bytes, count / 2, place) }
        errno = EIO
        return -1
      },
      sync: { self.next() ? system.sync($0) : -1 }, cut: { self.next() ? system.cut($0, $1) : -1 },
      rename: { self.next() ? system.rename($0, $1) : -1 }, remove: { self.next() ? system.remove($0) : -1 })
  }
}

/// A disk that has no more room than is said.
private final class FullDisk: @unchecked Sendable {
  // Unchecked: one thread uses it.
  var room = Int.max
  var error = ENOSPC
  var failsToSync = false

  var calls: FileCalls {
    var calls = FileCalls.system
    calls.write = { file, bytes, count, place in
      let possible = min(count, self.room)
      guard possible > 0 else {
        errno = self.error
        return -1
      }
      if self.room != .max { self.room -= possible }
      return FileCalls.system.write(file, bytes, possible, place)
    }
    calls.sync = { file in
      guard self.failsToSync else { return FileCalls.system.sync(file) }
      errno = EIO
      return -1
    }
    return calls
  }
}
