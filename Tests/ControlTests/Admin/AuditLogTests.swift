import Foundation
import Testing

@testable import Control

@Suite struct AuditLogTests {
  private let directory = TestDirectory()
  private var path: String { "\(directory.path)/audit.log" }

  private func entry(_ number: Int, tenant: String = "acme") -> AuditEntry {
    AuditEntry(
      actor: "uid:0", role: "admin", from: "unix", action: "tenant.put", target: "tenant/\(tenant)",
      reason: "nr \(number)",
      result: "done", beforeHash: nil, afterHash: String(repeating: "a", count: 64))
  }

  /// Writes entries with a log that is closed again.
  private func write(_ count: Int, fileSize: Int = AuditLog.fileSize, mostFiles: Int = AuditLog.mostFiles) throws {
    let log = try AuditLog(folder: directory.path, fileSize: fileSize, mostFiles: mostFiles)
    for number in 0..<count { try log.append(entry(number)) }
  }

  private func lines() throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func put(_ lines: [String]) throws {
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
  }

  private func verify() throws -> AuditVerification { try AuditVerification(folder: directory.path) }

  @Test func whatWasWrittenIsWhole() throws {
    #expect(try verify().faultCount == 0)
    try write(3)
    try write(2)
    let verification = try verify()
    #expect(verification.faults == [])
    #expect(verification.count == 5)
    #expect(verification.end.n == 5)
    #expect(try lines().allSatisfy { $0.hasSuffix(#""}"#) && $0.contains(#""chain":""#) })
  }

  @Test func everyEditIsFound() throws {
    try write(6)
    let whole = try lines()
    for place in whole.indices {
      var edited = whole
      edited[place] = edited[place].replacingOccurrences(of: "nr \(place)", with: "nr x")
      try put(edited)
      #expect(try verify().faultCount > 0, "an edit of \(place)")
      var short = whole
      short.remove(at: place)
      try put(short)
      #expect(try verify().faultCount > 0, "\(place) taken out")
      var double = whole
      double.insert(whole[place], at: place)
      try put(double)
      #expect(try verify().faultCount > 0, "\(place) twice")
      guard place > 0 else { continue }
      var moved = whole
      moved.swapAt(place, place - 1)
      try put(moved)
      #expect(try verify().faultCount > 0, "\(place) moved")
    }
    try put(whole)
    #expect(try verify().faultCount == 0)
  }

  @Test func everyByteCounts() throws {
    try write(2)
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for place in whole.indices where whole[place] != 0x0A {
      var edited = whole
      edited[place] ^= 1
      try Data(edited).write(to: URL(fileURLWithPath: path))
      #expect(try verify().faultCount > 0, "byte \(place)")
    }
  }

  @Test func aTailThatWasCutOffIsMissed() throws {
    try write(5)
    try put(Array(try lines().prefix(3)))
    #expect(try verify().faults == ["audit.head: the log must end with entry 5, and ends with entry 3"])
    // Going on does not heal it.
    let log = try AuditLog(folder: directory.path)
    #expect(log.finding != nil)
    try log.append(entry(9))
    #expect(try verify().faultCount > 0)
    #expect(try lines().last?.contains(#""n":6"#) == true)
  }

  @Test func aHeadThatIsGoneIsMissed() throws {
    try write(2)
    unlink("\(directory.path)/audit.head")
    #expect(try verify().faultCount > 0)
    #expect(try AuditLog(folder: directory.path).finding != nil)
  }

  @Test func aLineThatBrokeOffIsCutOff() throws {
    try write(2)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try (whole + Data(#"{"action":"tenant.pu"#.utf8)).write(to: URL(fileURLWithPath: path))
    #expect(try verify().faultCount == 0)
    try write(1)
    #expect(try verify().faults == [])
    #expect(try lines().count == 3)
  }

  @Test func aHeadThatIsOneBehindIsGoneOnWith() throws {
    try write(2)
    let head = try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/audit.head"))
    try write(1)
    try head.write(to: URL(fileURLWithPath: "\(directory.path)/audit.head"))
    #expect(try AuditLog(folder: directory.path).finding == nil)
    try write(1)
    #expect(try verify().faults == [])
    #expect(try verify().count == 4)
  }

  @Test func aHeadThatIsSomeBehindIsGoneOnWithIfTheLinesFollow() throws {
    try write(2)
    let head = try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/audit.head"))
    try write(5)
    try head.write(to: URL(fileURLWithPath: "\(directory.path)/audit.head"))
    #expect(try verify().faults == [])
    #expect(try AuditLog(folder: directory.path).finding == nil)
    var lines = try lines()
    lines.swapAt(3, 4)
    try put(lines)
    #expect(try verify().faultCount > 0)
    #expect(try AuditLog(folder: directory.path).finding != nil)
  }

  @Test func entriesAtOnceAreChainedAll() throws {
    let log = try AuditLog(folder: directory.path)
    let entry = entry(1)
    DispatchQueue.concurrentPerform(iterations: 300) { _ in #expect(throws: Never.self) { try log.append(entry) } }
    #expect(try verify().faults == [])
    #expect(try verify().count == 300)
  }

  @Test func filesAreTurnedOverAndTheOldestGo() throws {
    try write(200, fileSize: 2000, mostFiles: 3)
    #expect(directory.names.count { $0.hasPrefix("audit-") } == 3)
    let verification = try verify()
    #expect(verification.faults == [])
    #expect(verification.end.n == 200)
    #expect(try #require(verification.first) > 100)
    let oldest = try #require(directory.names.first { $0.hasPrefix("audit-") })
    unlink("\(directory.path)/\(oldest)")
    #expect(try verify().faultCount == 1)
  }

  @Test func pagesGoBackInTime() throws {
    let log = try AuditLog(folder: directory.path, fileSize: 1500, mostFiles: 64)
    for number in 1...20 { try log.append(entry(number, tenant: number % 2 == 0 ? "even" : "odd")) }
    func numbers(_ page: (lines: [ArraySlice<UInt8>], next: Int64?)) -> [Int64] {
      page.lines.compactMap { AuditLine($0)?.entry.n }
    }
    let first = try log.page(before: nil, limit: 4) { _ in true }
    #expect(numbers(first) == [20, 19, 18, 17])
    #expect(numbers(try log.page(before: first.next, limit: 3) { _ in true }) == [16, 15, 14])
    var found: [Int64] = []
    var next: Int64?
    repeat {
      let page = try log.page(before: next, limit: 3) { $0.concerns("even") }
      found += numbers(page)
      next = page.next
    } while next != nil
    #expect(found == Array(stride(from: 20, through: 2, by: -2)))
  }

  @Test func entriesConcernTenants() {
    var entry = entry(1)
    #expect(entry.concerns("acme"))
    #expect(!entry.concerns("acm"))
    entry.target = "tenant/acme/state"
    #expect(entry.concerns("acme"))
    entry.target = "move/7"
    #expect(!entry.concerns("acme"))
    entry.tenants = ["acme"]
    #expect(entry.concerns("acme"))
  }
}
