import Foundation
import Testing

@testable import Persistence

@Suite final class JournalTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)")
    .path

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func open() throws -> (journal: Journal, records: [String]) {
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var records: [String] = []
    let journal = try Journal(folder: folder, name: "x") { records.append(String(decoding: $0, as: UTF8.self)) }
    return (journal, records)
  }

  private func bytes(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

  @Test func checksumIsThatOfTheStandard() {
    #expect(Checksum.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(Checksum.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
  }

  @Test func whatWasWrittenIsReadInOrder() throws {
    var (journal, records) = try open()
    #expect(records.isEmpty)
    try journal.append(bytes("a", "", "b"))
    try journal.sync()
    (journal, records) = try open()
    #expect(records == ["a", "", "b"])
    try journal.append(bytes("c"))
    try journal.replace(with: bytes("all", "of it"))
    try journal.append(bytes("d"))
    (journal, records) = try open()
    #expect(records == ["all", "of it", "d"])
  }

  @Test func aWriteThatWasBrokenOffCountsForNothing() throws {
    var (journal, records) = try open()
    try journal.replace(with: bytes("base"))
    try journal.append(bytes("first"))
    try journal.append(bytes("second"))
    let path = folder + "/x.journal"
    let whole = try #require(FileManager.default.contents(atPath: path))
    let begin = whole.count - 2 * RecordFrame.headCount - "firstsecond".utf8.count
    for count in 0..<whole.count {
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      (journal, records) = try open()
      let first = begin + RecordFrame.headCount + "first".utf8.count
      #expect(records == (count < first ? ["base"] : ["base", "first"]), "\(count)")
      // What is written next stands behind what is good.
      try journal.append(bytes("third"))
      (journal, records) = try open()
      #expect(records.last == "third")
    }
  }

  @Test func aDamagedRecordEndsTheJournal() throws {
    var (journal, records) = try open()
    try journal.append(bytes("first"))
    try journal.append(bytes("second"))
    let path = folder + "/x.journal"
    let whole = try #require(FileManager.default.contents(atPath: path))
    for place in (whole.count - "second".utf8.count - RecordFrame.headCount)..<whole.count {
      var broken = whole
      broken[place] ^= 0x10
      try broken.write(to: URL(fileURLWithPath: path))
      (journal, records) = try open()
      #expect(records == ["first"], "\(place)")
    }
    _ = journal
  }

  @Test func aJournalOfAnEarlierSnapshotIsInTheLaterOne() throws {
    var (journal, records) = try open()
    try journal.append(bytes("old"))
    let stale = try #require(FileManager.default.contents(atPath: folder + "/x.journal"))
    try journal.replace(with: bytes("new"))
    // As if the process had died between the two renames.
    try stale.write(to: URL(fileURLWithPath: folder + "/x.journal"))
    (journal, records) = try open()
    #expect(records == ["new"])
    _ = journal
  }

  @Test func aDamagedSnapshotIsSaidNotForgotten() throws {
    let (journal, _) = try open()
    try journal.replace(with: bytes("base"))
    let path = folder + "/x.snapshot"
    var broken = try #require(FileManager.default.contents(atPath: path))
    broken[broken.count - 1] ^= 1
    try broken.write(to: URL(fileURLWithPath: path))
    #expect(throws: PersistenceError.self) { try self.open() }
  }

  @Test func oneProcessHasAFolder() throws {
    let first = try StateFolder(path: folder)
    #expect(throws: PersistenceError.self) { try StateFolder(path: self.folder) }
    _ = first
  }
}
