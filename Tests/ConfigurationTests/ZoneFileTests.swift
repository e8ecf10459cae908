import Foundation
import Tenancy
import Testing

@testable import Configuration

@Suite struct ZoneFileTests {
  private func table(_ name: String) throws -> TimeZoneTable {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(ZoneFile.folder)/\(name)")))
    return try #require(ZoneFile.table(bytes))
  }

  /// What the system's own reader says of each hour of some years, past and to come.
  @Test(arguments: [
    "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia", "Europe/Dublin", "Asia/Tehran", "America/Godthab", "Etc/UTC", "Asia/Tokyo",
  ])
  func offsetsAreThoseOfTheSystem(_ name: String) throws {
    guard FileManager.default.fileExists(atPath: "\(ZoneFile.folder)/\(name)") else { return }
    let zone = try #require(TimeZone(identifier: name))
    let table = try table(name)
    for year in [1975, 1999, 2011, 2024, 2035] {
      let start = Int64(CivilDate(year: Int64(year), month: 1, day: 1).days * 86_400)
      for hour in Int64(0)..<(366 * 24) {
        let time = start + hour * 3_600
        let wanted = Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time))))
        guard table.offset(at: time) != wanted else { continue }
        Issue.record("\(name) at \(time): \(table.offset(at: time)), not \(wanted)")
        return
      }
    }
  }

  @Test func rulesOfTheFooter() throws {
    let zone = try #require(PosixZone("CET-1CEST,M3.5.0,M10.5.0/3"))
    let changes = zone.transitions(to: 1970)
    #expect(changes.map(\.offset) == [7_200, 3_600])
    #expect(changes[0].time == 7_520_400)
    #expect(PosixZone("<+0330>-3:30")?.standard == 12_600)
    #expect(PosixZone("EST5EDT,J60,300/-2")?.transitions(to: 2_000).count == 62)
    for bad in ["", "X1", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0", "<+03", "CET-1x"] {
      #expect(PosixZone(bad) == nil, "\(bad)")
    }
  }

  @Test func whateverIsInAFileNothingBreaks() throws {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: "\(ZoneFile.folder)/Europe/Berlin")) else { return }
    let bytes = [UInt8](data)
    for count in 0..<min(bytes.count, 200) { _ = ZoneFile.table(Array(bytes[..<count])) }
    for place in 0..<min(bytes.count, 400) {
      for value: UInt8 in [0, 0x7F, 0xFF] {
        var broken = bytes
        broken[place] = value
        _ = ZoneFile.table(broken)
      }
    }
  }
}
