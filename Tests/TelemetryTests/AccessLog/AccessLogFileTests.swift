import Foundation
import Telemetry
import Testing

/// A folder that is gone after the test.
private final class Folder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func text(_ name: String) -> String? { try? String(contentsOfFile: path + "/" + name, encoding: .utf8) }
}

/// A pipe; nothing is read unless asked.
private final class Pipe {
  private(set) var ends: [Int32] = [-1, -1]

  init() { #expect(pipe(&ends) == 0) }

  deinit {
    close(ends[0])
    close(ends[1])
  }

  /// Reads what is there.
  func drain() -> [UInt8] {
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(ends[0], &piece, piece.count), count > 0 { bytes += piece[..<count] }
    return bytes
  }
}

@Suite struct AccessLogFileTests {
  // Eleven bytes: no pipe or page ends where a line does.
  private let line = Array(#"{"n":1234}"#.utf8) + [0x0A]

  @Test func linesAreAddedToWhatIsThere() throws {
    let folder = try Folder()
    try "old\n".write(toFile: folder.path + "/log", atomically: false, encoding: .utf8)
    let file = try AccessLogFile(path: folder.path + "/log")
    file.pending += Array("new\n".utf8)
    #expect(folder.text("log") == "old\n")
    file.flush()
    file.flush()
    #expect(folder.text("log") == "old\nnew\n")
    #expect(file.pending.isEmpty && file.errorCount == 0 && file.droppedLines == 0)
  }

  @Test func aNewFileIsNotForEverybody() throws {
    let folder = try Folder()
    _ = try AccessLogFile(path: folder.path + "/log")
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/log")[.posixPermissions] as? Int
    #expect(try #require(mode) & 0o137 == 0)
  }

  @Test func fullMeansSixtyFourKibibytes() throws {
    let folder = try Folder()
    let file = try AccessLogFile(path: folder.path + "/log")
    file.pending = [UInt8](repeating: 0x0A, count: AccessLogFile.fullCount - 1)
    file.flushIfFull()
    #expect(folder.text("log") == "")
    file.pending.append(0x0A)
    file.flushIfFull()
    #expect(folder.text("log")?.utf8.count == AccessLogFile.fullCount)
  }

  @Test func whatIsPendingIsWrittenAtTheEnd() throws {
    let folder = try Folder()
    do {
      let file = try AccessLogFile(path: folder.path + "/log")
      file.pending += line
    }
    #expect(folder.text("log")?.utf8.count == line.count)
  }

  @Test func rotationLosesNothing() throws {
    let folder = try Folder()
    let file = try AccessLogFile(path: folder.path + "/log")
    file.pending += Array("1\n".utf8)
    file.flush()
    try FileManager.default.moveItem(atPath: folder.path + "/log", toPath: folder.path + "/log.1")
    file.pending += Array("2\n".utf8)
    file.reopen()
    file.pending += Array("3\n".utf8)
    file.flush()
    #expect(folder.text("log.1") == "1\n2\n")
    #expect(folder.text("log") == "3\n")
    #expect(file.errorCount == 0)
  }

  @Test func aFailedReopeningKeepsTheOldFile() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.path + "/sub", withIntermediateDirectories: true)
    let file = try AccessLogFile(path: folder.path + "/sub/log")
    try FileManager.default.moveItem(atPath: folder.path + "/sub", toPath: folder.path + "/gone")
    file.reopen()
    #expect(file.errorCount == 1)
    file.pending += line
    file.flush()
    #expect(folder.text("gone/log")?.utf8.count == line.count)
  }

  @Test func aPathThatCannotBeOpenedIsExplained() throws {
    let folder = try Folder()
    let error = #expect(throws: AccessLogFile.OpenError.self) { try AccessLogFile(path: folder.path + "/no/log") }
    #expect(error?.description == "can't open \(folder.path)/no/log: No such file or directory")
  }

  @Test func aFullDiskDropsAndCounts() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let file = try AccessLogFile(path: "/dev/full")
    file.pending += line + line + line
    file.flush()
    #expect(file.droppedLines == 3 && file.errorCount == 1 && file.pending.isEmpty)
  }

  @Test func aSlowReaderGetsWholeLinesAndTheRestIsCounted() {
    let pipe = Pipe()
    let file = AccessLogFile(descriptor: pipe.ends[1])
    var given = 0
    // Far more than a pipe and the pending bytes hold.
    while file.droppedLines == 0 {
      file.pending += line
      given += 1
      file.flushIfFull()
    }
    var found = pipe.drain()
    for _ in 0..<100 {
      file.pending += line
      given += 1
    }
    file.flush()
    found += pipe.drain()
    file.flush()
    let lines = found.split(separator: 0x0A)
    let torn = lines.filter { Array($0) != line.dropLast() }
    #expect(torn.count <= 1)
    #expect(found.last == 0x0A)
    // The torn line is one of the dropped ones.
    #expect(lines.count - torn.count + Int(file.droppedLines) == given)
    #expect(file.errorCount == 0)
  }

  @Test func aReaderThatLeftIsAnError() {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    let file = AccessLogFile(descriptor: ends[1])
    file.pending += line
    file.flush()
    #expect(file.droppedLines == 1 && file.errorCount == 1)
    close(ends[1])
  }
}
